"""Imitates depth sensors: noise and warp that grow with range, holes, flying pixels, quantization, drawn masks."""

from dataclasses import dataclass

import cv2
import numpy as np

Plane = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """A depth sensor whose errors are those of its disparity, so that errors of depth grow with its square.

    `disparity_m_px` is the disparity in px at 1 m for a focal length of 600 px. Errors in px of disparity: `noise_px`
    per pixel, correlated over `window_px`; `warp_px`, a smooth deformation of the whole image; `step_px`, the
    quantization. `scale_rel` is a relative error of all depths, `floor_rel` a relative noise that does not grow.
    `shadow` makes holes beside near objects, `flying_px` mixes depths across edges of this width, `dropout` is the
    share of dark and shiny surface that is lost, `grid_px` the spacing of the sensor's own samples before upsampling,
    `reach_m` the range beyond which nothing is measured.
    """

    name: str
    disparity_m_px: float
    noise_px: float
    window_px: int
    warp_px: float
    step_px: float = 0.0
    scale_rel: float = 0.004
    floor_rel: float = 0.0005
    shadow: bool = False
    flying_px: int = 1
    dropout: float = 0.5
    grid_px: int = 1
    reach_m: float = 10.0
    lines: int = 0


SENSORS = (
    Sensor(
        name="structured light",
        disparity_m_px=45.0,
        noise_px=0.10,
        window_px=5,
        warp_px=0.12,
        step_px=0.125,
        shadow=True,
        reach_m=6.0,
    ),
    Sensor(
        name="active stereo",
        disparity_m_px=30.0,
        noise_px=0.12,
        window_px=9,
        warp_px=0.10,
        step_px=0.03,
        shadow=True,
        flying_px=2,
        reach_m=8.0,
    ),
    Sensor(
        name="time of flight",
        disparity_m_px=300.0,
        noise_px=0.35,
        window_px=3,
        warp_px=0.5,
        scale_rel=0.003,
        flying_px=2,
        dropout=0.3,
        reach_m=6.0,
    ),
    Sensor(
        name="phone lidar",
        disparity_m_px=90.0,
        noise_px=0.15,
        window_px=7,
        warp_px=0.25,
        flying_px=2,
        dropout=0.1,
        grid_px=5,
        reach_m=5.0,
    ),
    Sensor(
        name="scan lines",
        disparity_m_px=300.0,
        noise_px=0.4,
        window_px=1,
        warp_px=0.3,
        dropout=0.1,
        reach_m=60.0,
        lines=60,
    ),
)
LEARNED = Sensor(
    name="learned",
    disparity_m_px=90.0,
    noise_px=0.1,
    window_px=11,
    warp_px=2.0,
    scale_rel=0.12,
    flying_px=3,
    dropout=0.0,
    grid_px=3,
    reach_m=60.0,
)
_SHARES = (0.22, 0.22, 0.22, 0.22, 0.12)
_WARP_SPREAD = 0.6
_DARK = 42.0
_SHINY = 0.3
_TERMS = 9


def random_sensor(rng: np.random.Generator) -> Sensor:
    """Draw a sensor; scan lines are the rarest."""
    return SENSORS[int(rng.choice(len(SENSORS), p=_SHARES))]


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What the sensor looks at, per pixel [h, w]: exact `depth_m`, `albedo` 0 .. 255, `gloss` 0 .. 1."""

    depth_m: Plane
    albedo: Plane
    gloss: Plane


def sensed_depth(seen: Surfaces, focal_px: float, sensor: Sensor, rng: np.random.Generator) -> Plane:
    """Return the depth [h, w] in m as the sensor would give it, float32; 0 where it sees nothing."""
    height, width = seen.depth_m.shape
    factor = sensor.disparity_m_px * focal_px / 600.0
    exact = np.maximum(seen.depth_m, 0.05).astype(np.float32)
    disparity = factor / _edges_mixed(exact, sensor.flying_px, rng)
    hidden = _shadowed(factor / exact) if sensor.shadow else np.zeros(exact.shape, bool)
    disparity += sensor.noise_px * _correlated(rng, (height, width), sensor.window_px)
    # calibrations differ from device to device
    disparity += sensor.warp_px * np.float32(np.exp(_WARP_SPREAD * rng.standard_normal())) * _warp(rng, (height, width))
    if sensor.step_px:
        disparity = np.rint(disparity / sensor.step_px) * np.float32(sensor.step_px)
    depth = factor / np.maximum(disparity, 1e-3)
    depth *= 1 + sensor.scale_rel * rng.standard_normal()
    depth *= 1 + sensor.floor_rel * rng.standard_normal((height, width), dtype=np.float32)
    lost = hidden | _dropped(seen, sensor, rng) | (depth > sensor.reach_m) | (depth < 0.15)
    depth = np.where(lost, 0.0, depth).astype(np.float32)
    if sensor.lines:
        return _on_lines(depth, sensor.lines, rng)
    return _upsampled(depth, sensor.grid_px) if sensor.grid_px > 1 else depth


def drawn_masks(instances: Plane, wander_px: float, bleed_px: int, rng: np.random.Generator) -> Plane:
    """Return instance ids [h, w] as a person or a model draws them: outlines that wander, and a bleed."""
    grown = instances
    if bleed_px > 0:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * bleed_px + 1,) * 2)
        grown = instances.copy()
        for value in rng.permutation(np.unique(instances[instances > 0])):
            edge = (cv2.dilate((instances == value).astype(np.uint8), kernel) > 0) & (instances == 0)
            grown[edge] = value
    v, u = np.mgrid[0 : instances.shape[0], 0 : instances.shape[1]].astype(np.float32)
    shift = [wander_px * _correlated(rng, instances.shape, 25) for _ in range(2)]
    return cv2.remap(grown, u + shift[0], v + shift[1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)


def _on_lines(depth: Plane, lines: int, rng: np.random.Generator) -> Plane:
    """Return the depth [h, w] on the scan lines of a spinning LiDAR, 0 elsewhere."""
    height, width = depth.shape
    out = np.zeros_like(depth)
    rows = np.linspace(rng.uniform(0, height / lines), height - 1, lines)
    u = np.arange(0, width, 2)
    for row in rows:
        v = np.clip(np.rint(row + 3.0 * np.sin(u / width * np.pi)), 0, height - 1).astype(int)
        out[v, u] = depth[v, u]
    return out


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], window_px: int) -> Plane:
    """Return Gaussian noise [h, w] of standard deviation 1, smooth over a window."""
    white = rng.standard_normal(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), max(window_px / 3.0, 0.3))
    return smooth / np.float32(smooth.std())


def _warp(rng: np.random.Generator, shape: tuple[int, ...]) -> Plane:
    """Return a smooth deformation [h, w] of standard deviation 1: a cubic polynomial of the image position."""
    v, u = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    terms = [np.outer(v**i, u**j) for i in range(4) for j in range(4) if 0 < i + j <= 3]
    weights = rng.standard_normal(_TERMS).astype(np.float32)
    total = np.tensordot(weights, np.stack(terms), axes=1)
    return total / np.float32(np.std(total))


def _edges_mixed(depth: Plane, width_px: int, rng: np.random.Generator) -> Plane:
    """Return the depth with pixels beside an edge replaced by mixtures of both sides: flying pixels."""
    size = 2 * width_px + 1
    near, far = cv2.erode(depth, np.ones((size, size))), cv2.dilate(depth, np.ones((size, size)))
    edge = (far - near > 0.03 * near) & (rng.random(depth.shape, dtype=np.float32) < 0.4)
    share = rng.random(depth.shape, dtype=np.float32)
    return np.where(edge, near + share * (far - near), depth)


def _shadowed(disparity: Plane) -> Plane:
    """Return which pixels [h, w] the second lens or the projector cannot see, hidden by something nearer."""
    place = np.arange(disparity.shape[1], dtype=np.float32) - disparity
    ahead = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(disparity.shape, bool)
    hidden[:, :-1] = ahead[:, 1:] < place[:, :-1] - 0.5
    return hidden


def _dropped(seen: Surfaces, sensor: Sensor, rng: np.random.Generator) -> Plane:
    """Return where dark and shiny surfaces give no reading: in blotches."""
    if not sensor.dropout:
        return np.zeros(seen.depth_m.shape, bool)
    hard = (seen.albedo < _DARK) | (seen.gloss >= _SHINY)
    blotches = _correlated(rng, seen.depth_m.shape, 17)
    level = np.quantile(blotches[::4, ::4], 1.0 - 0.5 * sensor.dropout)
    return hard & (blotches > level)


def _upsampled(depth: Plane, grid_px: int) -> Plane:
    """Return the depth sampled on a coarse grid and interpolated between samples of the same surface."""
    height, width = depth.shape
    coarse = cv2.resize(depth, (width // grid_px, height // grid_px), interpolation=cv2.INTER_NEAREST)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    nearest = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    holes = cv2.resize((coarse <= 0).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0
    return np.where(holes, nearest, smooth).astype(np.float32)
