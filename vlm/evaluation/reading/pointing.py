"""Parsing points and boxes in the notations of various models, as fractions of width and height."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from vlm.evaluation.reading.marked import answer_part

Scale = Literal["auto", "unit", "percent", "per_mille", "pixel"]
Point = tuple[float, float]
Box = tuple[float, float, float, float]

_NUMBER = r"-?\d+(?:\.\d+)?"
_SEPARATOR = r"\s*[,;\s]\s*"
_LISTED = re.compile(rf"[(\[<]\s*({_NUMBER}(?:{_SEPARATOR}{_NUMBER})+)\s*[)\]>]")
_XY = re.compile(rf"x\d?\s*[=:]\s*\"?({_NUMBER})\"?\s*[,;]?\s*y\d?\s*[=:]\s*\"?({_NUMBER})", re.IGNORECASE)
_LOC = re.compile(r"<loc_(\d+)>")
_TAGGED = re.compile(rf"<(?:point|box)>\s*({_NUMBER}(?:{_SEPARATOR}{_NUMBER})+)\s*</(?:point|box)>", re.IGNORECASE)
_FENCED = re.compile(r"```(?:json|python)?\s*(.*?)```", re.DOTALL)
_SIZES = {"unit": (1.0, 1.0), "percent": (100.0, 100.0), "per_mille": (1000.0, 1000.0)}


def parse_points(text: str, scale: Scale = "auto", size_px: tuple[int, int] | None = None) -> list[Point]:
    """Return every point of an answer as fractions (x, y) of width and height; for a box, its center.

    With `auto`, numbers up to 1 are fractions, those of `<point x=".." y="..">` percent, and all others 0..1000; above
    1000 they are pixels of an image of `size_px` (width, height), and dropped if that is unknown.
    """
    return [((x1 + x2) / 2, (y1 + y2) / 2) for x1, y1, x2, y2 in _shapes(text, scale, size_px)]


def parse_box(text: str, scale: Scale = "auto", size_px: tuple[int, int] | None = None) -> Box | None:
    """Return the first box of an answer as fractions (left, top, right, bottom); scales as in `parse_points`."""
    for x1, y1, x2, y2 in _shapes(text, scale, size_px):
        if x1 != x2 and y1 != y2:
            return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    return None


def _shapes(text: str, scale: Scale, size_px: tuple[int, int] | None) -> Iterator[Box]:
    for numbers, percent in _numbers(answer_part(text).text):
        shape = _scaled(numbers, "percent" if percent and scale == "auto" else scale, size_px)
        if shape is not None:
            yield shape


def _numbers(text: str) -> list[tuple[list[float], bool]]:
    """Return the numbers of every point (2) or box (4), and whether the notation implies percent."""
    document = _document(text)
    if document is not None:
        return [(numbers, False) for numbers in _in_document(document)]
    located = [float(found) for found in _LOC.findall(text)]
    if located:
        return [(located[start : start + 4], False) for start in range(0, len(located), 4)]
    tagged = [*_TAGGED.finditer(text)] or [*_LISTED.finditer(text)]
    if tagged:
        return [([float(number) for number in re.findall(_NUMBER, found[1])], False) for found in tagged]
    return [([float(x), float(y)], "<point" in text) for found in _XY.finditer(text) for x, y in [found.groups()]]


def _document(text: str) -> Any:
    fenced = _FENCED.search(text)
    inner = (fenced[1] if fenced else text).strip()
    if not inner.startswith(("[", "{")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(inner)
        except (ValueError, SyntaxError, RecursionError):
            continue
    return None


def _in_document(document: Any) -> Iterator[list[float]]:
    if isinstance(document, dict):
        if {"x", "y"} <= document.keys() and all(isinstance(document[key], int | float) for key in "xy"):
            yield [float(document["x"]), float(document["y"])]
            return
        for value in document.values():
            yield from _in_document(value)
    elif isinstance(document, list | tuple):
        if len(document) in (2, 4) and all(isinstance(one, int | float) for one in document):
            yield [float(one) for one in document]
            return
        for value in document:
            yield from _in_document(value)


def _scaled(numbers: list[float], scale: Scale, size_px: tuple[int, int] | None) -> Box | None:
    if len(numbers) not in (2, 4):
        return None
    largest = max(abs(number) for number in numbers)
    if scale == "auto":
        scale = "unit" if largest <= 1 else "per_mille" if largest <= 1000 else "pixel"
    if scale == "pixel":
        if size_px is None:
            return None
        width, height = float(size_px[0]), float(size_px[1])
    else:
        width, height = _SIZES[scale]
    x1, y1, x2, y2 = (*numbers, *numbers) if len(numbers) == 2 else numbers
    return x1 / width, y1 / height, x2 / width, y2 / height
