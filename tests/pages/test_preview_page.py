"""The preview page in a real browser."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.views.preview import write_preview
from scenes.crawl import write_crawl
from tests.command import invoke
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
    texts,
)
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


def test_arrow_keys_and_grid_change_the_image(browser, preview_page):
    look_at(browser, preview_page)
    body = browser.find_element(By.TAG_NAME, "body")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".index a")) == 4 and not shown(browser, "h1")
    seen = []
    for _ in range(6):
        body.send_keys(Keys.ARROW_RIGHT)
        seen.append(shown(browser, "h1")[0].text)
    assert len(set(seen)) == 4 and seen[3] == seen[5]
    body.send_keys(Keys.ARROW_LEFT)
    assert shown(browser, "h1")[0].text == seen[2]
    body.send_keys("g")
    browser.find_elements(By.CSS_SELECTOR, ".index a")[0].click()
    assert shown(browser, "h1")[0].text == seen[0]


def test_the_image_with_the_most_answers_is_first(browser, preview_page):
    look_at(browser, preview_page)
    counts = [int(text) for text in texts(browser.find_elements(By.CSS_SELECTOR, ".index .badge"))]
    assert counts == [84, 9, 3, 0]


def test_questions_filter_by_type_object_and_words_over_all_images(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    assert len(listed(browser)) == 9
    Select(browser.find_element(By.ID, "type")).select_by_value("N02")
    count = browser.find_element(By.ID, "count")
    assert {item.get_attribute("data-type") for item in listed(browser)} == {"N02"}
    # three pairs of the room, one of the portrait, 28 of the crowd
    assert count.text == "32 of 96" and len(listed(browser)) == 32
    noun = Select(browser.find_element(By.ID, "object"))
    noun.select_by_value("crate")
    assert count.text == "3 of 96" and len(listed(browser)) == 3
    noun.select_by_value("")
    browser.find_element(By.ID, "search").send_keys("tall cabinet")
    assert count.text == "2 of 96" and len(listed(browser)) == 2
    first = listed(browser)[0]
    first.find_element(By.TAG_NAME, "summary").click()
    WebDriverWait(browser, 30).until(lambda _: first.find_elements(By.TAG_NAME, "dl"))
    gap = float(np.linalg.norm(np.subtract(ROOM.blocks[0].center, CRATE.center)))
    assert f"{gap!r} ± 0.03 m" in first.text
    browser.find_element(By.ID, "search").send_keys(Keys.ESCAPE)
    Select(browser.find_element(By.ID, "type")).select_by_value("qualitative")
    assert {item.get_attribute("data-type") for item in listed(browser)} == {"Q01", "Q09"}
    browser.find_element(By.ID, "search").send_keys("zzzz")
    assert count.text == "0 of 96" and "No question" in listed(browser, ".empty")[0].text


def test_question_and_image_are_in_view_together(browser, preview_page):
    look_at(browser, preview_page, width=1400, height=1000)
    open_room(browser, preview_page, CROWD)
    for row in (listed(browser)[0], listed(browser)[-1]):
        browser.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", row)
        for box in (row.rect, shown(browser, ".photo svg")[0].rect):
            assert box["x"] >= 0 and box["x"] + box["width"] <= 1400
            assert box["y"] >= 0 and box["y"] + box["height"] <= 1000
        assert browser.execute_script("return scrollY") == 0


def test_on_a_phone_the_image_stays_while_the_questions_scroll(browser, preview_page):
    look_at(browser, preview_page, width=390, height=844)
    open_room(browser, preview_page, CROWD)
    last = listed(browser)[-1]
    browser.execute_script("arguments[0].scrollIntoView({block: 'end'})", last)
    top, image = browser.execute_script(
        "return [arguments[0], arguments[1]].map((node) => node.getBoundingClientRect().toJSON())",
        last,
        shown(browser, ".photo svg")[0],
    )
    assert image["top"] >= 0 and image["bottom"] <= top["top"] and top["bottom"] <= 845
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_the_length_is_drawn_between_the_points_where_it_was_measured(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    (row,) = [one for one in listed(browser, '.qa[data-type="N02"]') if "cabinet from the blue crate" in one.text]
    assert lines_drawn(browser) == []
    ActionChains(browser).move_to_element(row).perform()
    ((x1, y1, x2, y2),) = lines_drawn(browser)
    centers = [ROOM.pixel(np.array(block.center))[:2] for block in ROOM.blocks[:2]]
    assert np.abs(np.array([[x1, y1], [x2, y2]]) - 0.5 - np.array(centers)).max() < 0.05
    lit = {node.get_attribute("data-o") for node in shown(browser, ".masks path.lit")}
    assert lit == {"1", "2"}
    assert texts(shown(browser, ".lengths text")) == ["1.6 meters"]
    # the 3D view shows the same points, m
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script("return space.lines.length"))
    ends = np.array(browser.execute_script("return space.lines[0].ends_m"))
    assert np.abs(ends - [block.center for block in ROOM.blocks[:2]]).max() < 1e-3
    assert browser.execute_script("return space.boxes.map((box) => box.o)") == [1, 2]


def test_points_of_the_3d_view_lie_where_the_depth_map_says(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script("return Boolean(space.scene)"))
    points = np.array(browser.execute_script("return [...space.scene.points]")).reshape(-1, 3)
    projected = np.array([ROOM.pixel(point) for point in points[::97]])
    depth = np.where(np.isfinite(ROOM.cast[1]), ROOM.cast[1], 0)
    u, v = np.rint(projected[:, 0]).astype(int), np.rint(projected[:, 1]).astype(int)
    assert len(points) > 8000 and np.abs(projected[:, 2] - depth[v, u]).max() < 0.002


def test_a_link_opens_its_question(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, ROOM)
    for _ in range(5):
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_DOWN)
    (on,) = listed(browser, ".qa.on")
    wanted, link = on.get_attribute("data-qa"), browser.current_url
    assert link.endswith(f"#{image_id_of(ROOM)[:12]}/{wanted}")
    browser.get("about:blank")
    browser.get(link)
    (on,) = listed(browser, ".qa.on")
    assert on.get_attribute("data-qa") == wanted and image_id_of(ROOM)[:6] in shown(browser, "h1")[0].text
    assert shown(browser, ".masks path.lit")
    assert complaints(browser) == []


def test_hostile_words_stay_words(browser, preview_page):
    look_at(browser, preview_page)
    open_room(browser, preview_page, PORTRAIT)
    assert browser.execute_script("return window.hacked") is None
    assert shown(browser, "h1")[0].text == HOSTILE
    assert any(HOSTILE in text for text in texts(listed(browser)))
    assert any(HOSTILE in text for text in texts(shown(browser, ".objects li")))
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
    shown(browser, "[data-tab=floor]")[0].click()
    places = {}
    for block in ROOM.blocks:
        box = shown(browser, f'.feet g[data-o="{block.number}"]')[0].rect
        places[block.number] = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        panel = shown(browser, ".floors")[0].rect
        assert panel["x"] <= box["x"] and box["x"] + box["width"] <= panel["x"] + panel["width"]
        assert panel["y"] <= box["y"] and box["y"] + box["height"] <= panel["y"] + panel["height"]
    for one in ROOM.blocks:
        for two in ROOM.blocks:
            assert (places[one.number][0] < places[two.number][0]) == (one.center[1] > two.center[1])
            assert (places[one.number][1] < places[two.number][1]) == (one.center[0] > two.center[0])


def test_a_filtered_image_says_why(browser, preview_page):
    look_at(browser, preview_page)
    for _ in range(4):
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_RIGHT)
    assert "Stopped at context: Filter score indoor is 0.11" in shown(browser, ".notice")[0].text
    assert "score below threshold" in texts(shown(browser, ".left-out"))[0]


@pytest.mark.parametrize("last", ["images", "regions", "depths", "scenes", "references"])
def test_missing_stages_leave_their_part_out(browser, tmp_path, last):
    order = ["images", "image_scores", "regions", "depths", "scenes", "references"]
    lake = write_lake(tmp_path / "lake", tuple(order[: order.index(last) + 1]))
    page = write_preview(str(lake), tmp_path / "page.html", limit=2).path
    look_at(browser, page)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_RIGHT)
    assert complaints(browser) == []
    assert len(browser.find_elements(By.CSS_SELECTOR, ".sheet")) == 2
    assert shown(browser, ".picture")
    assert bool(shown(browser, ".plan")) == (last in ("scenes", "references"))
    assert bool(shown(browser, ".masks path")) == (last != "images")
    assert "No questions about this image yet" in texts(listed(browser, ".questions"))[0].replace(
        "these images", "this image"
    )


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
