"""The page of episodes in a real browser: wide and narrow, light and dark."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from jobs.views.episodes import write_episodes_page
from tests.lerobot.rewarded_lake import UNKNOWN, write_rewarded_lake
from tests.pages.looking import colors, complaints, look_at, requests, screenshot

HOSTILE = "lab/<script>window.hacked=1</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = write_rewarded_lake(tmp_path_factory.mktemp("episodes") / "lake", name=HOSTILE)
    return write_episodes_page(str(lake), lake.with_name("episodes.html"), limit=10).path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_fits_and_shows_every_episode(browser: Chrome, page: Path, width: int, dark: bool) -> None:
    look_at(browser, page, width=width, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert not complaints(browser) and requests(browser) == [page.as_uri()]
    assert browser.execute_script("return window.hacked") is None
    rows = browser.find_elements(By.CSS_SELECTOR, "#episodes tbody tr")
    assert [row.find_element(By.TAG_NAME, "th").text.split("\n")[0] for row in rows] == [
        f"{HOSTILE}/000000",
        f"{HOSTILE}/000001",
    ]
    cells = [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]
    assert [own[1:6] for own in cells] == [["5", "5", "0", "frame 4", "no"], ["7", "5", "2", "frame 6", "no"]]
    figures = browser.find_elements(By.CSS_SELECTOR, "#plots figure svg")
    assert len(figures) == 2
    for figure in figures:
        assert 0 < figure.rect["width"] <= width and figure.rect["height"] > 100
    assert UNKNOWN in browser.find_element(By.ID, "unknown").text
    assert colors(screenshot(browser)) > 30
