"""Rows of `scenes` with only the columns that referring expressions use."""

from typing import Any

from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row

SETTINGS = DisambiguateSettings()


def thing(object_id: int, label: str | None, captions: list[str], place: tuple[float, float, float]) -> dict[str, Any]:
    """Return the columns of a lifted object of 0.2 m around `place` (W: forward, left, up), seen from the origin."""
    x, y, z = place
    distance = (x * x + y * y + z * z) ** 0.5
    return {
        "object_id": object_id,
        "label": label,
        "captions": captions,
        "centre_m": [x, y, z],
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
