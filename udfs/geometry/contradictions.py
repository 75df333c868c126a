"""Tells which frames of a sequence contradict each other: where one measures a surface, another sees through."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.posed_view import PosedView

Array = NDArray[np.float64]
_SAMPLES = 24
_MIN_SHARED = 30
_AGREE_M, _AGREE_REL, _SIGMAS = 0.03, 0.025, 3.0
# Noise makes all pairs contradict each other a little; beyond the last, that is not noise.
_MAX_SEEN_THROUGH, _OF_MEDIAN, _NEVER_MORE = 0.15, 2.0, 0.35
_EDGE_REL = 0.05


@dataclass(frozen=True)
class Sightings:
    """What a view shows of n points: `agrees` where it sees a surface there, `through` where it sees what lies behind.

    Neither is true of points that are hidden, out of the image, or without depth. `label` is the pixel's object id, -1
    for none.
    """

    agrees: NDArray[np.bool_]
    through: NDArray[np.bool_]
    label: NDArray[np.int64]


def sightings(view: PosedView, points: Array, sigma_rel: float = 0.0) -> Sightings:
    """Compare points (n, 3) of the world, whose distance is known to `sigma_rel`, with what a view measures."""
    pixels, z_m, inside = view.projected(points)
    agrees, through = np.zeros(len(points), bool), np.zeros(len(points), bool)
    label = np.full(len(points), -1, np.int64)
    at = np.flatnonzero(inside)
    u, v = np.rint(pixels[at]).astype(int).T
    near_m, far_m, own_m = view.nearest_m[v, u], view.farthest_m[v, u], z_m[at]
    slack_m = np.maximum(_AGREE_M, _AGREE_REL * own_m) + _SIGMAS * np.hypot(sigma_rel, view.sigma_rel) * own_m
    known = near_m > 0
    agrees[at] = known & (near_m - own_m <= slack_m) & (own_m - far_m <= slack_m)
    through[at] = known & (near_m - own_m > slack_m)
    label[at] = view.labels[v, u]
    return Sightings(agrees, through, label)


def contradictions(views: Sequence[PosedView]) -> Array:
    """Return for every two views the share (n, n) of what both see that one of them sees through; NaN where too little.

    What belongs to no object counts, since an object may have been moved; without enough of it, everything does. The
    larger share of the two directions counts: a frame that is put too far ahead hides its own error.
    """
    shares = np.full((len(views), len(views)), np.nan)
    samples = [_samples(view) for view in views]
    for i, (cloud, is_object) in enumerate(samples):
        for j, other in enumerate(views):
            if i != j:
                found = sightings(other, cloud, views[i].sigma_rel)
                for counted in (~is_object, np.ones(len(cloud), bool)):
                    through = np.count_nonzero(found.through & counted)
                    shared = np.count_nonzero(found.agrees & counted) + through
                    if shared >= _MIN_SHARED:
                        shares[i, j] = through / shared
                        break
    return np.fmax(shares, shares.T)


def consistent(shares: Array) -> list[int]:
    """Return which views to keep: those left after leaving out, one by one, what contradicts most of what it shares.

    Where two views contradict each other and no third one tells which is wrong, both are left out.
    """
    shared = ~np.isnan(shares)
    usual = float(np.median(shares[shared])) if shared.any() else 0.0
    bad = shares > min(_NEVER_MORE, _MAX_SEEN_THROUGH + _OF_MEDIAN * usual)
    kept = np.ones(len(shares), bool)
    while True:
        against = (bad & kept[None] & kept[:, None]).sum(axis=1)
        if not against.any():
            return [int(one) for one in np.flatnonzero(kept)]
        of = (shared & kept[None] & kept[:, None]).sum(axis=1)
        weight = np.where(against > 0, against / np.maximum(of, 1) + against * 1e-6, -1.0)
        kept &= weight < weight.max() - 1e-12


def _samples(view: PosedView) -> tuple[Array, NDArray[np.bool_]]:
    """Return an even grid of measured points (n, 3) of the world, away from edges, and which belong to an object."""
    v, u = view.grid(_SAMPLES)
    z_m, near_m, far_m = (plane[v, u].astype(np.float64) for plane in (view.depth.z_m, view.nearest_m, view.farthest_m))
    flat = (near_m > 0) & (far_m - near_m <= _EDGE_REL * z_m)
    points_c = view.depth.camera.unproject(u[flat].astype(float), v[flat].astype(float), z_m[flat])
    return view.to_world(points_c), view.labels[v, u][flat] >= 0


def overlap(one: PosedView, other: PosedView) -> float:
    """Return the share of what one view measures that another one shows, too."""
    points, _ = _samples(one)
    return float(np.mean(sightings(other, points, one.sigma_rel).agrees)) if len(points) else 0.0
