"""Similar objects can be distinguished only by a clear position or order."""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.language.objects import SETTINGS, expressions, row, scenes, thing
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row


def with_similar(scene: dict[str, Any], likes: dict[tuple[int, int], float], more: int = 0) -> dict[str, Any]:
    """Return the scene with regions, `more` of which were not lifted, and their similarities from one side only."""
    scene = deepcopy(scene)
    count = len(scene["objects"])
    regions = [
        {"region_id": one["object_id"], "label": one["label"], "captions": one["captions"]} for one in scene["objects"]
    ]
    regions += [{"region_id": count + i, "label": "vase", "captions": []} for i in range(1, more + 1)]
    for region in regions:
        region["similar"] = [
            {"region_id": b, "similarity": value} for (a, b), value in likes.items() if a == region["region_id"]
        ]
    scene["regions"] = regions
    return scene


@st.composite
def scenes_with_similar_objects(draw: st.DrawFn) -> tuple[dict[str, Any], dict[tuple[int, int], float]]:
    scene = draw(scenes())
    more = draw(st.integers(0, 2))
    ids = range(1, len(scene["objects"]) + more + 1)
    pairs = [(a, b) for a in ids for b in ids if a < b]
    likes = {pair: draw(st.sampled_from([0.2, 0.89, 0.9, 0.97])) for pair in pairs}
    return with_similar(scene, likes, more), likes


@settings(max_examples=300)
@given(scenes_with_similar_objects())
def test_only_position_distinguishes_similar_objects(drawn: tuple[dict[str, Any], dict]) -> None:
    scene, likes = drawn
    result = disambiguate_row(scene, SETTINGS)
    lifted = {one["object_id"]: one for one in scene["objects"]}
    close = {pair for pair, value in likes.items() if value >= SETTINGS.max_similarity}
    texts = [one["expression"].lower() for one in result["references"]]
    assert len(set(texts)) == len(texts)
    for reference in result["references"]:
        own = reference["object_id"]
        rivals = {b if a == own else a for a, b in close if own in (a, b)}
        assert reference["group_size"] >= 1 + len(rivals)
        if rivals:
            assert reference["form"] in ("position", "ordinal")
            assert rivals <= lifted.keys()
        if reference["form"] == "position":
            for rival in rivals:
                assert_decided(reference["expression"], lifted[own], lifted[rival])
    assert {one["object_id"] for one in result["references"]} | {one["region_id"] for one in result["rejected"]} == set(
        lifted
    )


def assert_decided(expression: str, own: dict[str, Any], rival: dict[str, Any]) -> None:
    """Check a position against the margins of the question types; frame W has y to the left."""
    left_m, near_m = own["center_m"][1] - rival["center_m"][1], rival["depth_m"] - own["depth_m"]
    words = expression.split()
    if any("left" in word for word in words):
        assert left_m >= 0.05
    elif any("right" in word for word in words):
        assert left_m <= -0.05
    elif words[1] in ("nearer", "nearest"):
        assert near_m >= 0.1
    else:
        assert near_m <= -0.1


@given(scenes())
def test_dissimilar_regions_change_nothing(scene: dict[str, Any]) -> None:
    ids = [one["object_id"] for one in scene["objects"]]
    likes = {(a, b): 0.89 for a in ids for b in ids if a != b}
    assert disambiguate_row(with_similar(scene, likes), SETTINGS) == disambiguate_row(with_similar(scene, {}), SETTINGS)


def test_names_that_mean_the_same_need_a_position() -> None:
    place = (2.0, 0.0, 0.0)
    objects = [thing(1, "couch", [], (3.0, 1.0, 0.0)), thing(2, "davenport", [], (3.0, -1.0, 0.0))]
    assert expressions(row(objects)) == {1: "the couch", 2: "the davenport"}
    similar = with_similar(row(objects), {(1, 2): 0.95})
    assert expressions(similar) == {1: "the couch on the left", 2: "the davenport on the right"}
    assert expressions(similar, DisambiguateSettings(max_similarity=0.96)) == {1: "the couch", 2: "the davenport"}
    tied = [thing(1, "couch", [], place), thing(2, "davenport", [], place)]
    result = disambiguate_row(with_similar(row(tied), {(1, 2): 0.95}), SETTINGS)
    assert result["references"] == []
    assert "object 2" in result["rejected"][0]["detail"]


def test_a_row_of_one_noun_is_counted_though_its_members_are_similar() -> None:
    chairs = [thing(i, "chair", [], (3.0, y, 0.0)) for i, y in enumerate([1.6, 0.8, 0.0, -0.8, -1.6], start=1)]
    likes = {(a, b): 0.99 for a in range(1, 6) for b in range(a + 1, 6)}
    assert expressions(with_similar(row(chairs), likes))[2] == "the second chair from the left"


def test_a_similar_region_that_was_not_lifted_leaves_no_expression() -> None:
    mug = row([thing(1, "mug", ["red mug"], (2.0, 0.0, 0.0))])
    assert expressions(with_similar(mug, {(1, 2): 0.95}, more=1)) == {}
    assert expressions(with_similar(mug, {(1, 2): 0.5}, more=1))
