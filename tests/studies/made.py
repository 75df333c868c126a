"""Answers of a study that were never given: right and wrong as a draw has it, and known."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.evaluation.made import item, length
from vlm.evaluation.formats import spatiallake
from vlm.evaluation.items import Item, Kind, Truth

IMAGES = 40
CONDITIONS = ("none", "spatial", "share_5", "noise_0.1", "builtin", "sensor_few")
BLANK = " (image blanked)"
# How often each condition is right, by kind of question.
SKILL = {
    "none": {"bool": 0.5, "number": 0.1, "general": 0.7},
    "spatial": {"bool": 0.85, "number": 0.6, "general": 0.4},
    "share_5": {"bool": 0.6, "number": 0.4, "general": 0.7},
    "noise_0.1": {"bool": 0.85, "number": 0.3, "general": 0.4},
    "builtin": {"bool": 0.5, "number": 0.85, "general": 0.4},
    "sensor_few": {"bool": 0.5, "number": 0.5, "general": 0.4},
}

# (condition, seed, kind of question) to the (image, right) of every item.
Known = dict[tuple[str, int, str], list[tuple[str, bool]]]


def write_answers(work: Path, seeds: int = 2) -> Known:
    """Write items and answers as the steps of a study do, and return which are right."""
    rng = random.Random(3)
    asked = [one for number in range(IMAGES) for one in _items(f"p{number}", rng)]
    spatiallake.write(asked, work / "items.parquet")
    general = [(f"p{number}.jpg", kind) for number in range(IMAGES) for kind in ("color", "place")[: 1 + number % 2]]
    _write_general(work / "crawls" / "held_out" / "test.json", general)
    known: Known = {}
    for condition in CONDITIONS:
        for seed in range(1, seeds + 1):
            folder = work / "answers" / f"{condition}-{seed}"
            said = [
                _said(one, name, condition, seed, rng, known)
                for name in (condition, condition + BLANK)
                for one in asked
            ]
            prior = [{"model": "text-only prior", "item_id": one.item_id, "raw": "Yes"} for one in asked]
            _write(folder / "spatial", said + prior)
            _write(
                folder / "general",
                [_named(number, one, condition, seed, rng, known) for number, one in enumerate(general)],
            )
            (folder / "general" / "scores.json").write_text("{}")
    return known


def _items(image: str, rng: random.Random) -> list[Item]:
    count = rng.randint(1, 5)
    bools = [
        item(
            *(f"{image}-b{n}", Kind.BOOL, Truth(yes=n % 2 == 0)),
            answer="Yes",
            image_id=image,
            type_id=("Q02", "Q04")[n % 2],
        )
        for n in range(count)
    ]
    numbers = [length(f"{image}-n{n}", rng.uniform(0.5, 4), image_id=image) for n in range(count)]
    return [*bools, *numbers]


def _said(one: Item, name: str, condition: str, seed: int, rng: random.Random, known: Known) -> dict[str, str]:
    kind = "bool" if one.kind == Kind.BOOL else "number"
    skill = 0.5 if name.endswith(BLANK) else SKILL[condition][kind]
    right = rng.random() < skill
    known.setdefault((name, seed, kind), []).append((one.image_id or "", right))
    if one.type_id == "Q02":
        known.setdefault((name, seed, "side"), []).append((one.image_id or "", right))
    if (one.truth.value_si or 0) >= 1:
        known.setdefault((name, seed, "long"), []).append((one.image_id or "", right))
    if kind == "bool":
        raw = "Yes." if right == one.truth.yes else "No."
    else:
        raw = f"It is {(one.truth.value_si or 0) * (1.05 if right else 3.0):.4f} m."
    return {"model": f"{condition}-{seed}{name.removeprefix(condition)}", "item_id": one.item_id, "raw": raw}


def _named(
    number: int, one: tuple[str, str], condition: str, seed: int, rng: random.Random, known: Known
) -> dict[str, str]:
    image, kind = one
    right = rng.random() < SKILL[condition]["general"]
    known.setdefault((condition, seed, kind), []).append((image, right))
    return {"model": f"{condition}-{seed}", "item_id": f"g{number}", "raw": "Red." if right else "red chair"}


def _write_general(path: Path, general: list[tuple[str, str]]) -> None:
    path.parent.mkdir(parents=True)
    said = [{"from": "human", "value": "<image>\nWhich?"}, {"from": "gpt", "value": "red"}]
    rows = [
        {"id": f"g{number}", "image": image, "type": kind, "conversations": said}
        for number, (image, kind) in enumerate(general)
    ]
    path.write_text(json.dumps(rows))


def _write(folder: Path, rows: list[dict[str, str]]) -> None:
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "predictions.parquet")
