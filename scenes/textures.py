"""Procedural textures: blend factors between a base color and an accent color."""

from functools import cache

import numpy as np

_TILE = 256


@cache
def _noise_tile() -> np.ndarray:
    """Return a wrapping tile of smooth noise in [0, 1], the same in every process."""
    rng = np.random.default_rng(20260101)
    frequency = np.fft.fftfreq(_TILE)
    radius = np.maximum(np.hypot(frequency[:, None], frequency[None]), 1 / _TILE)
    spectrum = np.fft.fft2(rng.standard_normal((_TILE, _TILE))) / radius**1.1
    noise = np.fft.ifft2(spectrum).real
    rank = np.argsort(np.argsort(noise.ravel())).reshape(noise.shape)
    return (rank / rank.max()).astype(np.float32)


def _noise(u: np.ndarray, v: np.ndarray, cell_m: float) -> np.ndarray:
    scale = np.float32(_TILE / (cell_m * 16))
    row = np.floor(u * scale).astype(np.int32) & (_TILE - 1)
    column = np.floor(v * scale).astype(np.int32) & (_TILE - 1)
    return _noise_tile().ravel()[row * _TILE + column]


def _hashed(first: np.ndarray, second: np.ndarray | int = 0) -> np.ndarray:
    """Hash pairs of integers to [0, 1)."""
    mixed = first.astype(np.int32) * 7919 + np.asarray(second, np.int32) * 104_729
    return _noise_tile().ravel()[(mixed * 40_503 & 0x7FFFFFFF) >> 4 & (_TILE * _TILE - 1)]


def _part(x: np.ndarray) -> np.ndarray:
    return x - np.floor(x)


def _checker(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return ((np.floor(u / s) + np.floor(v / s)).astype(np.int32) & 1).astype(np.float32)


def _stripes(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return (_part(u / s) < 0.38).astype(np.float32)


def _dots(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return ((_part(u / s) - 0.5) ** 2 + (_part(v / s) - 0.5) ** 2 < 0.073).astype(np.float32)


def _tiles(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    joint = np.minimum(_part(u / s), _part(v / s)) < min(0.04, 0.004 / s + 0.01)
    return np.where(joint, 1.0, 0.25 * _hashed(np.floor(u / s), np.floor(v / s))).astype(np.float32)


def _planks(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    row = np.floor(v / s)
    along = u + _hashed(row) * 9 * s
    board = np.floor(along / (9 * s))
    joint = (_part(v / s) < 0.03) | (_part(along / (9 * s)) < 0.004)
    tone = 0.5 * _hashed(row, board) + 0.35 * _noise(along * 0.15, v, s * 0.5)
    return np.where(joint, 1.0, tone).astype(np.float32)


def _bricks(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    height = 0.4 * s
    row = np.floor(v / height)
    along = u / s + 0.5 * _part(row * 0.5)
    joint = (_part(v / height) < 0.1) | (_part(along) < 0.04)
    return np.where(joint, 1.0, 0.4 * _hashed(row, np.floor(along))).astype(np.float32)


def _wood(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return 0.55 * _noise(u * 0.12, v, s) ** 2


def _fabric(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return 0.55 * _noise(u, v, s * 0.2)


def _speckle(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return _noise(u, v, s)


def _weave(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return 0.35 * _checker(u, v, s) + 0.5 * (_part(v / s) < 0.18).astype(np.float32)


def _art(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return (_noise(u, v, s * 2) > 0.55).astype(np.float32)


PATTERNS = {
    "checker": _checker, "stripes": _stripes, "dots": _dots, "tiles": _tiles, "planks": _planks, "bricks": _bricks,
    "wood": _wood, "fabric": _fabric, "speckle": _speckle, "weave": _weave, "art": _art,
}  # fmt: skip
_MEAN = {"checker": 0.5, "stripes": 0.38, "dots": 0.23}
# texture axes of floor, ceiling and the walls at x = 0, x = max, y = 0, y = max
BACKGROUND_AXES = ((0, 1), (0, 1), (1, 2), (1, 2), (0, 2), (0, 2))


def blend(name: str, chart: tuple[np.ndarray, np.ndarray], scale_m: float, footprint_m: np.ndarray) -> np.ndarray:
    """Return the accent share [n] in [0, 1] at texture coordinates u, v [n] m; fine patterns fade with distance."""
    share = PATTERNS[name](*chart, scale_m)
    fade = np.clip(1.5 - footprint_m * np.float32(3 / scale_m), 0, 1)
    middle = np.float32(_MEAN.get(name, 0.25))
    return middle + (share - middle) * fade
