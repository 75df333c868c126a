"""Real images against their independent answer key (`truth/*.json` beside the crawl)."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenes.truth.measure import back_project, png_pixels, read_manifest

Row = Mapping[str, Any]
DISTANCE_FLOOR_M = 0.03
HEIGHT_FLOOR_M = 0.012
HEIGHT_SHARE = 0.10

# relation of the key -> {type: (for bool types, what it says about object_ids == (a, b); for sided ones, the word)}
_BOOL = {
    "left_of": {"Q01": True, "Q02": False},
    "in_front_of": {"Q07": True, "Q08": False},
    "above": {"Q04": True, "Q05": False},
    "on": {"Q04": True, "Q05": False},
}
_CHOICE = {
    "left_of": ("Q03", "left", "right"),
    "in_front_of": ("Q09", "closer", "farther"),
    "above": ("Q06", "higher", "lower"),
    "on": ("Q06", "higher", "lower"),
}
_SIDED = {
    "left_of": ("N05", "left", "right"),
    "in_front_of": ("N06", "front", "behind"),
    "above": ("N07", "higher", "lower"),
    "on": ("N07", "higher", "lower"),
}


@dataclass
class Key:
    """Answer key of one image: distances by pair, relations by ordered pair, sizes and heights by object, m."""

    scene: str
    distances: dict[tuple[int, int], float]
    relations: dict[tuple[int, int], set[str]]
    sizes: dict[int, float]
    heights: dict[int, float]


@dataclass
class Findings:
    """One list of (image, detail, ok) per score."""

    scores: dict[str, list[tuple[str, str, bool]]] = field(default_factory=lambda: defaultdict(list))

    def note(self, score: str, scene: str, detail: str, ok: bool) -> None:
        """Count one comparison."""
        self.scores[score].append((scene, detail, bool(ok)))

    def share(self, score: str) -> float:
        """Return the share of comparisons that hold; NaN without any."""
        return float(np.mean([ok for *_, ok in self.scores[score]])) if self.scores[score] else float("nan")

    def misses(self, score: str) -> list[str]:
        """Return `image: detail` of the comparisons that fail."""
        return [f"{scene}: {detail}" for scene, detail, ok in self.scores[score] if not ok]


def read_keys(crawl: Path) -> dict[str, Key]:
    """Return the answer keys by image id, the SHA-256 of the image's bytes."""
    keys = {}
    for row in read_manifest(crawl):
        scene = Path(row["image"]).parent.name
        path = crawl / "truth" / f"{scene}.json"
        if path.exists():
            truth = json.loads(path.read_text())
            image_id = hashlib.sha256((crawl / row["image"]).read_bytes()).hexdigest()
            keys[image_id] = _key(scene, truth, _visible_sizes(crawl, row))
    return keys


def _key(scene: str, truth: dict[str, Any], sizes: dict[int, float]) -> Key:
    relations: dict[tuple[int, int], set[str]] = defaultdict(set)
    for a, relation, b in truth["relations"]:
        relations[a, b].add(relation)
    return Key(
        scene=scene,
        distances={_ordered(p["a"], p["b"]): p["centroid_distance_m"] for p in truth["pairs"]},
        relations=dict(relations),
        sizes=sizes,
        heights={k["id"]: k["published_vertical_mm"] / 1000 for k in truth["known_sizes"]},
    )


def _visible_sizes(crawl: Path, row: Row) -> dict[int, float]:
    depth = png_pixels(crawl / row["depth"]).astype(np.float64) / 1000
    labels = png_pixels(crawl / row["instances"])
    cloud = back_project(depth, row["camera"])
    sizes = {}
    for item in row["objects"]:
        points = cloud[(labels == item["id"]) & (depth > 0)]
        if len(points):
            near = np.abs(points[:, 2] - np.median(points[:, 2])) < max(0.5, 0.05 * float(np.median(points[:, 2])))
            sizes[item["id"]] = float(np.ptp(np.percentile(points[near], [2, 98], axis=0), axis=0).max())
    return sizes


def _ordered(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def check_answers(rows: Iterable[Row], keys: Mapping[str, Key]) -> Findings:
    """Compare `qa_pairs` rows with the keys: center distances, relations and published heights."""
    found = Findings()
    for row in rows:
        key = keys.get(row["image_id"])
        if key is None:
            continue
        ids = list(row["object_ids"])
        if row["type_id"] == "N02" and _ordered(*ids) in key.distances:
            _distance(found, key, _ordered(*ids), row["value_si"])
        if row["type_id"] == "N09" and ids[0] in key.heights:
            _height(found, key, ids[0], row["value_si"])
        if len(ids) == 2:
            for a, b in ((ids[0], ids[1]), (ids[1], ids[0])):
                for relation in key.relations.get((a, b), ()):
                    for said in _contradictions(row, relation, a, b):
                        found.note(relation, key.scene, f"{row['type_id']} {a} {relation} {b}: {row['answer']}", said)
    return found


def _contradictions(row: Row, relation: str, a: int, b: int) -> Iterator[bool]:
    kind = row["type_id"]
    if kind in _BOOL.get(relation, {}):
        straight = row["object_ids"][0] == a
        yield row["answer_bool"] == (_BOOL[relation][kind] == straight)
    for table, asked in ((_CHOICE, row["answer_object_id"]), (_SIDED, row["object_ids"][0])):
        if relation in table and kind == table[relation][0]:
            word = table[relation][1] if asked == a else table[relation][2]
            yield row["side"] == word


def check_scenes(rows: Iterable[Row], keys: Mapping[str, Key]) -> Findings:
    """Compare `scenes` rows with the keys: every pair and every published height, asked about or not."""
    found = Findings()
    for row in rows:
        key = keys.get(row["image_id"])
        if key is None:
            continue
        objects = {o["object_id"]: o for o in row["objects"]}
        for pair in key.distances:
            if pair[0] in objects and pair[1] in objects:
                a, b = (np.asarray(objects[i]["center_m"]) for i in pair)
                _distance(found, key, pair, float(np.linalg.norm(a - b)))
        for object_id in key.heights:
            if object_id in objects:
                _height(found, key, object_id, objects[object_id]["size_m"][2])
        for (a, b), relations in key.relations.items():
            if a in objects and b in objects:
                _order(found, key, objects[a], objects[b], relations)
    return found


def _order(found: Findings, key: Key, a: Row, b: Row, relations: set[str]) -> None:
    for relation in relations & set(_BOOL):
        if relation == "left_of":
            margin = a["center_m"][1] - b["center_m"][1]
        elif relation == "in_front_of":
            margin = b["depth_m"] - a["depth_m"]
        else:
            margin = a["center_m"][2] - b["center_m"][2]
        detail = f"{a['object_id']} {relation} {b['object_id']}: margin {margin:.3f} m"
        found.note(relation, key.scene, detail, margin > 0)


def _distance(found: Findings, key: Key, pair: tuple[int, int], value: float) -> None:
    truth = key.distances[pair]
    allowed = max(DISTANCE_FLOOR_M, 0.5 * min(key.sizes[i] for i in pair))
    detail = f"{pair[0]}-{pair[1]} says {value:.3f} m, key {truth:.3f} m, allowed {allowed:.3f} m"
    found.note("center_distance", key.scene, detail, abs(value - truth) <= allowed)


def _height(found: Findings, key: Key, object_id: int, value: float) -> None:
    truth = key.heights[object_id]
    allowed = max(HEIGHT_FLOOR_M, HEIGHT_SHARE * truth)
    detail = f"{object_id} is {value:.4f} m tall, published {truth:.3f} m"
    found.note("published_height", key.scene, detail, abs(value - truth) <= allowed)
