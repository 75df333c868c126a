"""`python -m studies.claims.ceiling --work DIR`: how well lengths can be read from a base's vision encoder.

A small network regresses the lengths from the image tokens, the question type and the tokens of the queried objects,
trained on all answers of the study's lake. Its accuracy on the held-out questions approximates the ceiling for a model
with this encoder frozen.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jobs.engine.errors import SpatialLakeError
from jobs.views.reader import LakeReader
from studies.claims.grow import load_base
from studies.claims.study import Study
from studies.claims.training import base_of
from udfs.questions.question_type import Family
from udfs.questions.registry import types_of
from vlm.evaluation.layouts import read_items
from vlm.evaluation.scores.numbers import RANGES, within
from vlm.examples import decoded
from vlm.model.loading import VisionLanguageModel

_ASKED = tuple(kind.type_id for kind in types_of(Family.QUANTITATIVE) if kind.unit_si != "rad")
_FEATURES, _HEADS, _LAYERS, _DROPOUT = 128, 4, 2, 0.1
# Standard deviation of the features of vision tokens.
_DEVIATION = 0.05
_BATCH, _RATE, _WEIGHT_DECAY = 32, 8e-4, 0.05


class Numbers(NamedTuple):
    """Tokens of images [n, t, f], and all questions about numbers.

    `asked` [q, 4]: image, index in `_ASKED`, and the tokens of the two queried objects, t for a missing one. `logs`
    [q]: logs of the true numbers.
    """

    tokens: Tensor
    asked: Tensor
    logs: Tensor
    ids: list[str]

    def part(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return tokens, questions and logs of some images, renumbered from 0."""
        ends = torch.searchsorted(self.asked[:, 0].contiguous(), torch.stack([images, images + 1]))
        rows = [torch.arange(int(first), int(last)) for first, last in ends.T]
        asked = self.asked[torch.cat(rows)]
        asked[:, 0] = torch.arange(len(images)).repeat_interleave(ends[1] - ends[0])
        return self.tokens[images].float(), asked, self.logs[torch.cat(rows)]


class Measurer(nn.Module):
    """Predicts logs of numbers; every image is encoded once for all its questions."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.project = nn.Linear(features, _FEATURES)
        layer = nn.TransformerEncoderLayer(
            _FEATURES, _HEADS, 3 * _FEATURES, _DROPOUT, batch_first=True, norm_first=True
        )
        self.encode = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.type_features = nn.Embedding(len(_ASKED), _FEATURES)
        wide = 3 * _FEATURES
        self.head = nn.Sequential(
            nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, 1)
        )

    def forward(self, tokens: Tensor, asked: Tensor) -> Tensor:
        """Return the logs [q] of questions [q, 4] about tokens [n, t, f]."""
        seen = F.pad(self.encode(self.project(tokens / _DEVIATION)), (0, 0, 0, 1))
        image, kind, one, other = asked.T
        known = torch.cat([seen[image, one], seen[image, other], self.type_features(kind)], -1)
        return self.head(known)[:, 0]


def numbers(lake: LakeReader, vlm: VisionLanguageModel) -> Numbers:
    """Return the tokens of a lake's images, and its questions about numbers > 0."""
    kinds = ", ".join(f"'{name}'" for name in _ASKED)
    columns = "qa_id, image_id, type_id, object_ids, value_si"
    rows = lake.query(
        "qa_pairs", f"SELECT {columns} FROM t WHERE value_si > 0 AND type_id IN ({kinds}) ORDER BY image_id, qa_id"
    )
    seen = {name: place for place, name in enumerate(sorted({row["image_id"] for row in rows}))}
    tokens, centers = tokens_of(lake, vlm, list(seen))
    boxes = boxes_of(lake)
    asked = []
    for row in rows:
        image = seen[row["image_id"]]
        things = [boxes[row["image_id"]][one].mean(0) for one in row["object_ids"][:2]]
        places = [_nearest(centers[image], thing, tokens.shape[1]) for thing in things]
        asked.append((image, _ASKED.index(row["type_id"]), *places, *(tokens.shape[1],) * (2 - len(places))))
    logs = torch.tensor([math.log(row["value_si"]) for row in rows])
    return Numbers(tokens, torch.tensor(asked), logs, [row["qa_id"] for row in rows])


def _nearest(centers: Tensor, thing: Tensor, tokens: int) -> int:
    """Return the index, among `tokens`, of the object token nearest to a position; `tokens` without any object."""
    gaps = (centers - thing).norm(dim=-1)
    return tokens - len(gaps) + int(gaps.argmin()) if gaps.min().isfinite() else tokens


@torch.inference_mode()
def tokens_of(lake: LakeReader, vlm: VisionLanguageModel, images: list[str]) -> tuple[Tensor, Tensor]:
    """Return the tokens of images [n, t, f] in half precision, and the positions of their objects [n, objects, 2]."""
    data = {row["image_id"]: row["bytes"] for row in lake.query("images", "SELECT image_id, bytes FROM t")}
    vision_encoder: Any = vlm.vision_encoder
    tokens, centers = [], []
    for name in images:
        pixels = vlm.processor.image_processor(decoded(data[name]), return_tensors="pt")["pixel_values"]
        seen = vision_encoder(pixels, output_hidden_states=True).hidden_states[-1][0]
        tokens.append(seen.half())
        centers.append(vision_encoder.centers(seen))
    return torch.stack(tokens), torch.stack(centers)


def boxes_of(lake: LakeReader) -> dict[str, dict[int, Tensor]]:
    """Return the boxes of regions [2, 2] by image and id: both corners, from the image center in half diagonals."""
    found = {}
    for row in lake.query("regions", "SELECT image_id, width, height, regions FROM t"):
        size = torch.tensor([row["width"], row["height"]], dtype=torch.float32)
        boxes = {one["region_id"]: torch.tensor(one["bbox_px"], dtype=torch.float32) for one in row["regions"]}
        found[row["image_id"]] = {
            name: (box.reshape(2, 2) - size / 2) / (size.norm() / 2) for name, box in boxes.items()
        }
    return found


def trained(known: Numbers, epochs: int) -> Measurer:
    """Return a network trained on all answers for `epochs`."""
    torch.manual_seed(0)
    measurer = Measurer(known.tokens.shape[-1])
    optimizer = torch.optim.AdamW(measurer.parameters(), _RATE, weight_decay=_WEIGHT_DECAY)
    steps = epochs * math.ceil(len(known.tokens) / _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps, pct_start=0.1)
    for _ in range(epochs):
        for images in torch.randperm(len(known.tokens)).split(_BATCH):
            tokens, asked, logs = known.part(images)
            optimizer.zero_grad()
            (measurer(tokens, asked) - logs).abs().mean().backward()
            nn.utils.clip_grad_norm_(measurer.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return measurer.eval()


@torch.inference_mode()
def predicted(measurer: Measurer, asked: Numbers) -> dict[str, float]:
    """Return the predicted number of every question, by its id."""
    parts = torch.arange(len(asked.tokens)).split(_BATCH)
    logs = torch.cat([measurer(*asked.part(images)[:2]) for images in parts])
    return dict(zip(asked.ids, logs.exp().tolist(), strict=True))


def main() -> None:
    """Train on a study's lake, and print the accuracy on its held-out questions, overall and by type."""
    parser = argparse.ArgumentParser(prog="studies.claims.ceiling", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of a study with its lakes and items")
    parser.add_argument("--epochs", type=int, default=10, help="training epochs [10]")
    given = parser.parse_args()
    study = Study(work=given.work)
    vlm = load_base(base_of(study))
    known, asked = (numbers(LakeReader(str(study.lake(name))), vlm) for name in ("sensor", "held_out"))
    said = predicted(trained(known, given.epochs), asked)
    right: dict[str, dict[str, list[bool]]] = {score: defaultdict(list) for score in RANGES}
    for item in read_items("spatiallake", study.folder("items.parquet")).items:
        if item.type_id in _ASKED and item.truth.value_si:
            for score, bounds in RANGES.items():
                right[score][item.type_id].append(within(said[item.item_id], item.truth.value_si, *bounds))
    print(json.dumps({score: _shares(hits) for score, hits in right.items()}))


def _shares(hits: dict[str, list[bool]]) -> dict[str, float]:
    together = {"all": [hit for own in hits.values() for hit in own], **dict(sorted(hits.items()))}
    return {name: round(sum(own) / len(own), 4) for name, own in together.items()}


if __name__ == "__main__":
    try:
        main()
    except SpatialLakeError as error:
        sys.exit(f"studies.claims.ceiling: {error}")
