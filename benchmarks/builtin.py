"""The built-in experts on rendered rooms that they never saw, and on the real photographs' filter list.

`python -m benchmarks.builtin --rooms 300 --seed 78` prints every measure beside what is asked of it and beside trivial
baselines; the last line is JSON.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy.stats import rankdata

from benchmarks.processor import heading
from scenes.crawl import write_crawl
from scenes.negatives import NEGATIVES, negative
from udfs.experts.expert import PROFILES, ExpertSpec, loaded_expert

_BATCH = 16
_NEGATIVE_SEED = 10_000_000
_SIGMAS = 1.2816
_ASKED = {
    "mask_recall_50": ">= 0.80",
    "mask_precision_50": ">= 0.80",
    "name_right": ">= 0.80",
    "depth_abs_rel": "<= 0.13",
    "depth_delta_125": ">= 0.85",
    "gravity_median_deg": "<= 2.5",
    "gravity_p90_deg": "<= 6",
    "interval_80_coverage": "0.75 to 0.85",
    "filter_auc": ">= 0.98",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=300)
    parser.add_argument("--seed", type=int, default=78)
    parser.add_argument("--negatives", type=int, default=40, help="pictures of each kind that is no room")
    parser.add_argument("--real", default="../shared/data/real", help="folder with filter.jsonl")
    parser.add_argument("--weights", default="none", help="weights file; none = those in the package")
    asked = parser.parse_args()
    spec = ExpertSpec(family="builtin", model=asked.weights)
    print(heading())
    with tempfile.TemporaryDirectory() as folder:
        write_crawl(folder, asked.rooms, asked.seed)
        figures = of_rooms(Path(folder), spec) | of_filter(Path(folder), spec, asked.negatives)
    figures |= of_real_filter(Path(asked.real), spec)
    for name, value in figures.items():
        print(f"{name:40} {value:8.3f}  {_ASKED.get(name, '')}")
    print(json.dumps({"profile": PROFILES["builtin"].name, "rooms": asked.rooms, "seed": asked.seed, **figures}))


def photographs(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield manifest rows with their `images` rows, bare of all that a sensor gives."""
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield row, {"bytes": (folder / row["image"]).read_bytes(), "exif_orientation": 1, "camera": None}


def predictions(slot: str, spec: ExpertSpec, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Return a slot's predictions; raises the first that is an error."""
    expert = loaded_expert(slot, spec)
    found = [p for start in range(0, len(rows), _BATCH) for p in expert.predict(rows[start : start + _BATCH])]
    for prediction in found:
        if isinstance(prediction, Exception):
            raise prediction
    return found


def of_rooms(folder: Path, spec: ExpertSpec) -> dict[str, float]:
    """Return the measures of objects, depth, gravity and focal length."""
    truths, bare = zip(*photographs(folder), strict=True)
    known = [{**row, "camera": truth["camera"]} for truth, row in zip(truths, bare, strict=True)]
    maps = [_millimetres((folder / truth["depth"]).read_bytes()) for truth in truths]
    figures = _objects(folder, truths, predictions("context", spec, bare))
    found = predictions("depth", spec, bare)
    figures |= _depth("depth", maps, found) | _depth("depth_known_focal", maps, predictions("depth", spec, known))
    turned = np.array([_degrees(p["gravity"], t["gravity"]) for p, t in zip(found, truths, strict=True)])
    sigma = np.array([p["gravity_sigma_deg"] for p in found])
    focal = np.array([p["camera"]["fx"] / t["camera"]["fx"] for p, t in zip(found, truths, strict=True)])
    figures |= {
        "gravity_median_deg": float(np.median(turned)),
        "gravity_p90_deg": float(np.quantile(turned, 0.9)),
        "gravity_interval_80_coverage": float((turned <= _SIGMAS * sigma).mean()),
        "gravity_level_camera_median_deg": float(np.median([_degrees((0, 1, 0), t["gravity"]) for t in truths])),
        "focal_median_rel": float(np.median(np.abs(np.log(focal)))),
    }
    return figures | _baselines(truths, maps)


def _objects(folder: Path, truths: Sequence[Any], found: Sequence[Any]) -> dict[str, float]:
    """Match objects of one per cent of the picture and more with regions at an overlap of a half."""
    counts = dict.fromkeys(("truths", "found", "claims", "right", "kind", "both"), 0)
    for truth, prediction in zip(truths, found, strict=True):
        ids = np.asarray(cv2.imread(str(folder / truth["instances"]), cv2.IMREAD_UNCHANGED))
        least = 0.01 * ids.size
        objects = [o for o in truth["objects"] if (ids == o["id"]).sum() >= least]
        regions = prediction["regions"]
        masks = [_rle(ids == o["id"]) for o in truth["objects"]]
        claims: list[Any] = [{"size": list(ids.shape), "counts": r["rle"].encode()} for r in regions]
        overlap = np.array(coco.iou(claims, masks, [0] * len(masks))) if claims else np.zeros((0, len(masks)))
        counts["truths"] += len(objects)
        for place, region in enumerate(regions):
            if region["area_px"] >= least:
                counts["claims"] += 1
                counts["right"] += int(overlap[place].max() >= 0.5)
        for place, thing in enumerate(truth["objects"]):
            if thing not in objects or not len(overlap) or overlap[:, place].max() < 0.5:
                continue
            region = regions[int(overlap[:, place].argmax())]
            counts["found"] += 1
            counts["kind"] += region["label"] == thing["label"]
            counts["both"] += region["captions"][0] == thing["captions"][0]
    return {
        "mask_recall_50": counts["found"] / counts["truths"],
        "mask_precision_50": counts["right"] / max(counts["claims"], 1),
        "kind_right": counts["kind"] / max(counts["found"], 1),
        "name_right": counts["both"] / max(counts["found"], 1),
    }


def _rle(mask: NDArray[Any]) -> Any:
    return coco.encode(np.asfortranarray(mask, dtype=np.uint8))


def _millimetres(png: bytes) -> NDArray[np.float64]:
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(decoded, np.float64)


def _depth(name: str, truths: Sequence[NDArray[Any]], found: Sequence[Any]) -> dict[str, float]:
    ratios = [_millimetres(p["depth"]) / truth for p, truth in zip(found, truths, strict=True)]
    shapes = [float(np.abs(ratio / np.median(ratio) - 1).mean()) for ratio in ratios]
    held = [(np.abs(np.log(r)) <= _SIGMAS * _sigma(p)).mean() for r, p in zip(ratios, found, strict=True)]
    return {
        f"{name}_abs_rel": float(np.mean([np.abs(ratio - 1).mean() for ratio in ratios])),
        f"{name}_delta_125": _delta(ratios),
        f"{name}_median_scaled_abs_rel": float(np.mean(shapes)),
        "interval_80_coverage" if name == "depth" else f"{name}_interval_80_coverage": float(np.mean(held)),
    }


def _sigma(prediction: Any) -> float:
    """Return the declared error of one place: its own, and what the whole map shares."""
    return float(np.hypot(prediction["sigma_rel"], prediction["scale_sigma_rel"]))


def _delta(ratios: Sequence[NDArray[Any]]) -> float:
    return float(np.mean([(np.maximum(ratio, 1 / ratio) < 1.25).mean() for ratio in ratios]))


def _degrees(a: Sequence[float], b: Sequence[float]) -> float:
    return float(np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))))


def _baselines(truths: Sequence[Any], maps: Sequence[NDArray[Any]]) -> dict[str, float]:
    """Return the depth errors of every second room's mean per pixel, and of a floor seen from the true camera."""
    mean = np.exp(np.mean([np.log(depth) for depth in maps[::2]], axis=0))
    floors = [_floor(truth, depth, mean) / depth for truth, depth in zip(truths[1::2], maps[1::2], strict=True)]
    return {
        "baseline_mean_depth_abs_rel": float(np.mean([np.abs(mean / depth - 1).mean() for depth in maps[1::2]])),
        "baseline_known_floor_abs_rel": float(np.mean([np.abs(ratio - 1).mean() for ratio in floors])),
    }


def _floor(truth: dict[str, Any], depth: NDArray[Any], mean: NDArray[Any]) -> NDArray[Any]:
    """Return the depth in mm of the floor alone; where no floor is nearer than the mean, the mean."""
    camera, gravity = truth["camera"], truth["gravity"]
    v, u = np.mgrid[: depth.shape[0], : depth.shape[1]]
    x, y = (u - camera["cx"]) / camera["fx"], (v - camera["cy"]) / camera["fy"]
    falls = gravity[0] * x + gravity[1] * y + gravity[2]
    height_mm = 1000 * truth["pose"][2][3]
    return np.where(falls > 1e-3, np.minimum(height_mm / np.maximum(falls, 1e-3), mean), mean)


def of_filter(folder: Path, spec: ExpertSpec, each: int) -> dict[str, float]:
    """Return how well rooms are told from what is no room, over all kinds and by kind."""
    rooms = _rooms_score(spec, [row for _, row in photographs(folder)])
    figures, every = {}, []
    for kind in NEGATIVES:
        drawn = [negative(kind, (640, 480), _NEGATIVE_SEED + number) for number in range(each)]
        scores = _rooms_score(spec, [_jpeg(picture) for picture in drawn])
        every.append(scores)
        figures[f"filter_auc_{kind.replace('-', '_')}"] = auc(rooms, scores)
    others = np.concatenate(every)
    figures["filter_rooms_kept"] = float((rooms >= 0.5).mean())
    figures["filter_others_kept"] = float((others >= 0.5).mean())
    return {"filter_auc": auc(rooms, others), **figures}


def of_real_filter(folder: Path, spec: ExpertSpec) -> dict[str, float]:
    """Return how real photographs score: nothing like them was learned from."""
    if not (folder / "filter.jsonl").is_file():
        return {}
    rows = [json.loads(line) for line in (folder / "filter.jsonl").read_text().splitlines()]
    pictures = [{"bytes": (folder / row["image"]).read_bytes(), "exif_orientation": 1, "camera": None} for row in rows]
    scores, keep = _rooms_score(spec, pictures), np.array([row["keep"] for row in rows])
    return {
        "real_filter_auc": auc(scores[keep], scores[~keep]),
        "real_keep_kept": float((scores[keep] >= 0.5).mean()),
        "real_others_kept": float((scores[~keep] >= 0.5).mean()),
    }


def _rooms_score(spec: ExpertSpec, rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    return np.array([prediction["scores"]["room"] for prediction in predictions("filter", spec, rows)])


def _jpeg(rgb: NDArray[np.uint8]) -> dict[str, Any]:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 92))
    return {"bytes": data.tobytes(), "exif_orientation": 1, "camera": None}


def auc(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> float:
    """Return the chance that a positive scores higher than a negative; ties count a half."""
    ranks = rankdata(np.concatenate([positives, negatives]))[: len(positives)]
    least = len(positives) * (len(positives) + 1) / 2
    return float((ranks.sum() - least) / (len(positives) * len(negatives)))


if __name__ == "__main__":
    main()
