"""The pages of a lake, turned in a real browser: every image is on one of them, and what is asked for is shown."""

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from tests.pages.conftest import small_lake as small_lake
from tests.pages.looking import complaints, requests
from tests.pages.small_lake import rooms, small_rows
from tests.serving.page import find, look, wait
from tests.serving.running import Server, running


@pytest.fixture(scope="module")
def pages(small_lake: Path) -> Iterator[Server]:
    with running("view", "--lake", small_lake, "--port", 0, "--per-page", 2) as server:
        yield server


def shown(browser) -> list[str]:
    return [one.get_attribute("href").partition("#")[2] for one in browser.find_elements(By.CSS_SELECTOR, ".index a")]


def choose(browser, value: str) -> None:
    Select(find(browser, "select[name=of]")).select_by_value(value)
    find(browser, ".browse button").click()
    wait(browser, lambda: f"of={value.replace(':', '%3A')}" in browser.current_url)


@pytest.mark.parametrize("width", [1400, 390])
def test_pages_are_turned_until_every_image_was_there(browser, pages: Server, width: int) -> None:
    look(browser, pages, width)
    choose(browser, "all")
    seen = shown(browser)
    while links := browser.find_elements(By.CSS_SELECTOR, ".browse a[rel=next]"):
        before = browser.current_url
        links[0].click()
        wait(browser, lambda was=before: browser.current_url != was)
        seen += shown(browser)
    assert sorted(seen) == sorted(row["image_id"][:12] for row in small_rows()["images"])
    assert find(browser, ".found").text.endswith(f"to {len(seen)} of {len(seen)}")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert complaints(browser) == [] and all(one.startswith(pages.url) for one in requests(browser))


def test_types_words_and_reasons_choose_the_images(browser, pages: Server) -> None:
    rows = small_rows()
    look(browser, pages, 1400)
    kind = rows["qa_pairs"][0]["type_id"]
    choose(browser, kind)
    asked = {row["image_id"][:12] for row in rows["qa_pairs"] if row["type_id"] == kind}
    assert set(shown(browser)) <= asked and find(browser, ".found").text.endswith(f"of {len(asked)}")
    browser.get(f"{pages.url}/images?words=TALL%20cabinet")
    told = {row["image_id"][:12] for row in rows["qa_pairs"] if "tall cabinet" in (row["question"] + row["answer"])}
    assert told and set(shown(browser)) == told
    left_out = next(row for row in rows["quarantine"] if row["image_id"])
    choose(browser, f"left-out:{left_out['reason']}")
    assert left_out["image_id"][:12] in shown(browser)
    browser.get(f"{pages.url}/images?words=%27%20OR%201%3D1%20--")
    assert shown(browser) == [] and find(browser, ".found").text == "No such images"
    assert complaints(browser) == []


def test_one_image_has_a_page_of_its_own(browser, pages: Server) -> None:
    image_id = small_rows()["images"][len(rooms()) - 1]["image_id"]
    look(browser, pages, 1400)
    browser.get(f"{pages.url}/images/{image_id[:10]}")
    assert shown(browser) == [image_id[:12]] and find(browser, ".work").is_displayed()


@pytest.mark.parametrize(
    ("path", "host", "status", "sentence"),
    [
        ("images?page=0", None, 400, "page='0' is no page"),
        ("images?split=all", None, 400, "split='all' is no split"),
        ("images/ffffff", None, 400, "'ffffff' is not in"),
        ("nothing", None, 404, "start at /images"),
        ("images", "evil.example", 403, "asked as localhost"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    pages: Server, path: str, host: str | None, status: int, sentence: str
) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"{pages.url}/{path}", headers={"Host": host} if host else {}))
    assert refused.value.code == status and sentence in refused.value.read().decode()


def test_it_ends_well_with_ctrl_c(small_lake: Path) -> None:
    with running("view", "--lake", small_lake, "--port", 0) as server:
        assert server.ended(signal.SIGINT) == 0 and server.lines[-1] == "Stopped."
