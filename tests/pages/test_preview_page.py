"""The preview page in a real browser."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.views.preview import write_preview
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.pages.looking import colors, complaints, look_at, open_room, requests, screenshot, shown
from tests.pages.small_lake import CRATE, HOSTILE, image_id_of, rooms, write_lake

ROOM, PORTRAIT, CROWD = rooms()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 420])
def test_page_draws_without_a_word_on_the_console_or_the_network(browser, preview_page, width, dark):
    look_at(browser, preview_page, width=width, dark=dark)
    pixels = screenshot(browser)
    assert pixels.astype(float).std() > 20 and colors(pixels) > 500
    assert (pixels[-2, 2].mean() < 80) == dark
    assert complaints(browser) == []
    assert requests(browser) == [preview_page.as_uri()]
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_page_names_nothing_outside_itself(preview_page):
    html = preview_page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", html)
    assert not re.search(r"<link(?![^>]*data:)|@import|<iframe", html)


def test_boxes_lie_where_an_independent_projection_puts_them(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    for block in ROOM.blocks:
        lines = shown(browser, f'.boxes g[data-o="{block.number}"] line')
        ends = [[float(line.get_attribute(name)) for name in ("x1", "y1", "x2", "y2")] for line in lines]
        drawn = np.array(ends).reshape(-1, 2) - 0.5
        corners = np.array([ROOM.pixel(corner)[:2] for corner in block.corners])
        assert len(lines) == 12
        assert all(np.abs(drawn - corner).sum(1).min() < 0.15 for corner in corners)
        assert 3 <= sum("far" in (line.get_attribute("class") or "") for line in lines) <= 7


def test_mask_outline_covers_the_object(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    owner, _ = ROOM.cast
    inside = """
      const path = document.querySelector(`.sheet:not([hidden]) .masks path[data-o="${arguments[0]}"]`);
      return arguments[1].map(([u, v]) => path.isPointInFill(new DOMPoint(u + 0.5, v + 0.5)));
    """
    points = [[u, v] for v in range(5, ROOM.height, 37) for u in range(5, ROOM.width, 37)]
    for block in ROOM.blocks:
        said = browser.execute_script(inside, block.number, points)
        assert said == [bool(owner[v, u] == block.number) for u, v in points]


def test_layers_switch_by_button_and_by_key(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    full = screenshot(browser)
    for key, layer in (("m", "masks"), ("b", "boxes"), ("l", "tags"), ("d", "depth")):
        button = shown(browser, f"[data-layer={layer}]")[0]
        before = button.get_attribute("aria-pressed")
        button.click()
        changed = screenshot(browser)
        assert (changed != full).any(-1).sum() > 500
        assert button.get_attribute("aria-pressed") != before
        browser.find_element(By.TAG_NAME, "body").send_keys(key)
        assert button.get_attribute("aria-pressed") == before


def test_arrow_keys_and_index_change_the_image(browser, preview_page):
    look_at(browser, preview_page)
    body = browser.find_element(By.TAG_NAME, "body")
    seen = [shown(browser, "h1")[0].text]
    for _ in range(5):
        body.send_keys(Keys.ARROW_RIGHT)
        seen.append(shown(browser, "h1")[0].text)
    assert len(set(seen)) == 4 and seen[3] == seen[5]
    body.send_keys(Keys.ARROW_LEFT)
    assert shown(browser, "h1")[0].text == seen[2]
    browser.find_elements(By.CSS_SELECTOR, ".index a")[0].click()
    assert shown(browser, "h1")[0].text == seen[0]
    assert browser.current_url.endswith("#1")


def test_questions_filter_by_type_and_words_and_open_with_values(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    assert len(shown(browser, ".qa")) == 9
    Select(browser.find_element(By.ID, "type")).select_by_value("N02")
    assert {item.get_attribute("data-type") for item in shown(browser, ".qa")} == {"N02"}
    browser.find_element(By.ID, "search").send_keys("blue crate")
    assert len(shown(browser, ".qa")) == 2
    first = shown(browser, ".qa")[0]
    first.find_element(By.TAG_NAME, "summary").click()
    WebDriverWait(browser, 30).until(lambda _: first.find_elements(By.TAG_NAME, "dl"))
    gap = float(np.linalg.norm(np.subtract(ROOM.blocks[0].center, CRATE.center)))
    assert f"{gap!r} ± 0.03 m" in first.text
    assert len(shown(browser, ".links line")) == 2
    browser.find_element(By.ID, "search").clear()
    Select(browser.find_element(By.ID, "type")).select_by_value("qualitative")
    assert {item.get_attribute("data-type") for item in shown(browser, ".qa")} == {"Q01", "Q09"}


def test_hostile_words_stay_words(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, PORTRAIT)
    assert browser.execute_script("return window.hacked") is None
    assert shown(browser, "h1")[0].text == HOSTILE
    assert any(HOSTILE in item.text for item in shown(browser, ".qa"))
    assert any(HOSTILE in item.text for item in shown(browser, ".objects li"))
    assert complaints(browser) == []


def test_images_are_shown_upright(preview_page):
    pictures = re.findall(
        r'class="picture" href="data:image/jpeg;base64,([^"]+)"', preview_page.read_text(encoding="utf-8")
    )
    opened = [Image.open(io.BytesIO(base64.b64decode(data))) for data in pictures]
    assert {image.size for image in opened} == {(640, 480), (420, 640)}
    assert all(not image.getexif() for image in opened)


def test_labels_keep_a_readable_size_and_do_not_overlap(browser, preview_page):
    for width in (1400, 420):
        look_at(browser, preview_page, width=width)
        open_room(browser, preview_page, CROWD)
        boxes = browser.execute_script("""
          return [...document.querySelectorAll(".sheet:not([hidden]) .photo .tag rect")].map((node) => {
            const box = node.getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom];
          });
        """)
        assert len(boxes) > 10
        assert all(bottom - top > 15 for _, top, _, bottom in boxes)
        for index, (left, top, right, bottom) in enumerate(boxes):
            for other in boxes[index + 1 :]:
                apart = other[0] >= right - 2 or other[2] <= left + 2 or other[1] >= bottom - 2 or other[3] <= top + 2
                assert apart


def test_plan_has_left_on_the_left_and_far_at_the_top(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    places = {}
    for block in ROOM.blocks:
        box = shown(browser, f'.feet g[data-o="{block.number}"]')[0].rect
        places[block.number] = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for one in ROOM.blocks:
        for two in ROOM.blocks:
            assert (places[one.number][0] < places[two.number][0]) == (one.center[1] > two.center[1])
            assert (places[one.number][1] < places[two.number][1]) == (one.center[0] > two.center[0])


def test_a_filtered_image_says_why(browser, preview_page):
    look_at(browser, preview_page)
    for _ in range(3):
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_RIGHT)
    assert "Stopped at context: Filter score indoor is 0.11" in shown(browser, ".notice")[0].text
    assert "score below threshold" in shown(browser, ".left-out")[0].text


@pytest.mark.parametrize("last", ["images", "regions", "depths", "scenes", "references"])
def test_missing_stages_leave_their_part_out(browser, tmp_path, last):
    order = ["images", "image_scores", "regions", "depths", "scenes", "references"]
    lake = write_lake(tmp_path / "lake", tuple(order[: order.index(last) + 1]))
    page = write_preview(str(lake), tmp_path / "page.html", limit=2).path
    look_at(browser, page)
    assert complaints(browser) == []
    assert len(browser.find_elements(By.CSS_SELECTOR, ".sheet")) == 2
    assert shown(browser, ".picture")
    assert bool(shown(browser, ".plan")) == (last in ("scenes", "references"))
    assert bool(shown(browser, ".masks path")) == (last != "images")
    assert "No questions about this image yet" in shown(browser, ".questions")[0].text


def test_every_stage_that_has_dealt_with_an_image_is_shown_as_done(browser, tmp_path):
    crawl, lake = tmp_path / "crawl", tmp_path / "lake"
    write_crawl(str(crawl), count=1, seed=3, width=160, height=120)
    invoke("run", "--crawl", crawl, "--lake", lake, "--experts", "sensor")
    write_preview(str(lake), tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.find_elements("css selector", ".steps .done")
    assert not browser.find_elements("css selector", ".steps .waiting")


def test_choice_of_images(small_lake, tmp_path):
    one = write_preview(str(small_lake), tmp_path / "one.html", limit=2, seed=3).path.read_bytes()
    again = write_preview(str(small_lake), tmp_path / "again.html", limit=2, seed=3).path.read_bytes()
    assert one == again
    named = write_preview(str(small_lake), tmp_path / "named.html", image_ids=[image_id_of(CROWD)[:10]])
    assert (named.images, named.questions) == (1, 84)
    with pytest.raises(UsageError, match="'nowhere' is not in"):
        write_preview(str(small_lake), tmp_path / "x.html", image_ids=["nowhere"])
    with pytest.raises(UsageError, match="--limit 1"):
        write_preview(str(small_lake), tmp_path / "x.html", limit=0)


def test_an_empty_lake_is_one_sentence(tmp_path):
    with pytest.raises(LakeUnreadable, match="There is no lake at"):
        write_preview(str(tmp_path), tmp_path / "x.html")
    lake = write_lake(tmp_path / "lake", ("recipes",))
    with pytest.raises(LakeUnreadable, match="has no images yet"):
        write_preview(str(lake), tmp_path / "x.html")
