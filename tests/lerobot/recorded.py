"""LeRobot datasets as recorders write them: several episodes per mp4 (v3.0) or one (v2.1), depth as codes or images."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FPS, WIDTH, HEIGHT = 10, 64, 48
LENGTHS = (5, 7)
TASKS = ("reach for the mug", "push the block")
CAMERA, DEPTH = "observation.images.front", "observation.images.front_depth"
DEPTH_INFO = {"is_depth_map": True, "depth_min": 0.1, "depth_max": 4.0, "shift": 1.0, "use_log": True}


def pixels(episode: int, frame: int) -> np.ndarray:
    """A gray of its own for every frame, which lossy compression does not confuse."""
    return np.full((HEIGHT, WIDTH, 3), 20 + 100 * episode + 12 * frame, np.uint8)


def depth_mm(episode: int, frame: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), 500 + 400 * episode + 100 * frame, np.uint16)


def state(episode: int, frame: int) -> list[float]:
    return [0.1 * frame, float(episode), 0.25, 1.0]


@dataclass(frozen=True)
class Recorded:
    folder: Path
    version: str = "v3.0"
    depth: str | None = None  # "video", "image" or none
    as_images: bool = False

    def write(self) -> Path:
        kind = "image" if self.as_images else "video"
        features: dict[str, Any] = {
            CAMERA: {"dtype": kind, "shape": [HEIGHT, WIDTH, 3], "names": ["height", "width", "channels"]},
            "observation.state": {"dtype": "float32", "shape": [4], "names": None},
            "action": {"dtype": "float32", "shape": [2], "names": None},
            **{n: {"dtype": "int64", "shape": [1], "names": None} for n in ("frame_index", "episode_index", "index")},
            "task_index": {"dtype": "int64", "shape": [1], "names": None},
            "timestamp": {"dtype": "float32", "shape": [1], "names": None},
        }
        if self.depth == "video":
            features[DEPTH] = {"dtype": "video", "shape": [HEIGHT, WIDTH, 1], "names": None, "info": DEPTH_INFO}
        elif self.depth == "image":
            info = {"is_depth_map": True, "depth_unit": "m"}
            features[DEPTH] = {"dtype": "image", "shape": [HEIGHT, WIDTH, 1], "names": None, "info": info}
        info = {
            "codebase_version": self.version, "robot_type": "arm", "fps": FPS, "features": features,
            "total_episodes": len(LENGTHS), "total_frames": sum(LENGTHS), "total_tasks": len(TASKS),
            "chunks_size": 1000, "splits": {"train": f"0:{len(LENGTHS)}"},
            "data_files_size_in_mb": 100, "video_files_size_in_mb": 200,
        }  # fmt: skip
        (self._v3 if self.version == "v3.0" else self._v21)(info)
        return self.folder

    def rows(self, episode: int) -> list[dict[str, Any]]:
        return [
            {
                **({CAMERA: {"bytes": png(pixels(episode, frame)), "path": None}} if self.as_images else {}),
                **({DEPTH: {"bytes": tiff(depth_mm(episode, frame)), "path": None}} if self.depth == "image" else {}),
                "observation.state": state(episode, frame), "action": [float(frame), 0.5],
                "timestamp": frame / FPS, "frame_index": frame, "episode_index": episode,
                "index": sum(LENGTHS[:episode]) + frame, "task_index": episode,
            }
            for frame in range(LENGTHS[episode])
        ]  # fmt: skip

    def table(self, rows: list[dict[str, Any]]) -> pa.Table:
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        kinds = {CAMERA: image, DEPTH: image, "observation.state": pa.list_(pa.float32(), 4),
                 "action": pa.list_(pa.float32(), 2), "timestamp": pa.float32()}  # fmt: skip
        return pa.Table.from_pylist(rows, pa.schema([(name, kinds.get(name, pa.int64())) for name in rows[0]]))

    def _v3(self, info: dict[str, Any]) -> None:
        info |= {
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        }
        self._json("meta/info.json", info)
        self._parquet("data/chunk-000/file-000.parquet", self.table([*self.rows(0), *self.rows(1)]))
        episodes = []
        for number, length in enumerate(LENGTHS):
            first = sum(LENGTHS[:number])
            row = {"episode_index": number, "tasks": [TASKS[number]], "length": length, "data/chunk_index": 0,
                   "data/file_index": 0, "dataset_from_index": first, "dataset_to_index": first + length,
                   "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0,
                   "stats/action/min": [0.0, 0.5]}  # fmt: skip
            for key in self.videos:
                row |= {f"videos/{key}/chunk_index": 0, f"videos/{key}/file_index": 0,
                        f"videos/{key}/from_timestamp": first / FPS,
                        f"videos/{key}/to_timestamp": (first + length) / FPS}  # fmt: skip
            episodes.append(row)
        self._parquet("meta/episodes/chunk-000/file-000.parquet", pa.Table.from_pylist(episodes))
        tasks = pd.DataFrame({"task_index": range(len(TASKS))}, index=pd.Index(TASKS, name="task"))
        tasks.to_parquet(self.folder / "meta/tasks.parquet")
        places = [(episode, frame) for episode, length in enumerate(LENGTHS) for frame in range(length)]
        for key in self.videos:
            self._video(f"videos/{key}/chunk-000/file-000.mp4", key, places)

    def _v21(self, info: dict[str, Any]) -> None:
        info |= {
            "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
            "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
        }
        self._json("meta/info.json", info)
        episodes = [{"episode_index": n, "tasks": [TASKS[n]], "length": one} for n, one in enumerate(LENGTHS)]
        self._lines("meta/episodes.jsonl", episodes)
        self._lines("meta/tasks.jsonl", [{"task_index": n, "task": one} for n, one in enumerate(TASKS)])
        for number, length in enumerate(LENGTHS):
            self._parquet(f"data/chunk-000/episode_{number:06d}.parquet", self.table(self.rows(number)))
            for key in self.videos:
                name = f"videos/chunk-000/{key}/episode_{number:06d}.mp4"
                self._video(name, key, [(number, frame) for frame in range(length)])

    @property
    def videos(self) -> list[str]:
        return ([] if self.as_images else [CAMERA]) + ([DEPTH] if self.depth == "video" else [])

    def _video(self, name: str, key: str, places: list[tuple[int, int]]) -> None:
        path = self._made(name)
        if key == CAMERA:
            encode(path, [pixels(*one) for one in places], "libx264", "yuv420p", "rgb24")
        else:
            encode(path, [codes(depth_mm(*one)) for one in places], "libx265", "gray12le", "gray12le")

    def _parquet(self, name: str, table: pa.Table) -> None:
        pq.write_table(table, self._made(name))

    def _json(self, name: str, value: Any) -> None:
        self._made(name).write_text(json.dumps(value))

    def _lines(self, name: str, rows: list[Any]) -> None:
        self._made(name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def codes(depth: np.ndarray) -> np.ndarray:
    """What LeRobot's own quantization gives, by its formula in mm."""
    low, high, shift = (1000.0 * DEPTH_INFO[name] for name in ("depth_min", "depth_max", "shift"))
    start, end = np.log(low + shift), np.log(high + shift)
    return np.rint((np.log(depth + shift) - start) / (end - start) * 4095).clip(0, 4095).astype(np.uint16)


def encode(path: Path, frames: list[np.ndarray], codec: str, stored: str, given: str) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, stored
        stream.options = {"x265-params": "lossless=1:log-level=none"} if codec == "libx265" else {"g": "2", "crf": "20"}
        for one in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(one, format=given)))
        container.mux(stream.encode())


def png(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG")
    return out.getvalue()


def tiff(depth: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray((depth / 1000.0).astype(np.float32)).save(out, "TIFF")
    return out.getvalue()
