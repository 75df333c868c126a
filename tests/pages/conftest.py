"""The small lake, its pages, and a real headless browser to look at them with."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from jobs.views.preview import write_preview
from jobs.views.report import write_report
from tests.pages.small_lake import write_lake

_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of three rooms with answers and one image that was filtered out."""
    return write_lake(tmp_path_factory.mktemp("lakes") / "small")


@pytest.fixture(scope="session")
def preview_page(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview page of the small lake."""
    return write_preview(str(small_lake), tmp_path_factory.mktemp("pages") / "preview.html").path


@pytest.fixture(scope="session")
def report_page(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report page of the small lake."""
    return write_report(str(small_lake), tmp_path_factory.mktemp("pages") / "report.html").path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Headless Chromium with its console and network log kept."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        sentence = "The pages are tested in Chromium, and chromium or chromedriver is not on the PATH: install both."
        if os.environ.get("SPATIALLAKE_SKIP_BROWSER") == "1":
            pytest.skip(sentence)
        pytest.fail(f"{sentence} SPATIALLAKE_SKIP_BROWSER=1 skips these tests.")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (*_SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()
