"""Crawls of each kind, written to a folder."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.ingest.pictures import CAMERA, OBJECTS, POSE, bomb_png, depth_png, instance_png, photo

BAD_ROWS = {
    "truncated.jpg": "truncated_image",
    "bomb.png": "too_many_pixels",
    "empty_mask.jpg": "object_without_mask",
    "nan_pose.jpg": "bad_pose",
    "small_depth.jpg": "depth_size_mismatch",
    "missing.jpg": "missing_file",
}
# An image whose sidecar is invalid is still an image.
STILL_PHOTOGRAPHS = {"empty_mask.jpg", "nan_pose.jpg", "small_depth.jpg"}


def write_manifest(folder: Path, rows: list[dict[str, Any] | str]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def sensor_row(name: str, **change: Any) -> dict[str, Any]:
    row = {"image": f"photos/{name}", "crawl_id": "test", "licence": "CC-BY-4.0", "camera": CAMERA, "pose": POSE}
    return {**row, "depth": "maps/depth.png", "instances": "maps/instances.png", "objects": OBJECTS, **change}


def crawl_with_six_bad_rows(folder: Path, rows_in_all: int) -> Path:
    """Six rows that are bad in six ways, spread among good ones."""
    good_rows = rows_in_all - len(BAD_ROWS)
    files = {f"{number:03}.jpg": photo(number) for number in range(good_rows)}
    files |= {name: photo(1000 + number) for number, name in enumerate(STILL_PHOTOGRAPHS)}
    files["truncated.jpg"] = photo(2000)[:900]
    files["bomb.png"] = bomb_png(50_000, 50_000)
    for name, data in files.items():
        write(folder / "photos" / name, data)
    write(folder / "maps" / "depth.png", depth_png())
    write(folder / "maps" / "small.png", depth_png(32, 24))
    write(folder / "maps" / "instances.png", instance_png())
    write(folder / "maps" / "empty.png", instance_png(()))
    nan_pose = [[float("nan")] * 4, *POSE[1:]]
    bad = [
        sensor_row("truncated.jpg"),
        sensor_row("bomb.png"),
        sensor_row("empty_mask.jpg", instances="maps/empty.png"),
        sensor_row("nan_pose.jpg", pose=nan_pose),
        sensor_row("small_depth.jpg", depth="maps/small.png"),
        sensor_row("missing.jpg"),
    ]
    rows: list[dict[str, Any] | str] = [sensor_row(f"{number:03}.jpg") for number in range(good_rows)]
    for number, row in enumerate(bad):
        rows.insert((rows_in_all // 6 - 1) * number + 2, row)
    return write_manifest(folder, rows)


def img2dataset_tars(folder: Path, shards: int = 2, samples: int = 5) -> Path:
    """Tars with jpg, txt and json members per sample, as img2dataset's webdataset writer names them."""
    for shard in range(shards):
        path = folder / f"{shard:05}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for sample in range(samples):
                key = f"{shard:05}{sample:04}"
                meta = metadata(key)
                add(tar, f"{key}.jpg", photo(100 * shard + sample))
                add(tar, f"{key}.txt", meta["caption"].encode())
                add(tar, f"{key}.json", json.dumps(meta).encode())
        write(folder / f"{shard:05}_stats.json", b"{}")
    return folder


def img2dataset_files(folder: Path, samples: int = 4) -> Path:
    """One shard folder with its parquet; the last row is one that img2dataset could not download."""
    rows = [metadata(f"00000{sample:04}") for sample in range(samples)]
    for sample, row in enumerate(rows):
        write(folder / "00000" / f"{row['key']}.jpg", photo(sample))
        write(folder / "00000" / f"{row['key']}.txt", b"caption")
        write(folder / "00000" / f"{row['key']}.json", json.dumps(row).encode())
    rows.append({**metadata("000009999"), "status": "failed_to_download"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "00000.parquet")
    return folder


def metadata(key: str) -> dict[str, Any]:
    url = f"https://example.org/{key}.jpg"
    return {"key": key, "url": url, "caption": f"caption of {key}", "status": "success", "license": "CC0", "width": 64}


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
