"""Referring expressions, case by case: positions, rows, colors, kinds, plurals, and real images."""

import json
import re
from pathlib import Path

import pytest

from tests.language.objects import SETTINGS, expressions, row, thing
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row

REAL = Path(__file__).parents[3] / "shared" / "data" / "real" / "manifest.jsonl"


def test_a_row_is_counted_from_the_nearer_end() -> None:
    chairs = [thing(i, "chair", [], (3.0, y, 0.0)) for i, y in enumerate([1.6, 0.8, 0.0, -0.8, -1.6])]
    result = disambiguate_row(row(chairs), SETTINGS)
    texts = {one["object_id"]: (one["expression"], one["form"]) for one in result["references"]}
    assert texts[1] == ("the second chair from the left", "ordinal")
    assert texts[2] == ("the middle chair", "ordinal")
    assert texts[3] == ("the second chair from the right", "ordinal")
    assert texts[0][0] in ("the leftmost chair", "the chair farthest to the left")
    assert all(one["group_size"] == 5 for one in result["references"])


def test_near_and_far_if_left_and_right_are_a_tie() -> None:
    chairs = [thing(1, "chair", [], (2.0, 0.01, 0.0)), thing(2, "chair", [], (4.0, 0.0, 0.0))]
    assert expressions(row(chairs)) == {1: "the nearer chair", 2: "the farther chair"}


def test_high_and_low_need_gravity() -> None:
    books = [thing(1, "book", [], (2.0, 0.0, 0.4)), thing(2, "book", [], (2.0, 0.0, 0.0))]
    assert expressions(row(books)) == {}
    with_gravity = row(books, gravity_src="imu", gravity_sigma_deg=1.0)
    assert expressions(with_gravity) == {1: "the higher book", 2: "the lower book"}


def test_ties_are_rejected_as_ambiguous() -> None:
    mugs = [thing(1, "mug", [], (2.0, 0.01, 0.0)), thing(2, "mug", [], (2.0, 0.0, 0.0))]
    result = disambiguate_row(row(mugs), SETTINGS)
    assert result["references"] == []
    assert [(one["region_id"], one["reason"]) for one in result["rejected"]] == [(1, "ambiguous"), (2, "ambiguous")]
    assert "object 2" in result["rejected"][0]["detail"]


def test_regions_that_were_not_lifted_still_count() -> None:
    mug = thing(1, "mug", ["red mug"], (2.0, 0.0, 0.0))
    assert expressions(row([mug]))[1] in ("the mug", "the red mug")
    striped = {"region_id": 9, "label": "mug", "captions": ["red striped mug"]}
    assert expressions(row([mug], regions=[striped])) == {}
    blue = {"region_id": 9, "label": "mug", "captions": ["blue mug"]}
    assert expressions(row([mug], regions=[blue])) == {1: "the red mug"}
    unknown = {"region_id": 9, "label": "mug", "captions": []}
    assert expressions(row([mug], regions=[unknown])) == {}


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        (["red mug", "red striped mug"], [None, None]),
        (["cracker box", "box"], [None, None]),
        (["white ribbed mug", "dark blue mug"], [r"white (ribbed )?mug", r"(dark )?blue mug"]),
        (["light blue mug", "dark blue mug"], ["light blue mug", "dark blue mug"]),
        (["teal mug", "green mug"], [None, None]),
        (["small red mug", "large red mug"], ["small red mug", "large red mug"]),
        (["large red mug with white dots", "green mug"], [r"red mug.*", "green mug"]),
        (["tomato soup can", "rectangular spam can"], ["tomato soup can", "rectangular spam can"]),
        (["toy car", "car"], [None, None]),
        (["purple cup at the front", "purple cup at the back"], [None, None]),
    ],
)
def test_captions_decide(captions: list[str], expected: list[str | None]) -> None:
    # placed in a tie, so that only words can distinguish them
    objects = [thing(i, None, [text], (2.0, 0.001 * i, 0.0)) for i, text in enumerate(captions)]
    found = expressions(row(objects))
    for object_id, pattern in enumerate(expected):
        if pattern is None:
            assert object_id not in found
        else:
            assert re.fullmatch(f"the {pattern}", found[object_id]), found


def test_collections_keep_their_of_phrase() -> None:
    found = expressions(row([thing(1, None, ["a pile of books on the desk"], (2.0, 0.0, 0.0))]))
    assert found == {1: "the pile of books"}


def test_compound_labels_are_kinds() -> None:
    bags = [thing(1, "gift bag", [], (2.0, 0.0, 0.0)), thing(2, "plastic bag", [], (2.0, 0.0, 0.0))]
    assert expressions(row(bags)) == {1: "the gift bag", 2: "the plastic bag"}


def test_plural_captions_lend_their_color_to_a_singular_label() -> None:
    bins = thing(1, "storage bin", ["blue storage bins"], (2.0, 0.0, 0.0))
    other = thing(2, "storage bin", ["clear storage bin with blue lid"], (2.0, 0.0, 0.0))
    found = expressions(row([bins, other]))
    assert found[1] == "the blue storage bin"
    assert found[2].startswith("the clear storage bin")


def test_a_plural_without_a_label_gives_no_caption() -> None:
    result = disambiguate_row(row([thing(1, "books", ["old books"], (2.0, 0.0, 0.0))]), SETTINGS)
    assert result["rejected"][0]["reason"] == "no_caption"
    assert "old books" in result["rejected"][0]["detail"]
    nameless = disambiguate_row(row([thing(1, None, [], (2.0, 0.0, 0.0))]), SETTINGS)
    assert nameless["rejected"][0]["reason"] == "no_caption"


def test_the_seed_draws_other_forms() -> None:
    mug = thing(1, "mug", ["red plastic mug"], (2.0, 0.0, 0.0))
    forms = {expressions(row([mug]), DisambiguateSettings(seed=seed))[1] for seed in range(40)}
    assert forms == {"the mug", "the red plastic mug", "the red mug", "the plastic mug"}


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/real (real images)")
def test_every_object_of_the_real_images_gets_an_expression() -> None:
    for line in REAL.read_text().splitlines():
        crawl = json.loads(line)
        # a row of objects, left to right as listed
        objects = [
            thing(one["id"], one["label"], one["captions"], (3.0, -0.4 * i, 0.0))
            for i, one in enumerate(crawl["objects"])
        ]
        result = disambiguate_row({"image_id": crawl["image"], "objects": objects}, SETTINGS)
        assert result["rejected"] == []
        for one in result["references"]:
            text = one["expression"]
            assert re.match(r"the \S", text)
            assert not re.search(r"standing on|at the (back|front)|far away|distance|\b(large|small|tall)\b", text), (
                text
            )


def test_a_doubtful_object_is_not_described_but_makes_names_ambiguous() -> None:
    chairs = [thing(1, "chair", ["red chair"], (2.0, 0.5, 0.0)), thing(2, "chair", ["red chair"], (2.0, -0.5, 0.0))]
    alone = row(chairs[:1])
    regions = [{"region_id": 1, "label": "chair", "captions": ["red chair"], "object_probability": 0.95}]
    assert len(disambiguate_row({**alone, "regions": regions}, SETTINGS)["references"]) == 1
    unsure = [*regions, {"region_id": 2, "label": "chair", "captions": ["red chair"], "object_probability": 0.3}]
    result = disambiguate_row({**row(chairs), "regions": unsure}, SETTINGS)
    assert [one["object_id"] for one in result["references"]] == [1]
    assert result["references"][0]["expression"] not in ("the chair", "the red chair")
    (left_out,) = result["rejected"]
    assert (left_out["region_id"], left_out["reason"]) == (2, "unsure_object")
    assert "0.30" in left_out["detail"] and "0.80" in left_out["detail"]
    bold = SETTINGS.model_copy(update={"min_object_probability": 0.2})
    assert len(disambiguate_row({**row(chairs), "regions": unsure}, bold)["references"]) == 2
