"""One scene as the rules read it: plain numbers per object and pair, ordered by object id."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from udfs.margins import MAX_GRAVITY_SIGMA_DEG, MAX_OCCLUSION

MAX_SCALE_SIGMA_REL = 0.3
_SURFACES = {"floor": "floor", "table": "table top"}
_NAN = math.nan


class SeenObject(NamedTuple):
    """The primitives of one object that can be named; lengths in m, W unless the name says otherwise, NaN = unknown.

    `edge_ok` says that the object is neither truncated nor occluded over 10 %, `ray_*` is the unit vector from the
    camera to the centre, `error_m` the standard error along that ray, `pixel_m` that across it, `outline_m` that of an
    edge and `noise_m` that of one depth pixel; see `udfs.questions.uncertainty`.
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


class SeenPair(NamedTuple):
    """What lifting measured between two objects, m."""

    gap_m: float
    clearance_m: float
    masks_adjacent: bool


@dataclass(frozen=True, slots=True)
class Gates:
    """What a scene brings: gravity within 5 degrees (G), a scale within 30 % (M) and the word for its support (F).

    The errors are those that all objects share: of gravity, of the depth map's scale, of the focal length.
    """

    gravity: bool
    metric: bool
    surface: str | None
    gravity_sigma_rad: float
    scale_sigma_rel: float
    focal_sigma_rel: float
    why_closed: tuple[str, ...] = ()


@dataclass(slots=True)
class Scene:
    """One scene, its objects that can be named in order of id, and how each is called."""

    image_id: str
    gates: Gates
    objects: list[SeenObject]
    pairs: dict[tuple[int, int], SeenPair]
    expressions: list[str]
    forms: list[str]


class Lens(NamedTuple):
    """What turns pixels and depth noise into metres: camera height above W's origin, focal length, errors."""

    camera_z_m: float
    focal_px: float
    noise_rel: float
    gravity: bool


def gates_of(row: Mapping[str, Any]) -> Gates:
    """Return which gates a `scenes` row opens, with a clause for each that it does not."""
    source, sigma = row["gravity_src"], _known(row["gravity_sigma_deg"])
    gravity = source != "none" and sigma <= MAX_GRAVITY_SIGMA_DEG
    scale, focal = (row.get(name) or 0.0 for name in ("scale_sigma_rel", "focal_sigma_rel"))
    metric = bool(row["scale_ok"]) and scale <= MAX_SCALE_SIGMA_REL
    surface = _SURFACES.get(row["has_plane"])
    closed = []
    if not gravity:
        known = "unknown" if source == "none" else f"known from {source} to {sigma:.1f} degrees only"
        closed.append(f"gravity is {known}, and 5 degrees are needed")
    if not metric:
        unsure = f"is known to {scale:.0%} only, and {MAX_SCALE_SIGMA_REL:.0%} is needed"
        closed.append(f"the depth's scale {unsure}" if row["scale_ok"] else "the depth has no metric scale")
    if surface is None:
        closed.append("no floor or table was found")
    return Gates(gravity, metric, surface, math.radians(sigma) if gravity else 0.0, scale, focal, tuple(closed))


def lens_of(row: Mapping[str, Any], gates: Gates) -> Lens:
    """Return the error terms of a `scenes` row."""
    camera, pose = row["camera"], row["world_from_camera"]
    noise = row["depth_noise_rel"]
    return Lens(
        camera_z_m=pose[11] if pose else 0.0,
        focal_px=camera["fx"] if camera and camera["fx"] else float(row["width"]),
        noise_rel=0.0 if noise is None or math.isnan(noise) else noise,
        gravity=gates.gravity,
    )


def scene_of(row: Mapping[str, Any], references: Iterable[Mapping[str, Any]]) -> Scene:
    """Return the scene of a `scenes` row; objects without a reference are left out."""
    gates = gates_of(row)
    lens = lens_of(row, gates)
    named = {reference["object_id"]: reference for reference in references}
    kept = sorted((thing for thing in row["objects"] if thing["object_id"] in named), key=lambda o: o["object_id"])
    objects = [seen_object(primitives_of(thing), lens) for thing in kept]
    pairs = {
        (min(pair["a"], pair["b"]), max(pair["a"], pair["b"])): SeenPair(
            _known(pair["gap_m"]), _known(pair["clearance_m"]), pair["masks_adjacent"] is not False
        )
        for pair in row["pairs"]
    }
    chosen = [named[seen.object_id] for seen in objects]
    return Scene(row["image_id"], gates, objects, pairs, [r["expression"] for r in chosen], [r["form"] for r in chosen])


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
    size_source: str | None
    size_ok: bool
    truncated: bool
    occlusion: float
    edge_sigma_px: float


def primitives_of(thing: Mapping[str, Any]) -> Primitives:
    """Return the flat primitives of one OBJECT struct; what is null becomes NaN, or the flag that asks less.

    Raises:
        ValueError: a vector has the wrong length.
    """
    m_x, m_y, m_z = thing["centre_m"] or (_NAN,) * 3
    _, lo_y, lo_z = thing["lo_m"] or (_NAN,) * 3
    _, hi_y, hi_z = thing["hi_m"] or (_NAN,) * 3
    x_c, _, z_c = thing["centre_c_m"] or (_NAN,) * 3
    _, e_y, height_m, length_m, width_m = thing["size_m"] or (_NAN,) * 5
    return Primitives(
        object_id=thing["object_id"],
        n_points=_known(thing["n_points"]),
        area_px=_known(thing["area_px"]),
        m_x=m_x,
        m_y=m_y,
        m_z=m_z,
        lo_y=lo_y,
        lo_z=lo_z,
        hi_y=hi_y,
        hi_z=hi_z,
        range_m=_known(thing["range_m"]),
        depth_m=_known(thing["depth_m"]),
        x_c=x_c,
        z_c=z_c,
        u_norm=_known(thing["u_norm"]),
        v_norm=_known(thing["v_norm"]),
        sigma_m=_known(thing["sigma_m"]),
        e_y=e_y,
        height_m=height_m,
        length_m=length_m,
        width_m=width_m,
        volume_m3=_known(thing["volume_m3"]),
        size_source=thing["size_source"],
        size_ok=thing["size_ok"] is True,
        truncated=thing["truncated"] is not False,
        occlusion=_known(thing["occlusion"]),
        edge_sigma_px=_known(thing["edge_sigma_px"]),
    )


def seen_object(p: Primitives, lens: Lens) -> SeenObject:
    """Return one object with its bearing (+ right, rad; from C where gravity is unknown) and its error terms."""
    across_z = p.m_z - lens.camera_z_m
    horizontal = math.hypot(p.m_x, p.m_y)
    distance = math.hypot(horizontal, across_z) or _NAN
    bearing = math.atan2(-p.m_y, p.m_x) if lens.gravity else math.atan2(p.x_c, p.z_c)
    noise = lens.noise_rel * p.range_m
    points = max(1.0, p.n_points) if p.n_points > 0 else 1.0
    # Neighbouring depth pixels share their error: about 25 of them make one independent reading.
    readings = max(1.0, points / 25.0)
    pixel = p.range_m / lens.focal_px
    # An edge is known to the spacing of the points, which on sparse depth is many pixels.
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
    )


def _known(value: float | None) -> float:
    return _NAN if value is None else value
