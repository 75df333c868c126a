"""The preview page of two lakes in a real browser."""

import base64
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from jobs.engine.errors import LakeUnreadable
from jobs.views.preview import write_preview
from tests.pages.looking import colors, complaints, look_at, open_room, requests, screenshot, shown
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
    for question in shown(browser, ".qa"):
        (node,) = question.find_elements(By.CSS_SELECTOR, ".beside")
        found[question.get_attribute("data-type"), node.get_attribute("class").split()[-1]] += 1
    return found


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 420])
def test_page_draws_both_panels_without_a_word_on_the_console_or_the_network(browser, page, width, dark):
    look_at(browser, page, width=width, dark=dark)
    open_room(browser, page, ROOM)
    pixels = screenshot(browser)
    assert pixels.astype(float).std() > 20 and colors(pixels) > 500
    assert (pixels[-2, 2].mean() < 80) == dark
    assert complaints(browser) == []
    assert {url.split("#")[0] for url in requests(browser)} == {page.as_uri()}
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    here, there = (figure.rect for figure in shown(browser, "figure.photo"))
    assert min(here["width"], there["width"]) > 300
    assert (here["y"] == there["y"]) == (width == 1400) and (here["x"] == there["x"]) == (width == 420)
    assert len(shown(browser, "figure.plan")) == 2


def test_page_is_one_file(page):
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", html)
    assert not re.search(r"<link(?![^>]*data:)|@import|<iframe", html)


def test_both_panels_show_the_image_and_their_own_objects(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    browser.execute_script("for (const layer of ['masks', 'boxes', 'tags']) toggleLayer(layer)")
    bare = [
        np.asarray(Image.open(io.BytesIO(canvas.screenshot_as_png)).convert("RGB")).astype(int)
        for canvas in shown(browser, "figure.photo .canvas")
    ]
    assert bare[0].std() > 20 and np.abs(bare[0][:300, :400] - bare[1][:300, :400]).mean() < 6
    here, there = (
        {node.get_attribute("data-o"): node.value_of_css_property("fill") for node in figure}
        for figure in (
            shown(browser, "figure.photo:nth-of-type(1) .masks path"),
            shown(browser, "figure.photo:nth-of-type(2) .masks path"),
        )
    )
    assert set(here) == {"1", "2", "3"} and set(there) == {f"b{1 + SHIFT}", f"b{2 + SHIFT}"}
    # what both lakes found has one color
    assert [there["b11"], there["b12"]] == [here["1"], here["2"]] and len({*here.values()}) == 3


def test_layers_switch_in_both_panels_by_button_and_by_key(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)

    def pixels() -> list[np.ndarray]:
        canvases = shown(browser, "figure.photo .canvas")
        return [np.asarray(Image.open(io.BytesIO(one.screenshot_as_png)).convert("RGB")) for one in canvases]

    full = pixels()
    for key, layer in (("m", "masks"), ("b", "boxes"), ("l", "tags"), ("d", "depth")):
        one, other = shown(browser, f"[data-layer={layer}]")
        before = one.get_attribute("aria-pressed")
        other.click()
        assert all((a != b).any(-1).sum() > 200 for a, b in zip(pixels(), full, strict=True)), layer
        assert one.get_attribute("aria-pressed") == other.get_attribute("aria-pressed") != before
        browser.find_element(By.TAG_NAME, "body").send_keys(key)
        assert one.get_attribute("aria-pressed") == before


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
    assert scales[0] == scales[1]
    near_mm, far_mm = np.percentile(depth_mm[depth_mm > 0], (2, 98))
    assert np.allclose([float(text) for text in scales[0]], [near_mm / 2000, far_mm / 1000], atol=0.01)
    maps = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
        for data in re.findall(r'class="depth" href="data:image/jpeg;base64,([^"]+)"', html)
    ]
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
    (swapped,) = shown(browser, ".qa .beside.contradict")
    assert swapped.text.split("\n") == ["✕", "other lake", "no"]
    (distance,) = shown(browser, '.qa[data-type="N02"] .beside.agree')
    assert distance.text.split("\n") == ["✓", "other lake", "1.61 m", "× 1.00"]
    legend = shown(browser, ".strip .legend")[0].text
    assert "1 of 1 numbers within 25 %, 1 within a factor of two" in legend
    open_room(browser, page, PORTRAIT)
    assert verdicts(browser) == {("Q01", "undecided"): 1, ("Q09", "agree"): 1, ("N02", "off"): 1}
    # 63.4 cm against 39.1 cm
    assert shown(browser, ".qa .beside.off")[0].text.split("\n")[2:] == ["39 cm", "× 1.62"]


def test_questions_open_with_the_objects_there_and_light_up_in_both(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    question = next(
        node for node in shown(browser, '.qa[data-type="N02"]') if node.find_elements(By.CSS_SELECTOR, ".agree")
    )
    question.find_element(By.TAG_NAME, "summary").click()
    WebDriverWait(browser, 30).until(lambda _: question.find_elements(By.TAG_NAME, "dl"))
    assert "1.61 m; this answer is 1 times that" in question.text
    assert "A = 11 · B = 12" in question.text
    lit = {node.get_attribute("data-o") for node in shown(browser, ".masks path.lit")}
    assert lit == {"1", "2", "b11", "b12"}
    assert len(shown(browser, ".links line")) == 4
    missing = next(
        node for node in shown(browser, '.qa[data-type="Q01"]') if node.find_elements(By.CSS_SELECTOR, ".missing")
    )
    missing.find_element(By.TAG_NAME, "summary").click()
    WebDriverWait(browser, 30).until(lambda _: missing.find_elements(By.TAG_NAME, "dl"))
    assert "No object there is where most of the green bin is." in missing.text


def test_summary_counts_every_answer_and_its_buttons_keep_one_verdict(browser, page):
    look_at(browser, page)
    open_room(browser, page, ROOM)
    counts = {
        button.get_attribute("data-verdict"): int(button.find_element(By.TAG_NAME, "b").text)
        for button in browser.find_elements(By.CSS_SELECTOR, ".overall [data-verdict]")
    }
    assert counts == {"agree": 3, "off": 1, "contradict": 1, "undecided": 1, "missing": 6, "unseen": 84}
    assert "1 of 2 numbers within 25 %, 2 within a factor of two" in browser.find_element(By.CLASS_NAME, "overall").text
    button = browser.find_element(By.CSS_SELECTOR, '.overall [data-verdict="missing"]')
    button.click()
    assert set(verdicts(browser)) == {("Q01", "missing"), ("Q09", "missing"), ("N02", "missing")}
    assert {node.get_attribute("aria-pressed") for node in shown(browser, '[data-verdict="missing"]')} == {"true"}
    button.click()
    assert len(shown(browser, ".qa")) == 9


def test_an_image_filtered_there_says_so_with_the_reason(browser, page):
    look_at(browser, page)
    open_room(browser, page, CROWD)
    assert "Stopped at context: Filter score room is 0.2" in shown(browser, '[data-side="there"] .notice')[0].text
    assert set(verdicts(browser).values()) == {28} and {v for _, v in verdicts(browser)} == {"unseen"}
    assert len(shown(browser, "figure.photo")) == 2 and len(shown(browser, "figure.plan")) == 1


def test_an_image_filtered_here_still_shows_the_other(browser, page):
    look_at(browser, page)
    open_room(browser, page, STOPPED)
    assert "Stopped at context: Filter score indoor" in shown(browser, '[data-side="here"] .notice')[0].text
    assert [node.get_attribute("data-o") for node in shown(browser, ".masks path")] == ["b11"]
    assert len(shown(browser, "figure.plan")) == 1
    assert "No answers to compare." in shown(browser, ".strip")[0].text
    assert complaints(browser) == []


def test_an_image_that_is_not_there_says_so(browser, small_lake, tmp_path):
    rows = without(second_rows(), image_id_of(CROWD))
    other = write_lake(tmp_path / "fewer", rows=rows)
    written = write_preview(str(small_lake), tmp_path / "x.html", image_ids=[image_id_of(CROWD)], beside_uri=str(other))
    assert str(written).endswith("Compared with the other lake: 84 not measured there.")
    look_at(browser, written.path)
    assert "This image is not in the other lake." in shown(browser, '[data-side="there"] .notice')[0].text
    assert len(shown(browser, "figure.photo")) == 1 and "Not in fewer" in shown(browser, ".absent")[0].text
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
