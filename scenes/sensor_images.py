"""Images of a depth sensor in rendered scenes, with the exact truth beside them."""

from dataclasses import dataclass

import cv2
import numpy as np

from scenes.camera import Camera, random_lens
from scenes.placed_objects import PlacedObject
from scenes.placement import Room
from scenes.scene import BACKGROUND, Scene
from scenes.sensing import LEARNED, Sensor, Surfaces, drawn_masks, random_sensor, sensed_depth
from scenes.sensor_layouts import LAYOUTS, laid_out
from scenes.views import path

_ATTEMPTS = 200
_MIN_SHARE = 0.002
_MIN_OBJECTS = 3
_FEW_PX = 150
_UNNAMED_TABLE = 0.6  # most crawls name what lies on a table, not the table


@dataclass(frozen=True, eq=False)
class SensorImage:
    """One image: what the sensor gives (`depth_mm`, `instances`), and the truth.

    `depth_mm` [h, w] uint16 and `instances` [h, w] uint8 are what the engine may see. `exact_m` [h, w] and
    `exact_instances` [h, w] are exact; `objects` holds the placed objects by id, `room` all that the room holds.
    """

    layout: str
    sensor: str
    camera: Camera
    depth_mm: np.ndarray
    instances: np.ndarray
    exact_m: np.ndarray
    exact_instances: np.ndarray
    objects: dict[int, PlacedObject]
    room: Room

    @property
    def intrinsics(self) -> dict[str, float]:
        """Return the CAMERA struct."""
        focal = self.camera.focal_px
        return {"fx": focal, "fy": focal, "cx": self.camera.center_px[0], "cy": self.camera.center_px[1]}

    def box_center_c(self, object_id: int) -> np.ndarray:
        """Return the center [3] of an object's box in the camera frame, m."""
        item = self.objects[object_id]
        center = item.world((0.0, 0.0, float(item.design.size_m[2]) / 2)) - self.camera.position_m
        return self.camera.rotation.T @ center


def sensor_image(seed: int, index: int, learned: bool = False, size_px: tuple[int, int] = (640, 480)) -> SensorImage:
    """Return image `index` of a seed; the same arguments always give the same pixels.

    Raises:
        ValueError: none of 200 candidate rooms shows three objects.
    """
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, index, attempt])
        layout = LAYOUTS[index % len(LAYOUTS)]
        sensor = LEARNED if learned else random_sensor(rng)
        image = _image(layout, sensor, size_px, rng)
        if image is not None:
            return image
    raise ValueError(f"No view of image {index} with seed {seed} shows {_MIN_OBJECTS} objects; use another seed.")


def _image(layout: str, sensor: Sensor, size_px: tuple[int, int], rng: np.random.Generator) -> SensorImage | None:
    room, attitude = laid_out(layout, rng)
    if not 3 <= len(room.objects) <= 250:
        return None
    scene = Scene(room, rng)
    lens = random_lens(size_px, rng)
    if attitude is None:
        found = path(scene, lens, 1, rng)
        if found is None:
            return None
        attitude = found[0]
    elif not _fits(scene, attitude.position_m):
        return None
    camera = lens.camera(attitude)
    rays = camera.rays()
    hits = scene.cast(camera.position_m, rays)
    depth = hits.z.reshape(size_px[::-1]).astype(np.float32)
    indices = scene.face_object[hits.face].reshape(size_px[::-1])
    counts = np.bincount(indices.ravel() - BACKGROUND, minlength=len(room.objects) + 1)[1:]
    shown = np.flatnonzero(counts > max(_FEW_PX, _MIN_SHARE * indices.size))
    if layout == "table" and rng.random() < _UNNAMED_TABLE:
        shown = shown[shown != 0]
    if len(shown) < _MIN_OBJECTS:
        return None
    table = np.zeros(len(counts) + 1, np.uint8)
    table[shown + 1] = np.arange(1, len(shown) + 1)
    exact = table[indices - BACKGROUND]
    materials = scene.face_material[hits.face].reshape(size_px[::-1])
    albedo = np.array([np.mean(m.rgb) for m in scene.materials], np.float32)[materials]
    gloss = np.array([m.gloss for m in scene.materials], np.float32)[materials]
    sensed = sensed_depth(Surfaces(depth, albedo, gloss), camera.focal_px, sensor, rng)
    masks = drawn_masks(exact, float(rng.uniform(0.0, 1.5)), int(rng.integers(0, 4)), rng)
    depth_mm = np.clip(np.rint(sensed * 1000.0), 0, 65535).astype(np.uint16)
    objects = {number: room.objects[int(k)] for number, k in enumerate(shown, 1) if (masks == number).any()}
    return SensorImage(layout, sensor.name, camera, depth_mm, masks, depth, exact, objects, room)


def _fits(scene: Scene, position_m: tuple[float, float, float]) -> bool:
    point = np.array(position_m)
    inside = (point > 0.1).all() and (point < np.array(scene.room.size_m) - 0.1).all()
    return bool(inside and not any(item.holds(point, 0.05) for item in scene.room.objects))


def encoded(pixels: np.ndarray) -> bytes:
    """Return an array as the bytes of a PNG."""
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
