"""Referring expressions: unique, true of nothing else, independent of order, mirrored with the image."""

import re
from copy import deepcopy
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.language.objects import SETTINGS, expressions, scenes
from udfs.stages.disambiguate import disambiguate_row


def content(text: str) -> frozenset[str]:
    """Return the words of a caption up to the first position; independent of the code under test."""
    text = re.split(r" on the left| at the back| next to| far away", text.lower())[0]
    return frozenset(text.split()) - {"the", "a", "with"}


def nouns_of(one: dict[str, Any]) -> frozenset[str]:
    """Return every word about the object itself, without the words about its parts ("with blue lid")."""
    texts = [one["label"] or "", *one["captions"]]
    return frozenset().union(*(content(text.split(" with ")[0]) for text in texts))


def parts_of(one: dict[str, Any]) -> list[frozenset[str]]:
    return [content(text.split(" with ")[1]) for text in one["captions"] if " with " in text]


def is_true_of(expression: str, one: dict[str, Any]) -> bool:
    """Return whether the words of an expression all describe an object or a part of it."""
    itself, _, part = expression.partition(" with ")
    parts = parts_of(one)
    if part and not any(content(part) <= known for known in parts):
        return False
    return content(itself) <= nouns_of(one) or any(content(itself) <= known for known in parts)


@settings(max_examples=400)
@given(scenes())
def test_no_expression_is_shared_or_true_of_another(scene: dict[str, Any]) -> None:
    result = disambiguate_row(scene, SETTINGS)
    named = {one["object_id"]: one for one in result["references"]}
    texts = [one["expression"].lower() for one in named.values()]
    assert len(set(texts)) == len(texts)
    for object_id, reference in named.items():
        if reference["form"] in ("label", "caption", "attribute"):
            for other in scene["objects"]:
                assert is_true_of(reference["expression"], other) == (other["object_id"] == object_id), reference
    answered = set(named) | {one["region_id"] for one in result["rejected"]}
    assert answered == {one["object_id"] for one in scene["objects"]}


@settings(max_examples=400)
@given(scenes())
def test_positions_are_true(scene: dict[str, Any]) -> None:
    by_id = {one["object_id"]: one for one in scene["objects"]}
    for reference in disambiguate_row(scene, SETTINGS)["references"]:
        if reference["form"] != "position":
            continue
        text, target = reference["expression"], by_id[reference["object_id"]]
        noun = text.removeprefix("the ").split(" farther to")[0].split(" farthest to")[0].split(" on the")[0]
        noun = re.sub(r"^(leftmost|rightmost|nearer|nearest|farther|farthest) ", "", noun)
        rivals = [one for one in scene["objects"] if is_true_of(noun, one) and one is not target]
        assert is_true_of(noun, target)
        for rival in rivals:
            left = target["center_m"][1] - rival["center_m"][1]
            near = rival["depth_m"] - target["depth_m"]
            if "left" in text:
                assert left >= 0.05
            elif "right" in text:
                assert left <= -0.05
            elif "near" in text:
                assert near >= 0.1
            else:
                assert near <= -0.1


@settings(max_examples=200)
@given(scenes(), st.randoms(use_true_random=False))
def test_order_changes_nothing(scene: dict[str, Any], random: Any) -> None:
    shuffled = deepcopy(scene)
    random.shuffle(shuffled["objects"])
    assert disambiguate_row(shuffled, SETTINGS) == disambiguate_row(scene, SETTINGS)


def mirrored(scene: dict[str, Any]) -> dict[str, Any]:
    scene = deepcopy(scene)
    for one in scene["objects"]:
        lo, hi = one["lo_m"][1], one["hi_m"][1]
        one["center_m"][1] *= -1
        one["lo_m"][1], one["hi_m"][1] = -hi, -lo
        one["u_norm"] = 1 - one["u_norm"]
    return scene


@settings(max_examples=300)
@given(scenes())
def test_a_mirror_image_swaps_left_and_right_alone(scene: dict[str, Any]) -> None:
    columns = [one["u_norm"] for one in scene["objects"]]
    assume(all(abs(a - b) > 1e-9 for i, a in enumerate(columns) for b in columns[:i]))
    assume(all(abs(u - 0.5) > 1e-9 for u in columns))
    swap = {"left": "right", "right": "left"}
    expected = {
        object_id: re.sub(r"left|right", lambda found: swap[found[0]], text)
        for object_id, text in expressions(scene).items()
    }
    assert expressions(mirrored(scene)) == expected
