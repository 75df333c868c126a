"""Measures the built-in experts on unseen rendered rooms, and their filter on real images.

`python -m benchmarks.builtin --rooms 300 --seed 78` prints every score with its target and with trivial baselines; the
last line is JSON.
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
from scenes.crawl import MANIFEST, write_crawl
from scenes.negatives import NEGATIVES, negative
from udfs.experts.expert import PROFILES, ExpertSpec, loaded_expert

_BATCH = 16
_NEGATIVE_SEED = 10_000_000
_SIGMAS = 1.2816
_TARGETS = {
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
    parser.add_argument("--negatives", type=int, default=40, help="images per kind of non-room")
    parser.add_argument("--real", default="../shared/data/real", help="folder with filter.jsonl")
    parser.add_argument("--weights", default="none", help="weights file; none = the packaged ones")
    args = parser.parse_args()
    spec = ExpertSpec(family="builtin", model=args.weights)
    print(heading())
    with tempfile.TemporaryDirectory() as folder:
        write_crawl(folder, args.rooms, args.seed)
        figures = of_rooms(Path(folder), spec) | of_filter(Path(folder), spec, args.negatives)
    figures |= of_real_filter(Path(args.real), spec)
    for name, value in figures.items():
        print(f"{name:40} {value:8.3f}  {_TARGETS.get(name, '')}")
    print(json.dumps({"profile": PROFILES["builtin"].name, "rooms": args.rooms, "seed": args.seed, **figures}))


def rgb_rows(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield manifest rows with their `images` rows, without any sensor data."""
    for line in (folder / MANIFEST).read_text().splitlines():
        row = json.loads(line)
        yield row, {"bytes": (folder / row["image"]).read_bytes(), "camera": None}


def predictions(slot: str, spec: ExpertSpec, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Return a slot's predictions; raises the first error among them."""
    expert = loaded_expert(slot, spec)
    outputs = [p for start in range(0, len(rows), _BATCH) for p in expert.predict(rows[start : start + _BATCH])]
    for prediction in outputs:
        if isinstance(prediction, Exception):
            raise prediction
    return outputs


def of_rooms(folder: Path, spec: ExpertSpec) -> dict[str, float]:
    """Return the scores of objects, depth, gravity and focal length."""
    truths, rgb = zip(*rgb_rows(folder), strict=True)
    with_camera = [{**row, "camera": truth["camera"]} for truth, row in zip(truths, rgb, strict=True)]
    maps = [_depth_mm((folder / truth["depth"]).read_bytes()) for truth in truths]
    figures = _objects(folder, truths, predictions("context", spec, rgb))
    predicted = predictions("depth", spec, rgb)
    figures |= _depth("depth", maps, predicted)
    figures |= _depth("depth_known_focal", maps, predictions("depth", spec, with_camera))
    error_deg = np.array([_degrees(p["gravity"], t["gravity"]) for p, t in zip(predicted, truths, strict=True)])
    sigma = np.array([p["gravity_sigma_deg"] for p in predicted])
    focal = np.array([p["camera"]["fx"] / t["camera"]["fx"] for p, t in zip(predicted, truths, strict=True)])
    figures |= {
        "gravity_median_deg": float(np.median(error_deg)),
        "gravity_p90_deg": float(np.quantile(error_deg, 0.9)),
        "gravity_interval_80_coverage": float((error_deg <= _SIGMAS * sigma).mean()),
        "gravity_level_camera_median_deg": float(np.median([_degrees((0, 1, 0), t["gravity"]) for t in truths])),
        "focal_median_rel": float(np.median(np.abs(np.log(focal)))),
    }
    return figures | _baselines(truths, maps)


def _objects(folder: Path, truths: Sequence[Any], predicted: Sequence[Any]) -> dict[str, float]:
    """Match objects that cover at least 1 % of the image with regions at an IoU of 0.5."""
    counts = dict.fromkeys(("objects", "matched", "regions", "precise", "kind", "name"), 0)
    for truth, prediction in zip(truths, predicted, strict=True):
        ids = np.asarray(cv2.imread(str(folder / truth["instances"]), cv2.IMREAD_UNCHANGED))
        min_px = 0.01 * ids.size
        large = [o for o in truth["objects"] if (ids == o["id"]).sum() >= min_px]
        regions = prediction["regions"]
        masks = [_rle(ids == o["id"]) for o in truth["objects"]]
        rles: list[Any] = [{"size": list(ids.shape), "counts": r["rle"].encode()} for r in regions]
        iou = np.array(coco.iou(rles, masks, [0] * len(masks))) if rles else np.zeros((0, len(masks)))
        counts["objects"] += len(large)
        for index, region in enumerate(regions):
            if region["area_px"] >= min_px:
                counts["regions"] += 1
                counts["precise"] += int(iou[index].max() >= 0.5)
        for index, item in enumerate(truth["objects"]):
            if item not in large or not len(iou) or iou[:, index].max() < 0.5:
                continue
            region = regions[int(iou[:, index].argmax())]
            counts["matched"] += 1
            counts["kind"] += region["label"] == item["label"]
            counts["name"] += region["captions"][0] == item["captions"][0]
    return {
        "mask_recall_50": counts["matched"] / counts["objects"],
        "mask_precision_50": counts["precise"] / max(counts["regions"], 1),
        "kind_right": counts["kind"] / max(counts["matched"], 1),
        "name_right": counts["name"] / max(counts["matched"], 1),
    }


def _rle(mask: NDArray[Any]) -> Any:
    return coco.encode(np.asfortranarray(mask, dtype=np.uint8))


def _depth_mm(png: bytes) -> NDArray[np.float64]:
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(decoded, np.float64)


def _depth(name: str, truths: Sequence[NDArray[Any]], predicted: Sequence[Any]) -> dict[str, float]:
    ratios = [_depth_mm(p["depth"]) / truth for p, truth in zip(predicted, truths, strict=True)]
    shapes = [float(np.abs(ratio / np.median(ratio) - 1).mean()) for ratio in ratios]
    coverage = [(np.abs(np.log(r)) <= _SIGMAS * _sigma(p)).mean() for r, p in zip(ratios, predicted, strict=True)]
    return {
        f"{name}_abs_rel": float(np.mean([np.abs(ratio - 1).mean() for ratio in ratios])),
        f"{name}_delta_125": _delta(ratios),
        f"{name}_median_scaled_abs_rel": float(np.mean(shapes)),
        "interval_80_coverage" if name == "depth" else f"{name}_interval_80_coverage": float(np.mean(coverage)),
    }


def _sigma(prediction: Any) -> float:
    """Return the declared relative 1-sigma error of a pixel, including the depth-scale error of the map."""
    return float(np.hypot(prediction["sigma_rel"], prediction["scale_sigma_rel"]))


def _delta(ratios: Sequence[NDArray[Any]]) -> float:
    return float(np.mean([(np.maximum(ratio, 1 / ratio) < 1.25).mean() for ratio in ratios]))


def _degrees(a: Sequence[float], b: Sequence[float]) -> float:
    return float(np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))))


def _baselines(truths: Sequence[Any], maps: Sequence[NDArray[Any]]) -> dict[str, float]:
    """Return the depth errors of two baselines: the mean map of the other rooms, and a floor at the true pose."""
    mean = np.exp(np.mean([np.log(depth) for depth in maps[::2]], axis=0))
    floors = [_floor(truth, depth, mean) / depth for truth, depth in zip(truths[1::2], maps[1::2], strict=True)]
    return {
        "baseline_mean_depth_abs_rel": float(np.mean([np.abs(mean / depth - 1).mean() for depth in maps[1::2]])),
        "baseline_known_floor_abs_rel": float(np.mean([np.abs(ratio - 1).mean() for ratio in floors])),
    }


def _floor(truth: dict[str, Any], depth: NDArray[Any], mean: NDArray[Any]) -> NDArray[Any]:
    """Return the depth in mm of the floor, capped by the mean map."""
    camera, gravity = truth["camera"], truth["gravity"]
    v, u = np.mgrid[: depth.shape[0], : depth.shape[1]]
    x, y = (u - camera["cx"]) / camera["fx"], (v - camera["cy"]) / camera["fy"]
    falls = gravity[0] * x + gravity[1] * y + gravity[2]
    height_mm = 1000 * truth["pose"][2][3]
    return np.where(falls > 1e-3, np.minimum(height_mm / np.maximum(falls, 1e-3), mean), mean)


def of_filter(folder: Path, spec: ExpertSpec, each: int) -> dict[str, float]:
    """Return the AUC of rooms against non-rooms, overall and by kind, and the kept shares."""
    rooms = _rooms_score(spec, [row for _, row in rgb_rows(folder)])
    figures, all_scores = {}, []
    for kind in NEGATIVES:
        drawn = [negative(kind, (640, 480), _NEGATIVE_SEED + number) for number in range(each)]
        scores = _rooms_score(spec, [_jpeg(pixels) for pixels in drawn])
        all_scores.append(scores)
        figures[f"filter_auc_{kind.replace('-', '_')}"] = auc(rooms, scores)
    others = np.concatenate(all_scores)
    figures["filter_rooms_kept"] = float((rooms >= 0.5).mean())
    figures["filter_others_kept"] = float((others >= 0.5).mean())
    return {"filter_auc": auc(rooms, others), **figures}


def of_real_filter(folder: Path, spec: ExpertSpec) -> dict[str, float]:
    """Return the filter's scores on real images, which differ from its training data."""
    if not (folder / "filter.jsonl").is_file():
        return {}
    rows = [json.loads(line) for line in (folder / "filter.jsonl").read_text().splitlines()]
    images = [{"bytes": (folder / row["image"]).read_bytes(), "camera": None} for row in rows]
    scores, keep = _rooms_score(spec, images), np.array([row["keep"] for row in rows])
    return {
        "real_filter_auc": auc(scores[keep], scores[~keep]),
        "real_keep_kept": float((scores[keep] >= 0.5).mean()),
        "real_others_kept": float((scores[~keep] >= 0.5).mean()),
    }


def _rooms_score(spec: ExpertSpec, rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    # The novelty test refuses images without a score; benchmarks.novelty measures it.
    spec = spec.model_copy(update={"options": {**spec.options, "novelty": False}})
    return np.array([prediction["scores"]["room"] for prediction in predictions("filter", spec, rows)])


def _jpeg(rgb: NDArray[np.uint8]) -> dict[str, Any]:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 92))
    return {"bytes": data.tobytes(), "camera": None}


def auc(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> float:
    """Return the probability that a positive scores higher than a negative; ties count 0.5."""
    ranks = rankdata(np.concatenate([positives, negatives]))[: len(positives)]
    min_sum = len(positives) * (len(positives) + 1) / 2
    return float((ranks.sum() - min_sum) / (len(positives) * len(negatives)))


if __name__ == "__main__":
    main()
