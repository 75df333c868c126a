"""One scene as the rules read it: plain numbers per object and pair, ordered by object id."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from udfs.margins import MAX_GRAVITY_SIGMA_DEG
from udfs.questions.layout import Layout, layout_of
from udfs.questions.seen_object import Lens, SeenObject, known, primitives_of, seen_object

MAX_SCALE_SIGMA_REL = 0.3
FLOOR = "floor"
_SURFACES = {"floor": FLOOR, "table": "table top"}


class SeenPair(NamedTuple):
    """Distances between two objects, m, and whether their masks touch."""

    gap_m: float
    clearance_m: float
    masks_adjacent: bool


@dataclass(frozen=True, slots=True)
class Gates:
    """What a scene has: gravity within 5 degrees (G), a scale within 30 % (M), a word for its support (F).

    The errors are those that all objects share: of gravity, of the depth map's scale, of the focal
    length. `why_closed` has a clause for each gate that is closed.
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
    """One scene: its objects that have a name, in order of id, and how each is called.

    `layout` is what affordances read, None unless they are asked for.
    """

    image_id: str
    gates: Gates
    objects: list[SeenObject]
    pairs: dict[tuple[int, int], SeenPair]
    expressions: list[str]
    forms: list[str]
    layout: Layout | None = None


def gates_of(row: Mapping[str, Any]) -> Gates:
    """Return which gates a `scenes` row opens, with a clause for each that it does not."""
    source, sigma = row["gravity_src"], known(row["gravity_sigma_deg"])
    gravity = source != "none" and sigma <= MAX_GRAVITY_SIGMA_DEG
    scale, focal = (row.get(name) or 0.0 for name in ("scale_sigma_rel", "focal_sigma_rel"))
    metric = bool(row["scale_ok"]) and scale <= MAX_SCALE_SIGMA_REL
    surface = _SURFACES.get(row["has_plane"])
    closed = []
    if not gravity:
        how_well = "unknown" if source == "none" else f"known from {source} to {sigma:.1f} degrees only"
        closed.append(f"gravity is {how_well}, and 5 degrees are needed")
    if not metric:
        unsure = f"is known to {scale:.0%} only, and {MAX_SCALE_SIGMA_REL:.0%} is needed"
        closed.append(f"the depth's scale {unsure}" if row["scale_ok"] else "the depth has no metric scale")
    if surface is None:
        unsure = "the surface that was found may be a floor or a table top"
        closed.append(unsure if row["has_plane"] == "surface" else "no floor or table was found")
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


def scene_of(row: Mapping[str, Any], references: Iterable[Mapping[str, Any]], with_layout: bool = False) -> Scene:
    """Return the scene of a `scenes` row; objects without a reference are left out, but for those of the layout."""
    gates = gates_of(row)
    lens = lens_of(row, gates)
    named = {reference["object_id"]: reference for reference in references}
    kept = sorted((thing for thing in row["objects"] if thing["object_id"] in named), key=lambda o: o["object_id"])
    objects = [seen_object(primitives_of(thing), lens) for thing in kept]
    pairs = {
        (min(pair["a"], pair["b"]), max(pair["a"], pair["b"])): SeenPair(
            known(pair["gap_m"]), known(pair["clearance_m"]), pair["masks_adjacent"] is not False
        )
        for pair in row["pairs"]
    }
    chosen = [named[seen.object_id] for seen in objects]
    layout = layout_of(row) if with_layout else None
    expressions, forms = [r["expression"] for r in chosen], [r["form"] for r in chosen]
    return Scene(row["image_id"], gates, objects, pairs, expressions, forms, layout)
