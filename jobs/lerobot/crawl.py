"""`spatiallake from-lerobot`: the episodes of a LeRobot dataset as a crawl of sequences."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jobs.engine.errors import CrawlUnreadable, EnvironmentMissing, UsageError
from jobs.lerobot.calibration import Calibration, read_calibration
from scenes.crawl import MANIFEST, Folder
from udfs.lerobot.dataset import DatasetUnreadable, RobotDataset, RobotEpisode, Row, is_depth, open_dataset
from udfs.lerobot.depth import depth_of_codes_mm, depth_of_image_mm
from udfs.lerobot.frames import frames_of
from udfs.pixels.maps import encoded_map

STATE, ACTION = "observation.state", "action"
# The video has lost more already.
_JPEG_QUALITY = 95
_SUFFIXES = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG", "png"), (b"RIFF", "webp"))
_NO_AV = "Videos are decoded with PyAV, which is not installed; install the extra: `pip install 'spatiallake[robots]'`."


@dataclass(frozen=True)
class CrawlSummary:
    """What was written: the manifest, and how many frames of how many episodes."""

    manifest: str
    episodes: int
    frames: int
    has_depth: bool
    has_intrinsics: bool

    def __str__(self) -> str:
        told = f"{self.manifest}: {self.frames:,} frames of {self.episodes:,} episodes."
        lacking = [n for n, there in (("depth", self.has_depth), ("intrinsics", self.has_intrinsics)) if not there]
        if lacking:
            told += (
                f" They have no {' and no '.join(lacking)}: give what is known with --calibration, or run an expert"
                " that estimates depth."
            )
        return told


@dataclass(frozen=True)
class CrawlOptions:
    """What to read: the camera (None: the only one), its calibration, the episodes (None: all), name and license."""

    camera: str | None = None
    calibration: Path | None = None
    episodes: frozenset[int] | None = None
    name: str | None = None
    licence: str | None = None


def sequence_name(dataset: str, episode: int) -> str:
    """Return the `sequence_id` of an episode of a dataset of this name."""
    return f"{dataset}/{episode:06d}"


def dataset_name(folder: Path) -> str:
    """Return the name of a dataset by its folder."""
    return folder.resolve().name


def write_crawl(folder: Path, out: str, options: CrawlOptions) -> CrawlSummary:
    """Write frames, depth and a manifest of a dataset's episodes to `out`, a folder or `s3://` prefix.

    Raises:
        CrawlUnreadable: there is no dataset, or a part of it is missing or damaged.
        UsageError: no such camera or episode, several cameras and none named, or a bad calibration.
        EnvironmentMissing: videos are to be decoded, and PyAV is not installed.
    """
    try:
        dataset = open_dataset(folder)
        camera = _camera_of(dataset, options.camera)
        calibration = read_calibration(options.calibration, camera)
        _require_depth(dataset, calibration)
        episodes = _wanted(list(dataset.episodes()), options.episodes)
        name = options.name or dataset_name(folder)
        written = _Crawl(dataset, name, camera, calibration, options.licence, Folder(out))
        lines = [json.dumps(row, separators=(",", ":")) for one in episodes for row in written.rows(one)]
    except DatasetUnreadable as error:
        raise CrawlUnreadable(str(error)) from error
    except ImportError as error:
        raise EnvironmentMissing(_NO_AV) from error
    written.out.write(MANIFEST, "".join(f"{line}\n" for line in lines).encode())
    known = calibration.depth is not None, calibration.camera is not None
    return CrawlSummary(f"{out.rstrip('/')}/{MANIFEST}", len(episodes), len(lines), *known)


@dataclass(frozen=True)
class _Crawl:
    dataset: RobotDataset
    name: str
    camera: str
    calibration: Calibration
    licence: str | None
    out: Folder

    def rows(self, episode: RobotEpisode) -> Iterator[Row]:
        """Write the files of an episode and yield its rows of the manifest."""
        depth = self.calibration.depth
        frames = self.dataset.rows(episode, (STATE, ACTION, "task_index", self.camera, *((depth,) if depth else ())))
        shown = frames_of(self.dataset, episode, self.camera, frames)
        depths = frames_of(self.dataset, episode, depth, frames) if depth else repeat(None)
        sequence = sequence_name(self.name, episode.index)
        for frame, image, values in zip(frames, shown, depths, strict=False):
            place = f"frames/{episode.index:06d}/{frame['frame_index']:06d}"
            content, suffix = _image_file(image)
            row = {"image": f"{place}.{suffix}", "sequence_id": sequence, "frame_index": frame["frame_index"]}
            self.out.write(row["image"], content)
            if depth and values is not None:
                row["depth"] = f"{place}.depth.png"
                self.out.write(row["depth"], encoded_map(_depth_mm(values, self.dataset.features[depth])))
            yield row | self._told(frame, episode)

    def _told(self, frame: Row, episode: RobotEpisode) -> Row:
        known = {
            "instruction": self.dataset.task_of(frame, episode),
            "state": frame.get(STATE),
            "action": frame.get(ACTION),
            "crawl_id": self.name,
            "source": f"LeRobot dataset {self.name}",
            "licence": self.licence,
            "camera": self.calibration.camera.model_dump() if self.calibration.camera else None,
            "pose": self.calibration.pose,
            "gravity": self.calibration.gravity,
        }
        return {name: value for name, value in known.items() if value is not None}


def _camera_of(dataset: RobotDataset, asked: str | None) -> str:
    names = dataset.cameras
    if not names:
        raise UsageError(f"{dataset.root} has no camera: none of its features are images or videos in color.")
    if asked is None and len(names) > 1:
        raise UsageError(f"{dataset.root} has the cameras {', '.join(names)}; name one with --camera {names[0]}.")
    if asked is not None and asked not in names:
        raise UsageError(f"{dataset.root} has no camera {asked!r}; its cameras are {', '.join(names)}.")
    return asked or names[0]


def _require_depth(dataset: RobotDataset, calibration: Calibration) -> None:
    there = [name for name, feature in dataset.features.items() if is_depth(feature)]
    if calibration.depth is not None and calibration.depth not in there:
        named = ", ".join(there) or "none"
        raise UsageError(f"{dataset.root} has no feature {calibration.depth!r} of depth; those of depth are {named}.")


def _wanted(episodes: Sequence[RobotEpisode], asked: frozenset[int] | None) -> list[RobotEpisode]:
    lacking = sorted((asked or frozenset()) - {one.index for one in episodes})
    if lacking:
        raise UsageError(f"There is no episode {lacking[0]}; the dataset has {len(episodes)} episodes.")
    return [one for one in episodes if asked is None or one.index in asked]


def _image_file(image: NDArray[Any] | bytes) -> tuple[bytes, str]:
    """Return an image file and its suffix; a decoded frame becomes a JPEG."""
    if isinstance(image, bytes):
        suffix = next((one for magic, one in _SUFFIXES if image.startswith(magic)), "png")
        return image, suffix
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise DatasetUnreadable(f"A frame of {image.shape[1]} x {image.shape[0]} px cannot be written as JPEG.")
    return jpeg.tobytes(), "jpg"


def _depth_mm(values: NDArray[Any] | bytes, feature: Mapping[str, Any]) -> NDArray[np.uint16]:
    if not isinstance(values, bytes):
        return depth_of_codes_mm(values, feature)
    try:
        with Image.open(io.BytesIO(values)) as image:
            return depth_of_image_mm(np.asarray(image), feature)
    except (OSError, ValueError, SyntaxError) as error:
        raise DatasetUnreadable(
            f"An image of depth cannot be decoded ({error}); download the dataset again."
        ) from error
