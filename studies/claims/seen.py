"""`python -m studies.claims.seen --work DIR`: accuracy by whether the vision encoder detected both queried objects.

An object is detected if the center of an object token lies in its box. With a frozen encoder, relations of undetected
objects can only be guessed.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.engine.errors import SpatialLakeError
from jobs.views.reader import LakeReader
from studies.claims.ceiling import boxes_of, tokens_of
from studies.claims.grow import load_base
from studies.claims.outcomes import SIDES, Runs, answered, is_side, shares_by
from studies.claims.study import Study
from studies.claims.training import base_of
from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.scores.choices import is_right
from vlm.model.loading import VisionLanguageModel

_RELATIONS = (Kind.BOOL, Kind.CHOICE)


def all_seen(lake: LakeReader, vlm: VisionLanguageModel) -> dict[str, bool]:
    """Return for every answer of a lake, by id, whether the vision encoder detected all its objects."""
    rows = lake.query("qa_pairs", "SELECT qa_id, image_id, object_ids FROM t ORDER BY image_id")
    images = sorted({row["image_id"] for row in rows})
    _, centers = tokens_of(lake, vlm, images)
    objects, boxes = dict(zip(images, centers, strict=True)), boxes_of(lake)

    def has(image: str, thing: int) -> bool:
        low, high = boxes[image][thing]
        own = objects[image]
        return bool(((own >= low) & (own <= high)).all(-1).any())

    return {row["qa_id"]: all(has(row["image_id"], one) for one in row["object_ids"]) for row in rows}


def shares(seen: Mapping[str, bool], conditions: Runs) -> dict[str, Any]:
    """Return the number and accuracy of relations by whether both objects were detected."""

    def place(one: Prediction) -> str | None:
        if one.item.kind not in _RELATIONS:
            return None
        return "both seen" if seen[one.item.item_id] else "not both"

    def place_of_side(one: Prediction) -> str | None:
        return place(one) if is_side(one.item) else None

    return {
        "qualitative": shares_by(conditions, place, is_right),
        SIDES: shares_by(conditions, place_of_side, is_right),
    }


def main() -> None:
    """Print the accuracies of every finished run of a study."""
    parser = argparse.ArgumentParser(prog="studies.claims.seen", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of a study with its lakes and answers")
    study = Study(work=parser.parse_args().work)
    conditions = {run: models[run] for run, models in answered(study).items()}
    seen = all_seen(LakeReader(str(study.lake("held_out"))), load_base(base_of(study)))
    print(json.dumps(shares(seen, conditions), indent=1))


if __name__ == "__main__":
    try:
        main()
    except SpatialLakeError as error:
        sys.exit(f"studies.claims.seen: {error}")
