"""Sentences as models write them, with the value that a person reads in each, and how a parser reads them."""

import json
from pathlib import Path
from typing import Any

from vlm.evaluation.reading.choice import parse_choice
from vlm.evaluation.reading.clock import parse_clock
from vlm.evaluation.reading.pointing import parse_points
from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.reading.yes_no import parse_yes_no

FOLDER = Path(__file__).parent / "sentences"
KINDS = ("choice", "yes_no", "quantity", "clock", "points")


def sentences(folder: Path = FOLDER) -> list[tuple[str, dict[str, Any]]]:
    """Return every sentence with its kind."""
    return [
        (kind, json.loads(line))
        for kind in KINDS
        for line in (folder / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def read(kind: str, row: dict[str, Any]) -> Any:
    """Return what the parser of a kind reads in a sentence."""
    text, question = row["text"], row.get("question", "")
    if kind == "choice":
        return parse_choice(text, tuple(row["options"]), question)
    if kind == "yes_no":
        return parse_yes_no(text, question)
    if kind == "quantity":
        found = parse_quantity(text, row.get("unit", "m"), question)
        return None if found is None else found.value_si
    if kind == "clock":
        return parse_clock(text)
    size = row.get("size_px")
    points = parse_points(text, size_px=tuple(size) if size else None)
    return list(points[0]) if points else None


def right(expected: Any, found: Any) -> bool:
    """Return whether a reading is the expected one, numbers up to rounding."""
    if expected is None or found is None or isinstance(expected, bool):
        return expected is found
    if isinstance(expected, list):
        return all(abs(one - other) < 1e-9 for one, other in zip(expected, found, strict=True))
    return abs(expected - found) <= 1e-9 * max(1.0, abs(expected))
