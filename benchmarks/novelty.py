"""Measures what the built-in filter passes: fresh rooms, rooms of a changed renderer, and images that are no rooms.

`python -m benchmarks.novelty --rooms 60 --others FOLDER` prints the share of each kind that passes, and without the
novelty test in brackets. `--real` is a folder of real images, `--others` one of any images that are no rooms.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2

from benchmarks.processor import heading
from scenes.room_images import room_images
from scenes.settings import RenderSettings
from tests.builtin.changed_renderer import changed_room
from tests.builtin.drawn_images import DRAWN, drawn_image
from udfs.experts.expert import ExpertSpec, loaded_expert

_BATCH = 16
_THRESHOLD = 0.5
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_LISTS = ("filter.jsonl", "manifest.jsonl")
_CHANGED_SEED = 40_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=60)
    parser.add_argument("--seed", type=int, default=79)
    parser.add_argument("--drawn", type=int, default=10, help="images per kind that is drawn")
    parser.add_argument("--real", type=Path, default=Path("../shared/data/real"), help="folder of real images")
    parser.add_argument("--others", type=Path, help="folder of any other images that are no rooms")
    parser.add_argument("--weights", default="none", help="weights file; none = the packaged ones")
    args = parser.parse_args()
    print(heading())
    kinds: dict[str, Iterable[bytes]] = {
        "rooms": _rooms(args.rooms, args.seed),
        "rooms of a changed renderer": (changed_room(_CHANGED_SEED + number) for number in range(args.rooms)),
        **{kind: (_png(drawn_image(kind, number)) for number in range(args.drawn)) for kind in DRAWN},
    }
    kinds |= {str(folder): _files(folder) for folder in (args.real, args.others) if folder and folder.is_dir()}
    for name, images in kinds.items():
        rows = [{"bytes": data, "camera": None} for data in images]
        tested, bare = (passing(rows, args.weights, novelty) for novelty in (True, False))
        print(f"{name:32} {len(rows):4}  {sum(tested) / len(rows):6.1%}  ({sum(bare) / len(rows):.1%})", flush=True)


def passing(rows: list[dict[str, Any]], weights: str = "none", novelty: bool = True) -> list[bool]:
    """Return for each row of `images` whether the filter passes it at 0.5."""
    spec = ExpertSpec(family="builtin", model=weights, options={"novelty": novelty})
    expert = loaded_expert("filter", spec)
    found = [one for start in range(0, len(rows), _BATCH) for one in expert.predict(rows[start : start + _BATCH])]
    return [not isinstance(one, Exception) and one["scores"]["spatial"] >= _THRESHOLD for one in found]


def _rooms(count: int, seed: int) -> Iterator[bytes]:
    settings = RenderSettings(out=".", count=count, seed=seed)
    for number in range(count):
        rgb = room_images(settings, number)[0].frame.rgb
        quality = (cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality)
        yield cv2.imencode(".jpg", rgb[..., ::-1], quality)[1].tobytes()


def _png(rgb: Any) -> bytes:
    return cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()


def _files(folder: Path) -> Iterator[bytes]:
    """Yield the images that a folder's manifests list, or, without any, all images in it."""
    lists = [folder / name for name in _LISTS if (folder / name).is_file()]
    listed = [folder / json.loads(line)["image"] for one in lists for line in one.read_text().splitlines()]
    for path in listed or sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES:
            yield path.read_bytes()


if __name__ == "__main__":
    main()
