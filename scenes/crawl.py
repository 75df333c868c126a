"""Writes rendered images as a crawl: image, depth and instance files plus a manifest."""

import json
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from pyarrow import fs

from scenes.camera import Camera
from scenes.captions import captions, sentence
from scenes.noise import with_depth_noise, with_mask_bleed
from scenes.placed_objects import PlacedObject
from scenes.room_images import RoomImage, images_of_rooms
from scenes.settings import RenderSettings, RenderSummary
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized

MANIFEST = "manifest.jsonl"
_PARTS = "parts"
_DEPTH_MM = 1000.0


class Folder:
    """A crawl's folder: a local path or an `s3://` prefix."""

    def __init__(self, out: str) -> None:
        location = normalized(out)
        self.files, self.root = filesystem_of(location), path_of(location)
        self.local = isinstance(self.files, fs.LocalFileSystem)
        self._made: set[str] = set()

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically: it appears under its name only when complete."""
        target = f"{self.root.rstrip('/')}/{name}"
        parent = target.rsplit("/", 1)[0]
        if self.local:
            if parent not in self._made:
                self.files.create_dir(parent, recursive=True)
                self._made.add(parent)
            with self.files.open_output_stream(f"{target}.tmp") as stream:
                stream.write(data)
            self.files.move(f"{target}.tmp", target)
            return
        with self.files.open_output_stream(target) as stream:
            stream.write(data)

    def join(self, names: Iterable[str], name: str) -> None:
        """Concatenate files into one, streaming."""
        target = f"{self.root.rstrip('/')}/{name}"
        with self.files.open_output_stream(f"{target}.tmp" if self.local else target) as stream:
            for part in names:
                with self.files.open_input_stream(f"{self.root.rstrip('/')}/{part}") as source:
                    stream.write(source.read())
        if self.local:
            self.files.move(f"{target}.tmp", target)

    def remove(self, name: str) -> None:
        """Remove a file or subfolder if it exists."""
        target = f"{self.root.rstrip('/')}/{name}"
        kind = self.files.get_file_info(target).type
        if kind == fs.FileType.Directory:
            self.files.delete_dir(target)
        elif kind == fs.FileType.File:
            self.files.delete_file(target)


def _numbers(values: np.ndarray) -> list:
    return np.round(np.asarray(values, float), 9).tolist()


def object_row(object_id: int, item: PlacedObject, camera: Camera) -> dict[str, Any]:
    """Return an object as a manifest lists it, with its box in the camera's frame."""
    world_to_camera = camera.rotation.T
    size = item.design.size_m
    center = item.world((0.0, 0.0, size[2] / 2)) - camera.position_m
    row: dict[str, Any] = {
        "id": object_id,
        "label": item.label,
        "captions": captions(item),
        "box_3d": {
            "center": _numbers(world_to_camera @ center),
            "size": _numbers(size),
            "rotation": _numbers(world_to_camera @ item.rotation),
        },
    }
    if item.design.kind.front:
        row["front"] = _numbers(world_to_camera @ item.rotation[:, 0])
    return row


def manifest_row(view: RoomImage, settings: RenderSettings) -> dict[str, Any]:
    """Return the manifest row of an image, with URIs relative to the manifest."""
    name = f"{view.room_index // 1000:04d}/{view.room_index:07d}-{view.frame_index:02d}"
    camera = view.camera
    row: dict[str, Any] = {
        "image": f"images/{name}.jpg",
        "crawl_id": f"render-{settings.seed}",
        "source": "spatiallake render",
        "alt_text": sentence(view.room_kind, list(view.objects.values())),
        "licence": "CC0-1.0",
        "camera": {"fx": camera.focal_px, "fy": camera.focal_px, "cx": camera.center_px[0], "cy": camera.center_px[1]},
        "depth": f"depth/{name}.png",
        "gravity": _numbers(camera.gravity),
        "pose": _numbers(camera.pose),
        "instances": f"instances/{name}.png",
        "objects": [object_row(i, view.objects[i], camera) for i in sorted(view.objects)],
    }
    if view.room.doorway is not None:
        row["doorways"] = [view.room.doorway.row(view.room.size_m)]
    if settings.frames > 1:
        row["sequence_id"] = f"room-{settings.seed}-{view.room_index:07d}"
        row["frame_index"] = view.frame_index
    return row


def _encoded(extension: str, pixels: np.ndarray, *options: int) -> bytes:
    done, data = cv2.imencode(extension, pixels, options)
    if not done:
        what = f"{pixels.shape} {pixels.dtype} array as {extension}"
        raise ValueError(f"OpenCV could not encode a {what}; choose another image size.")
    return data.tobytes()


def write_image(folder: Folder, view: RoomImage, settings: RenderSettings) -> dict[str, Any]:
    """Write the image, depth and instance files; return the manifest row."""
    row = manifest_row(view, settings)
    seed = settings.seed * 1_000_003 + view.room_index * 101 + view.frame_index
    depth, instances = view.frame.depth_m, view.instances
    if settings.depth_noise_rel > 0:
        depth = with_depth_noise(depth, settings.depth_noise_rel, seed)
    if settings.mask_bleed_px > 0:
        instances = with_mask_bleed(instances, settings.mask_bleed_px, seed)
        row["objects"] = [o for o in row["objects"] if (instances == o["id"]).any()]
    depth_mm = np.clip(np.rint(depth * _DEPTH_MM), 0, 65535).astype(np.uint16)
    bgr = view.frame.rgb[..., ::-1]
    folder.write(row["image"], _encoded(".jpg", bgr, cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality))
    folder.write(row["depth"], _encoded(".png", depth_mm, cv2.IMWRITE_PNG_COMPRESSION, 1))
    folder.write(row["instances"], _encoded(".png", instances, cv2.IMWRITE_PNG_COMPRESSION, 1))
    return row


def write_chunk(settings: RenderSettings, chunk: int) -> tuple[int, int]:
    """Render one chunk of rooms and its part of the manifest; return the number of images and of objects."""
    folder = Folder(settings.out)
    first = chunk * settings.rooms_per_chunk
    last = min(first + settings.rooms_per_chunk, settings.count)
    rows = [write_image(folder, view, settings) for view in images_of_rooms(settings, first, last)]
    lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    folder.write(part_name(chunk), lines.encode())
    return len(rows), sum(len(row["objects"]) for row in rows)


def part_name(chunk: int) -> str:
    """Return the file name of a chunk's part of the manifest."""
    return f"{_PARTS}/{chunk:07d}.jsonl"


def chunk_count(settings: RenderSettings) -> int:
    """Return the number of chunks of a run."""
    return -(-settings.count // settings.rooms_per_chunk)


def start(settings: RenderSettings) -> None:
    """Remove an earlier manifest, so that a crawl with a manifest is always complete."""
    folder = Folder(settings.out)
    folder.remove(MANIFEST)
    folder.remove(_PARTS)


def finish(settings: RenderSettings, images: int, objects: int) -> RenderSummary:
    """Concatenate the parts of the manifest in room order, as the last step, and return the summary."""
    folder = Folder(settings.out)
    folder.join((part_name(chunk) for chunk in range(chunk_count(settings))), MANIFEST)
    folder.remove(_PARTS)
    manifest = f"{settings.out.rstrip('/')}/{MANIFEST}"
    return RenderSummary(manifest=manifest, rooms=settings.count, images=images, objects=objects)


def write_crawl(out: str, count: int, seed: int, **options: Any) -> RenderSummary:
    """Render a crawl in this process, without Spark; `options` are those of `RenderSettings`."""
    settings = RenderSettings(out=str(out), count=count, seed=seed, **options)
    start(settings)
    totals = [write_chunk(settings, chunk) for chunk in range(chunk_count(settings))]
    return finish(settings, sum(t[0] for t in totals), sum(t[1] for t in totals))
