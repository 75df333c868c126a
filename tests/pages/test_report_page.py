"""The report: its numbers against plain counts, and the page in a real browser."""

import io
import re
from collections import Counter

import pytest
from rich.console import Console
from selenium.webdriver.common.by import By

from jobs.engine.errors import LakeUnreadable
from jobs.views.report import write_report
from tests.pages.looking import colors, complaints, look_at, requests, screenshot
from tests.pages.small_history import RECIPE
from tests.pages.small_lake import small_rows, write_lake, write_table


@pytest.mark.parametrize("width", [1400, 420])
def test_page_draws_in_both_themes(browser, report_page, width):
    for dark in (False, True):
        look_at(browser, report_page, width=width, dark=dark)
        pixels = screenshot(browser)
        assert pixels.astype(float).std() > 8 and colors(pixels) > 100
        assert complaints(browser) == []
        assert requests(browser) == [report_page.as_uri()]
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_page_names_nothing_outside_itself(report_page):
    html = report_page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", html)
    assert len(re.findall("<svg", html)) == 7


def test_images_with_most_answers_come_first(browser, report_page):
    look_at(browser, report_page)
    shown = browser.find_elements(By.CSS_SELECTOR, ".examples li")
    counts = [int(one.find_element(By.TAG_NAME, "small").text.split()[0]) for one in shown]
    per_image = Counter(row["image_id"] for row in small_rows()["qa_pairs"])
    assert counts == sorted(per_image.values(), reverse=True)
    assert all(browser.execute_script("return arguments[0].querySelector('img').naturalWidth", one) for one in shown)
    asked = {row["question"] for row in small_rows()["qa_pairs"]}
    assert {one.text for one in browser.find_elements(By.CSS_SELECTOR, ".examples b")} <= asked


def test_values_stand_under_the_pointer(browser, report_page):
    look_at(browser, report_page)
    script = "return [...document.querySelectorAll('.plots svg title')].map(one => one.textContent)"
    told = browser.execute_script(script)
    n = sum(row["type_id"] == "Q01" for row in small_rows()["qa_pairs"])
    assert any(text.startswith(f"Q01 Left of?: {n} answers about ") for text in told)
    assert any("rows per second" in text for text in told) and any(" m: " in text for text in told)


def test_plots_follow_the_theme(browser, report_page):
    found = []
    for dark in (False, True):
        look_at(browser, report_page, dark=dark)
        label = browser.find_element(By.CSS_SELECTOR, ".plots svg text")
        found.append(label.value_of_css_property("fill"))
    assert found[0] != found[1]


def test_numbers_are_those_of_the_rows(small_lake, tmp_path):
    rows = small_rows()
    tally = write_report(str(small_lake), tmp_path / "page.html", Console(file=io.StringIO())).tally
    asked = rows["qa_pairs"]
    counted = {row["type_id"]: row for row in tally.answers}
    for type_id in ("Q01", "Q09", "N02"):
        assert counted[type_id]["answers"] == sum(row["type_id"] == type_id for row in asked)
    assert counted["Q01"]["yes"] == sum(row.get("answer_bool") is True for row in asked)
    assert counted["Q09"]["letter_a"] == sum(row["answer"] == "A" for row in asked)
    assert sum(row["n"] for row in tally.values) == counted["N02"]["answers"]
    objects = sum(len(row["objects"]) for row in rows["scenes"])
    assert tally.objects == objects == sum(row["n"] for row in tally.ranges)
    drops = {(drop.stage, drop.reason): drop.count for drop in tally.object_drops}
    ambiguous = sum(len(row["rejected"]) for row in rows["references"])
    assert drops == {("lift", "too few points"): 3, ("disambiguate", "ambiguous"): ambiguous}
    context = next(run for run in tally.yields if run.stage == "context")
    assert (context.rows_in, context.rows_out, context.filtered, context.drops[0].count) == (4, 3, 1, 1)


def test_terminal_and_page_name_every_drop(small_lake, tmp_path):
    said = io.StringIO()
    page = write_report(str(small_lake), tmp_path / "page.html", Console(file=said, width=120)).path.read_text("utf-8")
    for text in ("truncated image", "score below threshold", "too few points", "ambiguous"):
        assert text in said.getvalue() and text in page
    assert "spatiallake retry --stage ingest" in page
    assert "/crawl/&lt;bad&gt;.jpg" in page


def test_a_second_recipe_is_counted_apart(tmp_path):
    lake = write_lake(tmp_path / "lake")
    scene = dict(small_rows()["scenes"][0], recipe="0" * 16)
    write_table(lake, "scenes", [scene])
    tally = write_report(str(lake), tmp_path / "page.html", Console(file=io.StringIO())).tally
    scenes = next(table for table in tally.tables if table.name == "scenes")
    assert (scenes.rows, scenes.current_rows) == (4, 3)
    assert {recipe.recipe for recipe in tally.recipes} == {RECIPE}


def test_lakes_with_little_in_them(tmp_path):
    with pytest.raises(LakeUnreadable, match="There is no lake at"):
        write_report(str(tmp_path), tmp_path / "page.html")
    lake = write_lake(tmp_path / "lake", ("images",))
    said = io.StringIO()
    page = write_report(str(lake), tmp_path / "page.html", Console(file=said)).path.read_text("utf-8")
    assert "No stage has run on this lake yet." in said.getvalue()
    assert "Quarantine is empty." in page
