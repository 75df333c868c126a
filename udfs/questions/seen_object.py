"""One object as the rules read it: plain numbers, and the error terms that follow from the camera."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from udfs.margins import MAX_OCCLUSION

_NAN = math.nan


@dataclass(slots=True)
class SeenObject:
    """The primitives of one object that has a name: lengths in m, in frame W, NaN where unknown.

    `edge_ok` says that the object is neither truncated nor more than 10 % occluded. `b_*` is the center of its size
    box, `ray_*` the unit vector from the camera to the center, `error_m` the standard error along that ray, `pixel_m`
    that across it, `outline_m` that of an edge and `noise_m` that of one depth pixel; see
    `udfs.questions.uncertainty`. `height_sigma_m` and `box_sigma_m` are what hidden ends and sides add, 0 if unknown.
    `on_other` says that the object rests on another plane than that which holds the origin, `cut_off` that its mask
    touches the border of the image.
    """

    object_id: int
    m_x: float
    m_y: float
    m_z: float
    lo_y: float
    lo_z: float
    hi_y: float
    hi_z: float
    range_m: float
    depth_m: float
    bearing_rad: float
    b_x: float
    b_y: float
    b_z: float
    u_norm: float
    v_norm: float
    sigma_m: float
    e_y: float
    height_m: float
    length_m: float
    width_m: float
    volume_m3: float
    amodal: bool
    size_ok: bool
    edge_ok: bool
    ray_x: float
    ray_y: float
    ray_z: float
    error_m: float
    pixel_m: float
    outline_m: float
    noise_m: float
    height_sigma_m: float
    box_sigma_m: float
    on_other: bool
    label: str
    cut_off: bool


class Lens(NamedTuple):
    """What converts pixels and depth noise to meters: camera height above W's origin, focal length, noise."""

    camera_z_m: float
    focal_px: float
    noise_rel: float
    gravity: bool


class Primitives(NamedTuple):
    """The columns of `schemas.shapes.OBJECT` that the rules read, flat."""

    object_id: int
    n_points: float
    area_px: float
    m_x: float
    m_y: float
    m_z: float
    lo_y: float
    lo_z: float
    hi_y: float
    hi_z: float
    range_m: float
    depth_m: float
    x_c: float
    z_c: float
    u_norm: float
    v_norm: float
    sigma_m: float
    e_y: float
    height_m: float
    length_m: float
    width_m: float
    volume_m3: float
    low_x: float
    low_y: float
    low_z: float
    high_x: float
    high_y: float
    high_z: float
    size_source: str | None
    size_ok: bool
    truncated: bool
    occlusion: float
    edge_sigma_px: float
    height_sigma_m: float
    box_sigma_m: float
    support_plane_id: float
    label: str | None


# Primitives field: (column of OBJECT, length of the vector, index in it)
VECTORS = {
    "m_x": ("center_m", 3, 0),
    "m_y": ("center_m", 3, 1),
    "m_z": ("center_m", 3, 2),
    "lo_y": ("lo_m", 3, 1),
    "lo_z": ("lo_m", 3, 2),
    "hi_y": ("hi_m", 3, 1),
    "hi_z": ("hi_m", 3, 2),
    "x_c": ("center_c_m", 3, 0),
    "z_c": ("center_c_m", 3, 2),
    "e_y": ("size_m", 5, 1),
    "height_m": ("size_m", 5, 2),
    "length_m": ("size_m", 5, 3),
    "width_m": ("size_m", 5, 4),
    # two opposite corners of the size box
    **{f"low_{axis}": ("corners_m", 24, k) for k, axis in enumerate("xyz")},
    **{f"high_{axis}": ("corners_m", 24, 18 + k) for k, axis in enumerate("xyz")},
}
# The value of a flag that is null: the more restrictive one.
FLAGS = {"size_ok": False, "truncated": True}


def primitives_of(thing: Mapping[str, Any]) -> Primitives:
    """Return the flat primitives of one OBJECT struct; null becomes NaN, or the more restrictive flag.

    Raises:
        ValueError: a vector has the wrong length.
    """
    values: dict[str, Any] = {name: thing[name] for name in ("object_id", "size_source")}
    values["label"] = thing.get("label")
    values["support_plane_id"] = known(thing.get("support_plane_id"))
    for name, (source, length, index) in VECTORS.items():
        vector = thing[source] or (_NAN,) * length
        if len(vector) != length:
            raise ValueError(f"{source} of object {thing['object_id']} has {len(vector)} values instead of {length}.")
        values[name] = vector[index]
    values |= {name: null if thing[name] is None else thing[name] for name, null in FLAGS.items()}
    values |= {name: known(thing[name]) for name in Primitives._fields if name not in values}
    return Primitives(**values)


def seen_object(p: Primitives, lens: Lens) -> SeenObject:
    """Return one object with its bearing (+ right, rad; from C where gravity is unknown) and its error terms."""
    across_z = p.m_z - lens.camera_z_m
    horizontal = math.hypot(p.m_x, p.m_y)
    distance = math.hypot(horizontal, across_z) or _NAN
    bearing = math.atan2(-p.m_y, p.m_x) if lens.gravity else math.atan2(p.x_c, p.z_c)
    noise = lens.noise_rel * p.range_m
    points = max(1.0, p.n_points) if p.n_points > 0 else 1.0
    # Neighboring depth pixels share their error: about 25 of them make one independent reading.
    readings = max(1.0, points / 25.0)
    pixel = p.range_m / lens.focal_px
    # An edge is known to the spacing of the points, which is many pixels on sparse depth.
    spacing = math.sqrt(p.area_px / points) if p.area_px > points else 1.0
    edge = p.edge_sigma_px if p.edge_sigma_px > spacing else spacing
    # A center moves by half of what one of its two edges moves.
    center = 0.5 * p.edge_sigma_px if p.edge_sigma_px > 2.0 else 1.0
    return SeenObject(
        object_id=p.object_id,
        m_x=p.m_x,
        m_y=p.m_y,
        m_z=p.m_z,
        lo_y=p.lo_y,
        lo_z=p.lo_z,
        hi_y=p.hi_y,
        hi_z=p.hi_z,
        range_m=p.range_m,
        depth_m=p.depth_m,
        bearing_rad=bearing,
        b_x=(p.low_x + p.high_x) / 2,
        b_y=(p.low_y + p.high_y) / 2,
        b_z=(p.low_z + p.high_z) / 2,
        u_norm=p.u_norm,
        v_norm=p.v_norm,
        sigma_m=p.sigma_m,
        e_y=p.e_y,
        height_m=p.height_m,
        length_m=p.length_m,
        width_m=p.width_m,
        volume_m3=p.volume_m3,
        amodal=p.size_source == "amodal",
        size_ok=p.size_ok,
        edge_ok=not p.truncated and p.occlusion <= MAX_OCCLUSION,
        ray_x=p.m_x / distance,
        ray_y=p.m_y / distance,
        ray_z=across_z / distance,
        error_m=math.sqrt(p.sigma_m * p.sigma_m + 4.0 * noise * noise / readings),
        pixel_m=pixel * center,
        outline_m=pixel * edge,
        noise_m=noise,
        height_sigma_m=p.height_sigma_m if p.height_sigma_m > 0 else 0.0,
        box_sigma_m=p.box_sigma_m if p.box_sigma_m > 0 else 0.0,
        on_other=p.support_plane_id > 0,
        label=p.label or "",
        cut_off=p.truncated,
    )


def known(value: float | None) -> float:
    """Return a value, NaN for null."""
    return _NAN if value is None else value
