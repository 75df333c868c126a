"""Browser helpers: open a page at a size, take a screenshot, read the logs."""

import io
import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.pages.small_lake import image_id_of


def look_at(browser: Chrome, page: Path, width: int = 1400, height: int = 1000, dark: bool = False) -> None:
    """Open a page afresh at a size in CSS pixels, in the light or dark theme."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(page.as_uri())


def screenshot(browser: Chrome) -> NDArray[np.uint8]:
    """Return what the browser shows as RGB pixels."""
    return np.asarray(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB"))


def complaints(browser: Chrome) -> list[str]:
    """Return the console messages since the page was opened."""
    return [entry["message"] for entry in browser.get_log("browser")]


def requests(browser: Chrome) -> list[str]:
    """Return the URLs requested since the page was opened, without data URIs."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


def colors(pixels: NDArray[np.uint8]) -> int:
    """Return the number of distinct colors of an image."""
    return len(np.unique(pixels.reshape(-1, 3), axis=0))


def open_room(browser: Chrome, page: Path, room: object) -> None:
    """Show the sheet of one room."""
    image_id = image_id_of(room)  # pyright: ignore[reportArgumentType]
    number = sheet_number(browser, page, image_id)
    browser.execute_script(f"location.hash = '#{image_id[:12]}'")
    # browsers tell the page of a new hash later, as they do of an opened <details>
    WebDriverWait(browser, 30).until(lambda _: browser.find_element(By.ID, f"sheet-{number}").is_displayed())


def sheet_number(browser: Chrome, page: Path, image_id: str) -> int:
    """Return which sheet of the page is the image's."""
    sections = re.split(r'<section class="sheet"', page.read_text(encoding="utf-8"))[1:]
    return next(index for index, section in enumerate(sections) if image_id in section)


def listed(browser: Chrome, selector: str = ".qa") -> list:
    """Return the elements of the list of questions."""
    return browser.find_elements(By.CSS_SELECTOR, f".list {selector}")


def texts(nodes: list) -> list[str]:
    """Return the texts of elements as they are written, whether or not they are in view."""
    return [node.get_attribute("textContent") for node in nodes]


def lines_drawn(browser: Chrome) -> list[list[float]]:
    """Return the dimension lines on the image in view: x1, y1, x2, y2 px."""
    names = ("x1", "y1", "x2", "y2")
    return [[float(line.get_attribute(name)) for name in names] for line in shown(browser, ".lengths .length")]


def shown(browser: Chrome, selector: str) -> list:
    """Return the elements of the sheet in view."""
    return browser.find_elements(By.CSS_SELECTOR, f".sheet:not([hidden]) {selector}")
