"""How a gripper approaches a thing: distances of one episode's frames, with gaps filled, and what follows from them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Shares of the contact distance: what is nearer touches, and what changes by less stands still.
_SURE, _STILL = 0.5, 0.1
RewardKind = Literal["progress", "distance", "difference"]


@dataclass(frozen=True)
class Approach:
    """What is known per frame [n]; NaN and False where nothing is. `filled` marks distances between measured ones."""

    distance_m: Floats
    filled: Flags
    contact: Flags
    progress: Floats
    success: Flags

    def reward(self, kind: RewardKind) -> Floats:
        """Return the reward per frame, NaN where the distance is unknown; the first known difference is 0."""
        if kind == "progress":
            return self.progress
        if kind == "distance":
            return -self.distance_m
        known = np.flatnonzero(~np.isnan(self.distance_m))
        out = np.full(len(self.distance_m), np.nan)
        out[known] = -np.diff(self.distance_m[known], prepend=self.distance_m[known[:1]])
        return out


def approach(
    frame: NDArray[np.int64], measured_m: Floats, contact_m: float, hold_frames: int, max_gap_frames: int, smooth: int
) -> Approach:
    """Return what follows from the measured distances [n] of frames in ascending order, NaN where there is none.

    Gaps of at most `max_gap_frames` between measured frames are filled linearly; nothing is known before the first and
    after the last. `smooth` is the number of frames on either side over which a mean is taken. Contact is a
    distance before smoothing of at most `contact_m`, and beyond half of it one that no longer falls: visible surfaces
    stay apart by some mm when hidden ones touch. The distance is 0 in contact.
    """
    distance, filled = _filled(frame, measured_m, max_gap_frames)
    known = ~np.isnan(distance)
    contact = _contact(distance, contact_m)
    distance = np.where(contact, 0.0, _smoothed(distance, smooth))
    start = distance[known][0] if known.any() else np.nan
    covered = np.where(contact, 1.0, 0.0) if start == 0 else (start - distance) / start
    held = _held(contact, hold_frames)
    return Approach(distance, filled, contact, np.where(known, np.clip(covered, 0.0, 1.0), np.nan), held)


def _filled(frame: NDArray[np.int64], measured_m: Floats, max_gap_frames: int) -> tuple[Floats, Flags]:
    measured = np.flatnonzero(~np.isnan(measured_m))
    if len(measured) == 0:
        return measured_m.copy(), np.zeros(len(measured_m), bool)
    between = np.interp(frame, frame[measured], measured_m[measured])
    after = np.searchsorted(measured, np.arange(len(frame)))
    inside = (after > 0) & (after < len(measured)) & np.isnan(measured_m)
    lower, upper = measured[np.maximum(after - 1, 0)], measured[np.minimum(after, len(measured) - 1)]
    filled = inside & (frame[upper] - frame[lower] - 1 <= max_gap_frames)
    return np.where(filled, between, measured_m), filled


def _contact(distance: Floats, contact_m: float) -> Flags:
    known = np.flatnonzero(~np.isnan(distance))
    near = distance[known]
    following = np.append(near[1:], near[-1:])
    falls = (near > _SURE * contact_m) & (following < near - _STILL * contact_m)
    out = np.zeros(len(distance), bool)
    out[known] = (near <= contact_m) & ~falls
    return out


def _smoothed(distance: Floats, around: int) -> Floats:
    """Return for each known frame the mean of the known distances up to `around` frames before and after it."""
    known = ~np.isnan(distance)
    sums = np.cumsum(np.concatenate([[0.0], np.where(known, distance, 0.0)]))
    counts = np.cumsum(np.concatenate([[0], known]))
    place = np.arange(len(distance))
    low, high = np.maximum(place - around, 0), np.minimum(place + around + 1, len(distance))
    mean = (sums[high] - sums[low]) / np.maximum(counts[high] - counts[low], 1)
    return np.where(known, mean, np.nan) if around else distance


def _held(contact: Flags, frames: int) -> Flags:
    """Return where the last `frames` frames were all in contact."""
    touched = np.cumsum(np.concatenate([[0], contact]))
    place = np.arange(len(contact))
    return touched[place + 1] - touched[np.maximum(place + 1 - frames, 0)] >= frames


def box_distance_m(point: Floats, corners: Floats) -> float:
    """Return the distance of a point [3] to a box given by its corners [8, 3]: bottom 4 then top 4, in order; 0 inside.

    Both are in one frame, m.
    """
    origin = corners[0]
    apart = point - origin
    nearest = origin.copy()
    for corner in (1, 3, 4):
        edge = corners[corner] - origin
        length2 = float(edge @ edge)
        if length2 > 0:
            nearest = nearest + np.clip(apart @ edge / length2, 0.0, 1.0) * edge
    return float(np.linalg.norm(point - nearest))
