"""Ray casts and shades one camera view: image, exact depth and instance masks."""

from dataclasses import dataclass

import cv2
import numpy as np

from scenes.camera import Camera
from scenes.scene import Scene
from scenes.shading import Lighting, shaded


@dataclass(frozen=True, eq=False)
class Frame:
    """`rgb` [h, w, 3] uint8, `depth_m` [h, w] float32 z-depth, `object_index` [h, w] int16 (-1 = background)."""

    rgb: np.ndarray
    depth_m: np.ndarray
    object_index: np.ndarray


def render_frame(scene: Scene, camera: Camera, lighting: Lighting, rng: np.random.Generator) -> Frame:
    """Render one view; `rng` draws the light samples and the sensor noise."""
    width, height = camera.size_px
    rays = camera.rays()
    hits = scene.cast(camera.position_m, rays)
    objects = scene.face_object[hits.face]
    color = shaded(scene, camera, (rays, hits), lighting, rng)
    return Frame(_sensed(color, lighting, rng), hits.z.reshape(height, width), objects.reshape(height, width))


def _sensed(linear: np.ndarray, lighting: Lighting, rng: np.random.Generator) -> np.ndarray:
    """Expose, add noise to and quantize linear light [h, w, 3]."""
    small = linear[::8, ::8].mean(2)
    key = 0.5 * float(small.mean()) + 0.5 * float(np.median(small))
    top = float(np.percentile(small, 94))
    gain = min(lighting.key / max(key, 1e-4), 0.7 / max(top, 1e-4))
    soft = cv2.GaussianBlur(linear, (3, 3), lighting.blur_px)
    level = cv2.sqrt(np.minimum(soft * np.float32(gain), 1.0)) * np.float32(255)
    grain = rng.integers(0, 256, (2, *level.shape), dtype=np.uint8)
    level += (grain[0].astype(np.float32) - grain[1]) * np.float32(lighting.noise / 104)
    return np.clip(level + np.float32(0.5), 0, 255).astype(np.uint8)
