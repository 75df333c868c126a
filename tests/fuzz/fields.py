"""Mutations of what a manifest row says."""

import copy
import json
import math
from typing import Any

import numpy as np

from tests.fuzz.cases import EXTREME, ROOM, WEIRD, Case, Rng, mutation, one_of

UNLISTED = ("mask_without_object", "object_without_mask")


def is_blank(value: Any) -> bool:
    """Tables write a missing value so."""
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )


@mutation
def part_of_another_type(case: Case, rng: Rng) -> None:
    name, reason = one_of(
        rng,
        [("camera", "bad_intrinsics"), ("gravity", "bad_gravity"), ("pose", "bad_pose"), ("depth_scale", "bad_depth")],
    )
    value = one_of(rng, WEIRD)
    if is_blank(value) or (name == "depth_scale" and isinstance(value, int | float) and not isinstance(value, bool)):
        value = "text"
    case.row[name] = value
    case.needs(reason)


@mutation
def camera_number(case: Case, rng: Rng) -> None:
    name = one_of(rng, ("fx", "fy", "cx", "cy"))
    value = one_of(rng, (*EXTREME, *WEIRD, None))
    centers = name in ("cx", "cy") and isinstance(value, int | float) and abs(value) < 100 and value is not True
    if not centers:
        case.row["camera"][name] = value
        case.needs("bad_intrinsics")


@mutation
def camera_of_another_size(case: Case, rng: Rng) -> None:
    factor = one_of(rng, (rng.uniform(0.1, 0.6), rng.uniform(1.5, 12)))
    center = {name: factor * (case.row["camera"][name] + 0.5) - 0.5 for name in ("cx", "cy")}
    case.row["camera"] = {name: factor * case.row["camera"][name] for name in ("fx", "fy")} | center
    if rng.random() < 0.5:
        strip_boxes(case)
    case.needs("bad_intrinsics")


@mutation
def camera_of_another_zoom(case: Case, rng: Rng) -> None:
    factor = one_of(rng, (rng.uniform(0.2, 0.6), rng.uniform(1.7, 12)))
    for name in ("fx", "fy"):
        case.row["camera"][name] *= factor
    case.needs("bad_intrinsics", "bad_box")


@mutation
def camera_squeezed_or_without_a_value(case: Case, rng: Rng) -> None:
    if rng.random() < 0.5:
        case.row["camera"][one_of(rng, ("fx", "fy"))] *= rng.uniform(2.1, 50)
    else:
        del case.row["camera"][one_of(rng, ("fx", "fy", "cx", "cy"))]
    case.needs("bad_intrinsics")


@mutation
def camera_divided_by_the_size(case: Case, rng: Rng) -> None:
    camera, width, height = case.row["camera"], ROOM.width, ROOM.height
    case.row["camera"] = {"fx": camera["fx"] / width, "fy": camera["fy"] / height, "cx": 0.5, "cy": 0.5}
    case.needs("bad_intrinsics")


@mutation
def gravity_wrong(case: Case, rng: Rng) -> None:
    gravity = np.array(case.row["gravity"])
    wrong = one_of(rng, ("up", "long", "number", "short"))
    if wrong == "number":
        gravity[int(rng.integers(3))] = one_of(rng, (math.nan, math.inf, 1e200, -1e308, 2.0))
    scale = {"up": -1.0, "long": 9.81, "short": rng.uniform(0, 0.9)}.get(wrong, 1.0)
    case.row["gravity"] = (gravity * scale).tolist()
    case.needs("bad_gravity")


@mutation
def pose_wrong(case: Case, rng: Rng) -> None:
    pose = np.eye(4)
    wrong = one_of(rng, ("far", "number", "mirror", "scale", "row", "shape"))
    if wrong == "far":
        pose[int(rng.integers(3)), 3] = one_of(rng, (1e9, -1e150, 1.7e308))
    elif wrong == "number":
        pose[tuple(rng.integers(0, 3, 2))] = one_of(rng, (math.nan, math.inf, 1e200, 5.0))
    elif wrong == "mirror":
        pose[0, 0] = -1
    elif wrong == "scale":
        pose[:3, :3] *= rng.uniform(1.1, 1000)
    elif wrong == "row":
        pose[3] = rng.normal(size=4)
    case.row["pose"] = pose[:3].tolist() if wrong == "shape" else pose.tolist()
    case.needs("bad_pose")


@mutation
def objects_of_another_type(case: Case, rng: Rng) -> None:
    value = one_of(rng, [value for value in WEIRD if value and not isinstance(value, list) and not is_blank(value)])
    case.row["objects"] = value
    case.needs("bad_manifest_row")
    case.may |= set(UNLISTED)
    case.scale_told = False


@mutation
def one_object_wrong(case: Case, rng: Rng) -> None:
    at = int(rng.integers(4))
    if rng.random() < 0.3:
        case.row["objects"][at] = one_of(rng, [value for value in WEIRD if value is not None])
    else:
        case.row["objects"][at]["id"] = one_of(
            rng, (0, -3, 2**31, 10**30, True, 1.5, "one", "", [1], None, math.nan, 1 + (at + 1) % 4)
        )
    case.needs("bad_manifest_row")
    case.may |= {*UNLISTED, "bad_box"}


@mutation
def box_number(case: Case, rng: Rng) -> None:
    box = one_of(rng, case.row["objects"])["box_3d"]
    name = one_of(rng, ("center", "size", "rotation"))
    value = one_of(rng, (*(v for v in EXTREME if (v and abs(v) > 1e11) or v != v), True, "1", None, [1]))
    values = box[name][0] if name == "rotation" else box[name]
    values[int(rng.integers(3))] = value
    case.needs("bad_box")


@mutation
def box_elsewhere(case: Case, rng: Rng) -> None:
    box = one_of(rng, case.row["objects"])["box_3d"]
    wrong = one_of(rng, ("behind", "aside", "far", "thin"))
    if wrong == "behind":
        box["center"][2] *= -rng.uniform(1, 5)
    elif wrong == "aside":
        box["center"][0] += one_of(rng, (-1, 1)) * rng.uniform(3, 50)
    elif wrong == "far":
        box["center"] = [rng.uniform(4, 1e4) * value for value in box["center"]]
    else:
        box["size"][int(rng.integers(3))] = one_of(rng, (0, -1, 5e-324, 1e-5, 500))
    case.needs("bad_box")


@mutation
def boxes_in_another_unit(case: Case, rng: Rng) -> None:
    factor = one_of(rng, (100, 1000, rng.uniform(60, 2000)))
    for item in case.row["objects"]:
        for name in ("center", "size"):
            item["box_3d"][name] = [factor * value for value in item["box_3d"][name]]
    case.needs("bad_box")
    case.scale_told = False


@mutation
def text_field(case: Case, rng: Rng) -> None:
    name = one_of(rng, ("alt_text", "licence", "source", "page_url", "instruction", "sequence_id"))
    if rng.random() < 0.5:
        case.row[name] = one_of(rng, ("x" * 10_001, "\u0437" * 50_000))
        case.needs("text_too_long")
    else:
        case.row[name] = one_of(
            rng, ("\x00\x1b[31m", "\ud800\udfff", "a\u202eb", "", "  ", "\ufeff", 7, 1.5, None, math.nan)
        )


@mutation
def text_of_another_type(case: Case, rng: Rng) -> None:
    case.row[one_of(rng, ("crawl_id", "licence", "image_url"))] = one_of(rng, ([1], {"a": 1}, [[]], ["x"]))
    case.needs("bad_manifest_row")


@mutation
def frame_index_wrong(case: Case, rng: Rng) -> None:
    case.row["frame_index"] = one_of(rng, (-1, 2**31, 10**400, True, 1.5, "first", [], {}, math.inf))
    case.needs("bad_manifest_row")


@mutation
def opted_out(case: Case, rng: Rng) -> None:
    case.row["robots"] = one_of(rng, ("noai", "all, NOAI", ["noindex"], "bot: noimageai", "tdm-reservation: 1", "none"))
    case.needs("opt_out")


@mutation
def episode_not_finite(case: Case, rng: Rng) -> None:
    case.row[one_of(rng, ("action", "state"))] = one_of(rng, ([0.1, math.nan], {"a": math.inf}, [[-math.inf]]))
    case.needs("bad_manifest_row")


@mutation
def line_of_no_row(case: Case, rng: Rng) -> None:
    whole = json.dumps({"image": f"{case.number:05}/image.jpg", **case.row})
    cut = whole[: int(rng.integers(1, len(whole)))]
    case.line = one_of(
        rng, (cut, "[" * 5000, "[1, 2]", "7", "null", '"text"', "{}", '{"image": []}', "{'image': 1}", "\x01\x02")
    )
    case.needs("bad_manifest_row")


@mutation
def uri_wrong(case: Case, rng: Rng) -> None:
    name = one_of(rng, ("image", "depth", "instances"))
    case.row[name] = one_of(
        rng, ("none.png", "../" * 40 + "none", "/proc/none", "file:///none", "http://127.0.0.1/a.png", "a\x00b", ".")
    )
    missing = {"image": "missing_file"}.get(name, f"{name}_missing")
    case.needs(missing, "outside_roots")
    if name == "instances":
        case.scale_told = False


def strip_boxes(case: Case) -> None:
    """Remove what tells the unit of the depth and the camera."""
    case.row["objects"] = [{**copy.deepcopy(item), "box_3d": None} for item in case.row["objects"]]
