"""A measured image as a page shows it: the image, its depth, objects with outlines and boxes, and its points in 3D."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from jobs.views.pages.cloud import cloud_of
from jobs.views.pages.images import depth_image, image_uri, mask_anchor, mask_path
from jobs.views.pages.objects import palette
from jobs.views.pages.projection import View, box_segments, line_segment
from jobs.views.pages.wording import dimensions, meters
from udfs.pixels.decoding import upright_rgb
from udfs.questions.spans import Line

if TYPE_CHECKING:
    from jobs.one_image.measured import Measured, Thing

_IMAGE_PX = 1600
_EXAMPLES = 4


def scene_of(measured: "Measured") -> dict[str, Any]:
    """Return the scene as JSON: lines and outlines in px of the upright image, boxes and points in frame W, m."""
    scene, view = measured.scene, measured.view
    with Image.open(io.BytesIO(measured.content)) as opened:
        rgb = np.asarray(upright_rgb(opened))
    colors = palette(thing.object_id for thing in measured.things)
    depth = depth_image(measured.lifted["depth"], _IMAGE_PX)
    return {
        "width": view.width,
        "height": view.height,
        "image": image_uri(measured.content, _IMAGE_PX),
        "depth": {"uri": depth.uri, "near": meters(depth.near_m), "far": meters(depth.far_m)} if depth else None,
        "objects": [_object(measured, thing, colors[thing.object_id]) for thing in measured.things],
        "pose": list(scene["world_from_camera"]),
        "camera": dict(scene["camera"]),
        "cloud": cloud_of(measured.lifted["depth"], rgb, view),
        "notes": measured.notes,
        "examples": measured.asked.near_questions(count=_EXAMPLES),
    }


def spans_shown(lines: Iterable[Line], view: View) -> list[dict[str, Any]]:
    """Return lines of W as JSON: both ends in m, and what of each the image shows, px, None where that is nothing."""
    shown = []
    for line in lines:
        seen = line_segment(np.stack(line), view)
        ends = [[round(float(value), 4) for value in end] for end in line]
        px = [round(value, 2) for value in (seen.u0, seen.v0, seen.u1, seen.v1)] if seen else None
        shown.append({"ends_m": ends, "px": px})
    return shown


def _object(measured: "Measured", thing: "Thing", color: str) -> dict[str, Any]:
    region = next(one for one in measured.lifted["regions"] if one["region_id"] == thing.object_id)
    view = measured.view
    corners = [value for corner in thing.box_m for value in corner]
    edges = box_segments(corners, view) if corners else []
    anchor = mask_anchor(region["rle"], view.width, view.height)
    return {
        "id": thing.object_id,
        "name": measured.asked.called[thing.object_id],
        "color": color,
        "size": dimensions(thing.size_m) if thing.size_m and thing.size_known else "",
        "distance": meters(thing.distance_m),
        "outline": mask_path(region["rle"], view.width, view.height),
        "anchor": list(anchor) if anchor else None,
        "edges": [[edge.u0, edge.v0, edge.u1, edge.v1, edge.hidden] for edge in edges],
        "box_m": [list(corner) for corner in thing.box_m],
    }
