"""Frames of an episode's cameras: decoded from videos by time, or the image files that a dataset holds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.lerobot.dataset import DatasetUnreadable, RobotDataset, RobotEpisode, Row, is_depth

_COLOR, _CODES = "rgb24", "gray12le"
# A frame of PyAV, and the second at which it is shown.
_Timed = tuple[float, Any]


def frames_of(
    dataset: RobotDataset, episode: RobotEpisode, camera: str, rows: Sequence[Row]
) -> Iterator[NDArray[Any] | bytes]:
    """Yield the images of an episode by frame: pixels [h, w, 3] of a video, its depth codes [h, w], or image files.

    `rows` are the episode's frames with `timestamp` and, of a camera of images, its column.

    Raises:
        DatasetUnreadable: a video or image is missing or damaged, or has no frame at a time.
        ImportError: videos are to be decoded and PyAV is not installed.
    """
    feature = dataset.features[camera]
    if feature["dtype"] == "video":
        path, start_s = episode.videos[camera]
        times = [start_s + _time_of(row, dataset.fps) for row in rows]
        form = _CODES if is_depth(feature) else _COLOR
        yield from frames_at(dataset.root / path, times, 0.5 / dataset.fps, form)
        return
    for row in rows:
        yield _stored(dataset.root, row.get(camera), camera)


def _time_of(row: Row, fps: float) -> float:
    return float(row["timestamp"]) if row.get("timestamp") is not None else row["frame_index"] / fps


def _stored(root: Path, value: Any, camera: str) -> bytes:
    """Return an image file's bytes; the format gives them, or a path in the dataset's folder."""
    if isinstance(value, dict) and value.get("bytes"):
        return value["bytes"]
    named = value.get("path") if isinstance(value, dict) else value
    path = (root / str(named)).resolve()
    if not named or not path.is_relative_to(root.resolve()) or not path.is_file():
        raise DatasetUnreadable(f"{root} lacks the image {named!r} of {camera}; download the dataset again.")
    return path.read_bytes()


def frames_at(path: Path, times_s: Sequence[float], tolerance_s: float, form: str = _COLOR) -> Iterator[NDArray[Any]]:
    """Yield the frame of a video nearest to each of the ascending times, in PyAV's pixel format `form`.

    Raises:
        DatasetUnreadable: the video is missing or damaged, or has no frame within the tolerance of a time.
        ImportError: PyAV is not installed.
    """
    import av
    from av.error import FFmpegError

    if not times_s:
        return
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            # Back to the key frame before, from which all following frames can be decoded.
            tick_s = float(stream.time_base or 1)
            first = round((times_s[0] - tolerance_s) / tick_s)
            container.seek(max(0, first), stream=stream, backward=True, any_frame=False)
            shown = ((frame.pts * tick_s, frame) for frame in container.decode(stream) if frame.pts is not None)
            yield from _nearest(path, shown, times_s, tolerance_s, form)
    except (FFmpegError, OSError, IndexError) as error:
        raise DatasetUnreadable(f"The video {path} cannot be decoded ({error}); download the dataset again.") from error


def _nearest(
    path: Path, shown: Iterator[_Timed], times_s: Sequence[float], tolerance_s: float, form: str
) -> Iterator[NDArray[Any]]:
    before: _Timed | None = None
    after: _Timed | None = next(shown, None)
    for time in times_s:
        while after is not None and after[0] < time:
            before, after = after, next(shown, None)
        around: list[_Timed] = [one for one in (before, after) if one is not None]
        around.sort(key=lambda one: abs(one[0] - time))
        if not around or abs(around[0][0] - time) > tolerance_s:
            raise DatasetUnreadable(f"The video {path} has no frame at {time:.3f} s; download the dataset again.")
        yield np.asarray(around[0][1].to_ndarray(format=form))
