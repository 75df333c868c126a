"""The server's page in a real browser: drop an image, look, ask, and watch."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.pages.looking import colors, complaints, screenshot
from tests.pages.looking import requests as requested
from tests.serving.page import ask, click, drop, find, look, wait

QUESTION = "How far is the bookshelf from the armchair?"


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_dropped_image_is_measured_asked_and_drawn(browser, server, room, width, dark):
    look(browser, server, width, dark)
    assert "they know rendered rooms only" in find(browser, ".banner").text
    click(browser, ".known summary")
    find(browser, "#depth").send_keys(str(room.folder / room.row["depth"]))
    find(browser, "#focal").send_keys(str(room.row["camera"]["fx"]))
    drop(browser, "room.jpg", room.image.read_bytes())
    assert find(browser, ".error").text == ""
    objects = browser.find_elements(By.CSS_SELECTOR, ".objects li")
    assert len(objects) >= 3 and len(browser.find_elements(By.CSS_SELECTOR, ".masks path")) == len(objects)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".boxes line")) >= 12
    assert browser.find_elements(By.CSS_SELECTOR, ".tags text")
    _slides(browser)
    _turns(browser)
    before = _canvas(browser)
    click(browser, ".examples button")
    wait(browser, lambda: find(browser, ".answer b").text)
    assert find(browser, ".answer b").text in ("Answer", "Cannot be told")
    steps = browser.find_elements(By.CSS_SELECTOR, ".calls li")
    drawn = browser.find_elements(By.CSS_SELECTOR, ".lengths .length")
    assert steps and find(browser, ".calls .outcome").text
    # Every colored step has its length in the image and in 3D.
    marks = browser.execute_script("return marks.map((mark) => [mark.color, mark.px !== null])")
    assert len(drawn) == sum(in_view for _, in_view in marks)
    if marks:
        browser.execute_script("space.paint()")
        assert (_canvas(browser) != before).any()
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert colors(screenshot(browser)) > 300
    assert complaints(browser) == []
    assert all(url.startswith(server.url) for url in requested(browser))


def _slides(browser):
    plain = screenshot(browser)
    script = "const s = document.querySelector('#share'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    browser.execute_script(script, 60)
    assert (screenshot(browser) != plain).any(-1).sum() > 5000
    browser.execute_script(script, 0)


def _turns(browser):
    canvas = find(browser, ".scene")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'}); space.paint()", canvas)
    before = _canvas(browser)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 100
    canvas.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_UP, "+")
    browser.execute_script("space.paint()")
    assert (_canvas(browser) != before).any(-1).mean() > 0.1


def _canvas(browser):
    encoded = browser.execute_script("return space.canvas.toDataURL('image/png').split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))


def test_lengths_lie_between_the_points_that_the_answer_measured(browser, server, client, room):
    """The page is given what the API says; the line in the image is that of the step, to half a pixel."""
    look(browser, server, 1400)
    drop(browser, "room.jpg", room.image.read_bytes())
    given = {"image": room.url, "spatiallake": room.about}
    browser.execute_async_script(
        "const [given, done] = arguments; sent = given;"
        "post('v1/scenes', given).then((got) => got.json()).then((scene) => { shown = scene; show(); done(); });",
        given,
    )
    ask(browser, QUESTION)
    (line,) = browser.find_elements(By.CSS_SELECTOR, ".lengths .length")
    (step,) = [
        json.loads(text)
        for text in browser.execute_script(
            "return [...marks].map(({ px, ends_m, text }) => JSON.stringify({ px, ends_m, text }))"
        )
    ]
    on_page = [float(line.get_attribute(name)) - 0.5 for name in ("x1", "y1", "x2", "y2")]
    assert np.allclose(on_page, step["px"], atol=0.01)
    camera, pose = room.row["camera"], np.array(browser.execute_script("return shown.pose")).reshape(3, 4)
    seen = [pose[:, :3].T @ (np.array(end) - pose[:, 3]) for end in step["ends_m"]]
    pixels = [camera[f] * (x / z) + camera[c] for point in seen for f, c, x, z in _axes(point)]
    assert np.allclose(pixels, step["px"], atol=0.5)
    assert "give or take" in find(browser, ".answer").text and step["text"].startswith("r")
    assert complaints(browser) == []


def _axes(point):
    return (("fx", "cx", point[0], point[2]), ("fy", "cy", point[1], point[2]))


def test_what_is_no_image_is_said_and_the_page_goes_on(browser, server, room):
    look(browser, server, 1400)
    drop(browser, "notes.txt", b"no image at all", "text/plain")
    assert "is no image" in find(browser, ".error").text and "Traceback" not in find(browser, ".error").text
    drop(browser, "room.jpg", room.image.read_bytes())
    wait(browser, lambda: find(browser, ".work").is_displayed())
    assert not find(browser, ".error").is_displayed()
    ask(browser, "<img src=x onerror=alert(1)>")
    assert browser.execute_script("return document.querySelectorAll('.talk img').length") == 0
    # The refused upload is the one entry that browsers make of a response with an error's status.
    assert all("400" in entry for entry in complaints(browser))
