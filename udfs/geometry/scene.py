"""Lifts one image: regions, depth, camera and gravity become objects, pairs and planes in frame W."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.reasons import Reason
from udfs.geometry.amodal import body_of
from udfs.geometry.bleed import EXACT, bleeds, orphans
from udfs.geometry.boxes import amodal_box
from udfs.geometry.cleaning import Surroundings
from udfs.geometry.contact import NO_CONTACT, Contact, Extent, contact_of
from udfs.geometry.cutout import Cutout, cutout
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.frame import WorldFrame, rotation_of
from udfs.geometry.gravity import Gravity, gravity_from_planes
from udfs.geometry.inputs import SceneInput
from udfs.geometry.masks import Crop, adjacent, crop_of, label_map
from udfs.geometry.pairs import footprint_pairs, surface_gap, surfaces_of
from udfs.geometry.places import NOTHING, places_of
from udfs.geometry.planes import Support, support_planes
from udfs.geometry.primitives import Primitives, primitives
from udfs.geometry.records import object_record, plane_record, rejected_record
from udfs.geometry.size_error import Measured
from udfs.geometry.supports import Base, Ground, Seen, base_of, base_of_box, ground_of
from udfs.geometry.surface_grid import SurfaceGrid, sparse_grid, surface_grid
from udfs.geometry.view import View
from udfs.margins import MAX_GRAVITY_SIGMA_DEG

_ADJACENT_PX = 2
_FALLBACK_SIGMA_DEG = 1.0
_REACHES_M, _REACHES_REL = 0.05, 0.03
_PART_SHARE = 0.3  # of a plane in the mask of the object that it is a part of


def lift_scene(scene: SceneInput) -> dict[str, Any]:
    """Return gravity, frame, planes, objects, pairs and rejected regions as columns of `scenes`."""
    depth, limits = scene.depth, scene.limits
    crops, rejected = _crops(scene)
    cutouts, too_few = _cutouts(scene, crops)
    sparse = depth.valid_share < limits.sparse_share
    grid = sparse_grid(depth) if sparse else surface_grid(depth)
    gravity = scene.gravity or gravity_from_planes(grid, limits)
    level = WorldFrame(rotation_of(gravity.up_c), 0.0)
    clouds = [tuple(level.points(points) for points in cut.clouds_c) for cut in cutouts]
    measured = [primitives(cut.points_c, cloud[0]) for cut, cloud in zip(cutouts, clouds, strict=True)]
    ground = _ground(grid, gravity, cutouts, measured, scene)
    frame = WorldFrame(level.rotation, ground.camera_height_m)
    shapes = [shape.raised(ground.camera_height_m) for shape in measured]
    boxes = [amodal_box(cut.region["box_3d"], frame) if cut.region.get("box_3d") else None for cut in cutouts]
    bases = [
        base_of_box(ground, box, shape.range)
        if box
        else base_of(ground, grid, shape, frame, _contact(depth, cut, gravity, low, sparse))
        for cut, shape, low, box in zip(cutouts, shapes, measured, boxes, strict=True)
    ]
    objects = [
        object_record(scene, Measured(cut, points, shape if box else _completed(shape, base, points), box), frame, base)
        for cut, points, shape, base, box in zip(cutouts, _samples(clouds, frame), shapes, bases, boxes, strict=True)
    ]
    return {
        **_gravity_columns(gravity),
        "has_plane": ground.origin_kind,
        "world_from_camera": frame.row_major(),
        "planes": [plane_record(k, ground) for k in range(len(ground.supports))],
        "objects": objects,
        "pairs": _pairs(cutouts, clouds, shapes),
        "rejected": rejected + too_few,
        **(_places(crops, objects, (depth, frame), grid, ground) if limits.places and not sparse else NOTHING),
    }


def surface_points(scene: SceneInput) -> dict[int, NDArray[np.float64]]:
    """Return the points (n, 3) in C, m, from which every object is measured, by region id."""
    cutouts, _ = _cutouts(scene, _crops(scene)[0])
    return {int(cut.region["region_id"]): np.concatenate([cut.points_c, cut.outline_c]) for cut in cutouts}


def _places(
    crops: list[tuple[Mapping[str, Any], Crop]],
    objects: list[dict[str, Any]],
    seen: tuple[DepthMap, WorldFrame],
    grid: SurfaceGrid,
    ground: Ground,
) -> dict[str, Any]:
    """Return the columns of surfaces, openings, free space and lines of sight."""
    depth, frame = seen
    labels, _ = label_map([crop for _, crop in crops], *depth.z_m.shape)
    label_of = {int(region["region_id"]): number for number, (region, _) in enumerate(crops, 1)}
    things = [(label_of[thing["object_id"]], thing) for thing in objects]
    return places_of(View(depth, labels, frame), grid, ground, things)


def _crops(scene: SceneInput) -> tuple[list[tuple[Mapping[str, Any], Crop]], list[dict[str, Any]]]:
    height, width = scene.depth.z_m.shape
    crops, rejected = [], []
    for region in scene.regions:
        crop = crop_of(region, height, width)
        if crop is None:
            rejected.append(rejected_record(region, Reason.EMPTY_MASK, "The mask has no pixels."))
        else:
            crops.append((region, crop))
    return crops, rejected


def _cutouts(
    scene: SceneInput, crops: list[tuple[Mapping[str, Any], Crop]]
) -> tuple[list[Cutout], list[dict[str, Any]]]:
    depth, limits = scene.depth, scene.limits
    sparse = depth.valid_share < limits.sparse_share
    masks = [crop for _, crop in crops]
    labels, overlap = label_map(masks, *depth.z_m.shape)
    widths = [EXACT] * len(masks) if sparse else bleeds(depth, masks, labels, overlap)
    around = Surroundings(labels, orphans(masks, labels, widths))
    min_points = limits.min_points_sparse if sparse else limits.min_points
    cutouts, rejected = [], []
    for (region, crop), bleed in zip(crops, widths, strict=True):
        cut = cutout(depth, region, crop, bleed, around, limits)
        if cut.n_points >= min_points:
            cutouts.append(cut)
        else:
            detail = (
                f"{cut.n_points} clean depth points in {crop.area_px} px of mask; at least {min_points} are needed."
            )
            rejected.append(rejected_record(region, Reason.TOO_FEW_POINTS, detail))
    return sorted(cutouts, key=lambda cut: cut.region["region_id"]), rejected


def _ground(
    grid: SurfaceGrid, gravity: Gravity, cutouts: list[Cutout], measured: list[Primitives], scene: SceneInput
) -> Ground:
    sigma = gravity.sigma_deg if gravity.sigma_deg is not None else _FALLBACK_SIGMA_DEG
    if gravity.source == "none" or sigma > MAX_GRAVITY_SIGMA_DEG:
        return Ground((), ())
    supports = support_planes(grid, gravity.up_c, sigma, scene.limits)
    largest_m = _largest_carried_m(grid, supports, cutouts, measured, scene.depth)
    seen = Seen(largest_m, float(np.hypot(scene.sigma_rel, scene.scale_sigma_rel)))
    return ground_of(grid, gravity.up_c, supports, seen, scene.limits)


def _largest_carried_m(
    grid: SurfaceGrid, supports: list[Support], cutouts: list[Cutout], measured: list[Primitives], depth: DepthMap
) -> float:
    """Return the largest extent of an object that the lowest plane may carry.

    It cannot carry what it is a part of, as a shelf board is of a bookcase, nor what reaches beneath it.
    """
    if not supports:
        return 0.0
    lowest = max(supports, key=lambda support: support.below_m)
    x, y, z = grid.points[lowest.patches].T
    camera = depth.camera
    u, v = np.rint(camera.fx * x / z + camera.cx), np.rint(camera.fy * y / z + camera.cy)
    largest_m = 0.0
    for cut, shape in zip(cutouts, measured, strict=True):
        beneath = shape.lo[2] < -lowest.below_m - max(_REACHES_M, _REACHES_REL * shape.range)
        if not beneath and cut.crop.share_of(u.astype(int), v.astype(int)) < _PART_SHARE:
            largest_m = max(largest_m, *shape.extent)
    return largest_m


def _contact(depth: DepthMap, cut: Cutout, gravity: Gravity, shape: Primitives, sparse: bool) -> Contact:
    """Return what is below an object, whose shape is given in the level frame."""
    if sparse or gravity.source == "none":
        return NO_CONTACT
    extent = Extent(shape.lo[2], shape.hi[2], shape.box.long_m, shape.box.short_m, shape.range)
    return contact_of(depth, cut, gravity.up_c, extent)


def _samples(clouds: list[tuple[NDArray[np.float64], ...]], frame: WorldFrame) -> Iterator[NDArray[np.float64]]:
    """Yield the sparser points of every object in W, m, from its clouds in the level frame."""
    up = np.array([0.0, 0.0, frame.camera_height_m])
    return (sample + up for _, sample, *_ in clouds)


def _completed(shape: Primitives, base: Base, points_w: NDArray[np.float64]) -> Primitives:
    """Return the shape with the whole object where it is known what the object stands on."""
    if base.height_m is None:
        return shape
    return replace(shape, body=body_of(points_w, shape.box, base.height_m, shape.hi[2]))


def _gravity_columns(gravity: Gravity) -> dict[str, Any]:
    known = gravity.source != "none"
    return {
        "gravity_c": [float(-value) for value in gravity.up_c] if known else None,
        "gravity_src": gravity.source,
        "gravity_sigma_deg": gravity.sigma_deg if known else None,
    }


def _pairs(
    cutouts: list[Cutout], clouds: list[tuple[NDArray[np.float64], ...]], measured: list[Primitives]
) -> list[dict[str, Any]]:
    if len(cutouts) < 2:
        return []
    surfaces = surfaces_of(clouds)
    first, second = np.triu_indices(len(cutouts), 1)
    clearance, overlap = footprint_pairs([shape.foot for shape in measured], first, second)
    return [
        {
            "a": int(cutouts[i].region["region_id"]),
            "b": int(cutouts[j].region["region_id"]),
            "gap_m": surface_gap(surfaces[i], surfaces[j]),
            "clearance_m": float(clearance[k]),
            "foot_overlap_m2": float(overlap[k]),
            "masks_adjacent": adjacent(cutouts[i].crop, cutouts[j].crop, _ADJACENT_PX),
        }
        for k, (i, j) in enumerate(zip(first, second, strict=True))
    ]
