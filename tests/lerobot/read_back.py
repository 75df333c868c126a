"""Reads a dataset with LeRobot's own library and prints what it says as JSON: `python read_back.py FOLDER`."""

import json
import sys
from pathlib import Path

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # pyright: ignore[reportMissingImports]
from lerobot.rewards.sarm.rabc import RABCWeights  # pyright: ignore[reportMissingImports]


def plain(value: object) -> object:
    if isinstance(value, torch.Tensor):
        # Of an image, its size and one pixel.
        return [list(value.shape), value[:, 5, 5].tolist()] if value.ndim == 3 else value.tolist()
    return value


def main() -> None:
    root = Path(sys.argv[1])
    read = LeRobotDataset("local/dataset", root=root, video_backend="pyav")
    weights = RABCWeights(root / "sarm_progress.parquet", chunk_size=2)
    batch = next(iter(torch.utils.data.DataLoader(read, batch_size=4)))
    told = {
        "episodes": read.num_episodes,
        "fps": read.fps,
        "items": [{name: plain(value) for name, value in read[place].items()} for place in range(read.num_frames)],
        "batch": batch["next.reward"].tolist(),
        "stats": {name: {key: one.tolist() for key, one in own.items()} for name, own in read.meta.stats.items()},
        "progress": weights.progress_lookup,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
