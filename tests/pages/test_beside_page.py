"""The preview page of two lakes in a real browser."""

import base64
import io
import json
import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from jobs.engine.errors import LakeUnreadable
from jobs.views.preview import write_preview
from tests.pages.looking import (
    colors,
    complaints,
    lines_drawn,
    listed,
    look_at,
    open_room,
    requests,
    screenshot,
    shown,
)
from tests.pages.second_lake import CROWD, PORTRAIT, ROOM, SHIFT, second_rows, without
from tests.pages.small_history import STOPPED
from tests.pages.small_lake import image_id_of, write_lake


@pytest.fixture(scope="module")
def second_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lake(tmp_path_factory.mktemp("lakes") / "truth", rows=second_rows())


@pytest.fixture(scope="module")
def page(small_lake: Path, second_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pages") / "beside.html"
    return write_preview(str(small_lake), out, beside_uri=str(second_lake)).path


def verdicts(browser: Chrome) -> Counter[tuple[str, str]]:
    """Return how often each type has each verdict on the sheet in view."""
    found = Counter()
    for question in listed(browser):
        (node,) = question.find_elements(By.CSS_SELECTOR, ".beside")
        found[question.get_attribute("data-type"), node.get_attribute("class").split()[-1]] += 1
    return found


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 420])
def test_page_draws_without_a_word_on_the_console_or_the_network(browser, page, width, dark):
    look_at(browser, page, width=width, dark=dark)
    open_room(browser, page, ROOM)
    pixels = screenshot(browser)
    assert pixels.astype(float).std() > 20 and colors(pixels) > 500
    assert (pixels[-2, 2].mean() < 80) == dark
    assert complaints(browser) == []
    assert {url.split("#")[0] for url in requests(browser)} == {page.as_uri()}
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    (image,) = shown(browser, "figure.photo svg")
    assert image.rect["width"] > 300
    assert len(shown(browser, "figure.plan")) == 2


def test_page_is_one_file(page):
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", html)
    assert not re.search(r"<link(?![^>]*data:)|@import|<iframe", html)


def slide_to(browser: Chrome, percent: int) -> None:
    """Move the slider of the sheet in view."""
    script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
    browser.execute_script(script, shown(browser, ".share-of")[0], percent)


def test_the_slider_shows_what_either_lake_found_over_one_image(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    here, there = (
        {node.get_attribute("data-o"): node.value_of_css_property("stroke") for node in shown(browser, selector)}
        for selector in ('[data-side="here"] .masks path', '[data-side="there"] .masks path')
    )
    assert set(here) == {"1", "2", "3"} and set(there) == {f"b{1 + SHIFT}", f"b{2 + SHIFT}"}
    # what both lakes found has one color
    assert [there["b11"], there["b12"]] == [here["1"], here["2"]] and len({*here.values()}) == 3
    sides = shown(browser, ".photo .side")
    assert [side.is_displayed() for side in sides] == [True, False]
    slide_to(browser, 0)
    assert [side.is_displayed() for side in sides] == [False, True]
    slide_to(browser, 50)
    assert [side.is_displayed() for side in sides] == [True, True]
    cuts = [float(node.get_attribute("width")) for node in shown(browser, "clipPath rect")]
    assert cuts == [ROOM.width / 2, ROOM.width / 2]
    browser.find_element(By.TAG_NAME, "body").send_keys("t")
    assert [side.is_displayed() for side in sides] == [False, True]


def test_the_length_of_either_lake_is_drawn_where_the_slider_shows_it(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    question = next(
        node for node in listed(browser, '.qa[data-type="N02"]') if node.find_elements(By.CSS_SELECTOR, ".agree")
    )
    question.find_element(By.TAG_NAME, "summary").click()
    slide_to(browser, 50)
    moved = [(3.4, -0.9, 0.6), (2.3, 0.2, 0.2)]
    places = [[block.center for block in ROOM.blocks[:2]], moved]
    expected = [[*ROOM.pixel(np.array(one))[:2], *ROOM.pixel(np.array(two))[:2]] for one, two in places]
    assert np.abs(np.array(lines_drawn(browser)) - 0.5 - expected).max() < 0.05
    slide_to(browser, 0)
    assert np.abs(np.array(lines_drawn(browser)) - 0.5 - expected[1:]).max() < 0.05
    slide_to(browser, 100)
    assert np.abs(np.array(lines_drawn(browser)) - 0.5 - expected[:1]).max() < 0.05


def test_depth_of_both_has_one_colour_scale(small_lake, tmp_path):
    rows = second_rows()
    near = next(row for row in rows["depths"] if row["image_id"] == image_id_of(ROOM))
    depth_mm = np.array(Image.open(io.BytesIO(near["depth"])))
    held = io.BytesIO()
    Image.fromarray((depth_mm // 2).astype(np.uint16)).save(held, "PNG")
    near["depth"] = held.getvalue()
    other = write_lake(tmp_path / "near", rows=rows)
    out = write_preview(str(small_lake), tmp_path / "x.html", image_ids=[image_id_of(ROOM)], beside_uri=str(other)).path
    html = out.read_text(encoding="utf-8")
    scales = re.findall(r'depth-scale"><span>([\d.]+) m</span><i></i><span>([\d.]+) m', html)
    assert len(scales) == 1
    near_mm, far_mm = np.percentile(depth_mm[depth_mm > 0], (2, 98))
    assert np.allclose([float(text) for text in scales[0]], [near_mm / 2000, far_mm / 1000], atol=0.01)
    maps = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
        for data in re.findall(r'class="depth" href="data:image/jpeg;base64,([^"]+)"', html)
    ]
    depth_mm = cv2.resize(depth_mm, maps[0].shape[1::-1], interpolation=cv2.INTER_NEAREST)
    # 4 m here and 2 m, seen as 4 m there, look the same
    here, there = (np.abs(depth - 3000) < 40 for depth in (depth_mm, depth_mm // 2))
    assert here.sum() > 100 and there.sum() > 100
    assert np.abs(maps[0][here].mean(0) - maps[1][there].mean(0)).max() < 12
    assert "Depth difference" in html and "median × 2.00" in html


def test_answers_beside_are_those_of_the_moved_objects(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    assert verdicts(browser) == {
        ("Q01", "contradict"): 1,
        ("Q01", "missing"): 2,
        ("Q09", "agree"): 1,
        ("Q09", "missing"): 2,
        ("N02", "agree"): 1,
        ("N02", "missing"): 2,
    }
    (swapped,) = listed(browser, ".qa .beside.contradict")
    assert [part.get_attribute("textContent") for part in swapped.find_elements(By.XPATH, "*")] == [
        "✕",
        "other lake",
        "no",
    ]
    (distance,) = listed(browser, '.qa[data-type="N02"] .beside.agree')
    assert distance.get_attribute("textContent") == "✓other lake1.61 m× 1.00"
    open_room(browser, page, PORTRAIT)
    assert verdicts(browser) == {("Q01", "undecided"): 1, ("Q09", "agree"): 1, ("N02", "off"): 1}
    # 63.4 cm against 39.1 cm
    assert listed(browser, ".qa .beside.off")[0].get_attribute("textContent") == "≈other lake39 cm× 1.62"


def test_questions_open_with_the_objects_there_and_light_up_in_both(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    question = next(
        node for node in listed(browser, '.qa[data-type="N02"]') if node.find_elements(By.CSS_SELECTOR, ".agree")
    )
    question.find_element(By.TAG_NAME, "summary").click()
    WebDriverWait(browser, 30).until(lambda _: question.find_elements(By.TAG_NAME, "dl"))
    assert "1.61 m; this answer is 1 times that" in question.text
    assert "A = 11 · B = 12" in question.text
    lit = {node.get_attribute("data-o") for node in shown(browser, ".masks path.lit")}
    assert lit == {"1", "2", "b11", "b12"}
    missing = next(
        node for node in listed(browser, '.qa[data-type="Q01"]') if node.find_elements(By.CSS_SELECTOR, ".missing")
    )
    missing.find_element(By.TAG_NAME, "summary").click()
    WebDriverWait(browser, 30).until(lambda _: missing.find_elements(By.TAG_NAME, "dl"))
    assert "No object there is where most of the green bin is." in missing.text


def test_summary_counts_every_answer_and_its_buttons_keep_one_verdict(browser, page):
    look_at(browser, page)
    counts = {
        button.get_attribute("data-verdict"): int(button.find_element(By.TAG_NAME, "b").text)
        for button in browser.find_elements(By.CSS_SELECTOR, ".overall [data-verdict]")
    }
    assert counts == {"agree": 3, "off": 1, "contradict": 1, "undecided": 1, "missing": 6, "unseen": 84}
    assert "1 of 2 numbers within 25 %, 2 within a factor of two" in browser.find_element(By.CLASS_NAME, "overall").text
    assert browser.find_element(By.CLASS_NAME, "headline").text == "3 of 96 answers (3 %) agree in every word."
    button = browser.find_element(By.CSS_SELECTOR, '.overall [data-verdict="missing"]')
    button.click()
    assert set(verdicts(browser)) == {("Q01", "missing"), ("Q09", "missing"), ("N02", "missing")}
    assert browser.find_element(By.ID, "count").text == "6 of 96"
    (chip,) = browser.find_elements(By.CSS_SELECTOR, '.chips [data-verdict="missing"]')
    assert chip.get_attribute("aria-pressed") == "true"
    chip.click()
    browser.find_element(By.ID, "wrong").click()
    assert {verdict for _, verdict in verdicts(browser)} == {"off", "contradict"}
    assert browser.find_element(By.ID, "count").text == "2 of 96"


def test_an_image_filtered_there_says_so_with_the_reason(browser, page):
    look_at(browser, page)
    open_room(browser, page, CROWD)
    assert "Stopped at context: Filter score room is 0.2" in shown(browser, ".there-notice")[0].text
    assert set(verdicts(browser).values()) == {28} and {v for _, v in verdicts(browser)} == {"unseen"}
    assert len(shown(browser, "figure.plan")) == 1


def test_an_image_filtered_here_still_shows_the_other(browser, page):
    look_at(browser, page)
    open_room(browser, page, STOPPED)
    assert "Stopped at context: Filter score indoor" in shown(browser, ".notice")[0].text
    assert [node.get_attribute("data-o") for node in shown(browser, ".masks path")] == ["b11"]
    assert len(shown(browser, "figure.plan")) == 1
    assert "No questions about this image yet." in listed(browser, ".questions")[0].text
    assert complaints(browser) == []


def test_an_image_that_is_not_there_says_so(browser, small_lake, tmp_path):
    rows = without(second_rows(), image_id_of(CROWD))
    other = write_lake(tmp_path / "fewer", rows=rows)
    written = write_preview(str(small_lake), tmp_path / "x.html", image_ids=[image_id_of(CROWD)], beside_uri=str(other))
    assert str(written).endswith("Compared with the other lake: 84 not measured there.")
    look_at(browser, written.path)
    assert not shown(browser, ".share-of")
    assert "This image is not in the other lake." in shown(browser, ".there-notice")[0].text
    assert complaints(browser) == []


def test_a_lake_beside_itself_agrees_where_it_decides(small_lake, tmp_path):
    out = write_preview(str(small_lake), tmp_path / "x.html", image_ids=[image_id_of(ROOM)], beside_uri=str(small_lake))
    html = out.path.read_text(encoding="utf-8")
    data = json.loads(re.search(r'class="data">(.+?)</script>', html)[1])  # pyright: ignore[reportOptionalSubscript]
    numbers = [entry["b"] for entry in data["questions"] if entry["t"] == "N02"]
    assert [entry["r"] for entry in numbers] == ["× 1.00"] * 3
    assert data["matches"] == {"1": "b1", "2": "b2", "3": "b3"}


def test_no_lake_beside_is_one_sentence(small_lake, tmp_path):
    with pytest.raises(LakeUnreadable, match="There is no lake at"):
        write_preview(str(small_lake), tmp_path / "x.html", beside_uri=str(tmp_path / "nowhere"))
