"""Answers about rendered rooms, and a lake of their training examples, both without Spark."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import spatiallake
from schemas.table import ENGINE_VERSION
from tests.pages.small_lake import write_table
from udfs.stages.examples import ExamplesSettings, examples_of

RECIPE = "feedfacecafe0001"
_OWN = {"ingest_shard": 0, "recipe": RECIPE, "engine_version": ENGINE_VERSION}


def measured(rooms: Path) -> list[dict[str, Any]]:
    """Return what `examples` reads of every room of a rendered crawl, with its answers as rows of `qa_pairs`."""
    found = []
    for line in (rooms / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        image = rooms / row["image"]
        seen = spatiallake.measure(
            image,
            depth=rooms / row["depth"],
            masks=rooms / row["instances"],
            **{name: row[name] for name in ("objects", "camera", "gravity")},
        )
        own = {"image_id": seen.scene["image_id"], "split": "train", "licence": None}
        answers = [{**answer, **own, **_OWN} for answer in seen.answers]
        found.append({**own, "bytes": image.read_bytes(), "exif_orientation": 1, "answers": answers})
    return found


def write_lake(lake: Path, rooms: list[dict[str, Any]]) -> None:
    """Write the tables that prompts are read from."""
    examples = [
        {**{name: value for name, value in example.items() if name != "rejects"}, "image_id": room["image_id"], **_OWN}
        for room in rooms
        for example in examples_of(room, ExamplesSettings(), RECIPE)
    ]
    at = datetime(2026, 1, 2, tzinfo=UTC)
    recipes = [
        {"stage": stage, "recipe": RECIPE, "upstream_recipe": "", "settings_json": "{}", "activated_at": at}
        | {"engine_version": ENGINE_VERSION}
        for stage in ("synthesize", "examples")
    ]
    write_table(lake, "qa_pairs", [answer for room in rooms for answer in room["answers"]])
    write_table(lake, "training_examples", examples)
    write_table(lake, "recipes", recipes)
