"""What a takedown names: options, lists, and the keys by which an image is known again."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engine.errors import UsageError
from jobs.takedown.criteria import Asked, asked_for, listed_keys
from jobs.views.reader import LakeReader
from udfs.crawl.taken_down import REDACTED_ROW, RefusedKeys, keys_of, keys_of_entry, redacted, url_key

IMAGE_ID = hashlib.sha256(b"image").hexdigest()


@pytest.fixture
def nowhere(tmp_path: Path) -> LakeReader:
    return LakeReader(str(tmp_path))


@pytest.mark.parametrize(
    ("option", "value", "place"),
    [
        ("images", IMAGE_ID, {"image_id": IMAGE_ID}),
        ("urls", "https://img.example.com/a.jpg", {"image_url": "http://IMG.example.com:80/a.jpg#top"}),
        ("urls", "https://img.example.com", {"image_url": "https://img.example.com/"}),
        ("urls", "s3://crawl/00001.tar#007.jpg", {"uri": "s3://crawl/00001.tar#007.jpg"}),
        ("urls", "/data/a.jpg", {"uri": "/data/a.jpg"}),
        ("domains", "Example.com", {"image_url": "https://img.example.com/a.jpg"}),
        ("domains", "*.example.com", {"page_url": "https://example.com./page"}),
        ("licences", "CC BY-NC", {"licence": "https://creativecommons.org/licenses/by-nc/4.0/"}),
        ("licences", "CC-BY-NC-4.0", {"licence": "CC BY-NC 4.0"}),
    ],
)
def test_an_image_is_known_again_by_what_was_named(nowhere: LakeReader, option: str, value: str, place: Any) -> None:
    asked = asked_for(nowhere, **{option: [value]})
    assert RefusedKeys.of(asked.keys).has_any(keys_of(**place))


@pytest.mark.parametrize(
    ("option", "value", "place"),
    [
        ("urls", "https://img.example.com/a.jpg", {"page_url": "https://img.example.com/a.jpg"}),
        ("urls", "https://img.example.com/a.jpg", {"image_url": "https://img.example.com/a.jpg?size=2"}),
        ("domains", "example.com", {"image_url": "https://notexample.com/a.jpg"}),
        ("domains", "example.com", {"uri": "/data/example.com/a.jpg"}),
        ("licences", "CC-BY", {"licence": "CC-BY-NC-4.0"}),
        ("licences", "CC-BY-4.0", {"licence": "CC-BY-3.0"}),
    ],
)
def test_no_other_image_is(nowhere: LakeReader, option: str, value: str, place: Any) -> None:
    asked = asked_for(nowhere, **{option: [value]})
    assert not RefusedKeys.of(asked.keys).has_any(keys_of(**place))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "Name what to take down"),
        ({"images": ["abc"]}, "'abc' is no image: an image id has 64 hex digits"),
        ({"images": ["abcdef012345"]}, "'abcdef012345' begins no image id"),
        ({"domains": ["https://example.com/"]}, "is no domain"),
        ({"domains": ["localhost"]}, "is no domain"),
        ({"licences": [" "]}, "is no licence"),
        ({"lists": ["/nowhere/list.txt"]}, "The list /nowhere/list.txt cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(nowhere: LakeReader, options: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        asked_for(nowhere, **options)


def test_a_list_holds_all_kinds_and_names_the_line_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "optouts.txt"
    lines = [
        "# opt-outs",
        "",
        f"  {IMAGE_ID.upper()}  ",
        "https://img.example.com/a.jpg",
        "example.org",
        "domain: example.net",
        "license:CC-BY-NC-ND",
        "url:https://img.example.com/b.jpg",
    ]
    path.write_text("\ufeff" + "\r\n".join(lines))
    assert listed_keys(str(path)) == [
        f"image:{IMAGE_ID}",
        url_key("https://img.example.com/a.jpg"),
        "domain:example.org",
        "domain:example.net",
        "licence:cc-by-nc-nd",
        url_key("https://img.example.com/b.jpg"),
    ]
    path.write_text("example.org\nno domain\n")
    with pytest.raises(UsageError, match=r"Line 2 of .*'no domain' is no domain"):
        listed_keys(str(path))


def test_a_takedown_is_known_by_what_it_names_however_often_and_in_which_order() -> None:
    assert Asked.of(["b", "a", "b"]) == Asked.of(["a", "b"])
    assert Asked.of(["a"]).takedown_id != Asked.of(["a", "b"]).takedown_id


@given(st.lists(st.text(max_size=20)), st.lists(st.text(max_size=20)))
def test_refused_keys_are_a_set(kept: list[str], asked: list[str]) -> None:
    assert RefusedKeys.of(kept).has_any(asked) == bool(set(kept) & set(asked))


@given(st.text(max_size=60))
def test_any_text_may_stand_where_an_address_does(text: str) -> None:
    assert keys_of(uri=text, image_url=text, page_url=text, licence=text) == keys_of(
        uri=text, image_url=text, page_url=text, licence=text
    )
    keys_of_entry({"uri": text, "member": None, "row_json": text, "crawl_uri": text})


def test_of_an_entry_its_id_is_left() -> None:
    row = '{"image": "a.jpg", "metadata": {"url": "https://img.example.com/a.jpg", "license": "CC-BY-4.0"}}'
    entry = {"entry_id": "e", "kind": "manifest", "uri": "/c/a.jpg", "member": None, "row_json": row, "crawl_uri": "/c"}
    assert url_key("https://img.example.com/a.jpg") in keys_of_entry(entry)
    assert "licence:cc-by" in keys_of_entry(entry)
    nothing = {"uri": None, "member": None, "row_json": REDACTED_ROW}
    assert redacted(entry) == entry | nothing
    assert redacted(entry | {"crawl_uri": "/c/a.jpg"})["crawl_uri"] == ""
    assert keys_of_entry(redacted(entry)) == []
