"""Rows of `scenes` with only the columns that referring expressions use."""

from typing import Any

from hypothesis import strategies as st

from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row

SETTINGS = DisambiguateSettings()
COLORS = ["red", "blue", "green", "white", "black"]
MATERIALS = ["wooden", "metal", "plastic"]
NOUNS = ["chair", "mug", "box", "cracker box", "toy car", "armchair", "bottle", "cup"]
ENDS = ["", " on the left", " at the back", " with blue lid", " next to the sofa", " far away"]


def thing(object_id: int, label: str | None, captions: list[str], place: tuple[float, float, float]) -> dict[str, Any]:
    """Return the columns of a lifted object of 0.2 m around `place` (W: forward, left, up), seen from the origin."""
    x, y, z = place
    distance = (x * x + y * y + z * z) ** 0.5
    return {
        "object_id": object_id,
        "label": label,
        "captions": captions,
        "center_m": [x, y, z],
        "lo_m": [x - 0.1, y - 0.1, z - 0.1],
        "hi_m": [x + 0.1, y + 0.1, z + 0.1],
        "range_m": distance - 0.1,
        "depth_m": x - 0.1,
        "u_norm": 0.5 - 0.5 * y / x,
        "v_norm": 0.5 - 0.5 * z / x,
        "sigma_m": 0.01 * distance,
    }


def row(objects: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"image_id": "image", "objects": objects, "rejected": [], **more}


def expressions(scene: dict[str, Any], options: DisambiguateSettings = SETTINGS) -> dict[int, str]:
    result = disambiguate_row(scene, options)
    return {one["object_id"]: one["expression"] for one in result["references"]}


@st.composite
def scenes(draw: st.DrawFn) -> dict[str, Any]:
    places = st.tuples(st.floats(1.0, 6.0), st.floats(-2.0, 2.0), st.floats(-0.5, 0.5))
    objects = []
    for object_id in range(1, draw(st.integers(1, 7)) + 1):
        noun = draw(st.sampled_from(NOUNS))
        adjectives = [draw(st.sampled_from([*options, ""])) for options in (["small", "large"], COLORS, MATERIALS)]
        caption = " ".join([*filter(None, adjectives), noun]) + draw(st.sampled_from(ENDS))
        label = draw(st.sampled_from([noun.split()[-1], noun, None]))
        objects.append(thing(object_id, label, [caption] if draw(st.booleans()) or label is None else [], draw(places)))
    return row(objects)
