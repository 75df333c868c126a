"""Parsing points and boxes in the notations of various models, as fractions of width and height."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from vlm.evaluation.reading.marked import body_of, marked_parts

Scale = Literal["auto", "unit", "percent", "per_mille", "pixel"]
Point = tuple[float, float]
Box = tuple[float, float, float, float]

_NUMBER = r"-?(?:\d+(?:\.\d+)?|\.\d+)"
_COORDINATE = rf"[\"']?{_NUMBER}\s*%?[\"']?"
_SEPARATOR = r"\s*[,;\s]\s*"
_LISTED = re.compile(rf"[(\[<{{]\s*({_COORDINATE}(?:{_SEPARATOR}{_COORDINATE})+)\s*[)\]>}}]")
_XY = re.compile(
    rf"\bx\d?\s*[=:]\s*[\"']?({_NUMBER}\s*%?)[\"']?\s*(?:[,;]|and)?\s*y\d?\s*[=:]\s*[\"']?({_NUMBER}\s*%?)",
    re.IGNORECASE,
)
_LOC = re.compile(r"<loc_?(\d+)>")
_TAGGED = re.compile(
    rf"<(?:point|box|bbox)>\s*[(\[]*\s*({_NUMBER}(?:{_SEPARATOR}{_NUMBER})+)\s*[)\]]*\s*</", re.IGNORECASE
)
# Two corners in the notation of Qwen2-VL.
_CORNERS = re.compile(
    rf"\(\s*({_NUMBER}\s*,\s*{_NUMBER})\s*\)\s*(?:,|to|-|and)\s*\(\s*({_NUMBER}\s*,\s*{_NUMBER})\s*\)(?=\s*<\|box_end)"
)
_BARE = re.compile(rf"(?<![\w.,%-])({_NUMBER}\s*%?)(?:\s*px)?\s*([,;]|\s)\s*({_NUMBER}\s*%?)(?:\s*px)?(?![\w,%]|\.\d)")
_FROM_EDGE = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:%|percent)(?:\s+of the (?:way|width|height|image))?(?:\s+(?:across|down"
    r"|in))?\s+(?:from|of)\s+"
    r"(?:the\s+)?(left|right|top|bottom)",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```(?:json|python)?\s*(.*?)```", re.DOTALL)
_SIZES = {"unit": (1.0, 1.0), "percent": (100.0, 100.0), "per_mille": (1000.0, 1000.0)}
_CORNER_KEYS = (
    ("x1", "y1", "x2", "y2"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
)


def parse_points(text: str, scale: Scale = "auto", size_px: tuple[int, int] | None = None) -> list[Point]:
    """Return every point of an answer as fractions (x, y) of width and height; for a box, its center.

    With `auto`, numbers with a percent sign and those of `<point x=".." y="..">` are percent, numbers up to 1 are
    fractions, and all others 0..1000; above 1000, or called pixels, they are pixels of an image of `size_px` (width,
    height), and dropped if that is unknown.
    """
    return [((x1 + x2) / 2, (y1 + y2) / 2) for x1, y1, x2, y2 in _shapes(text, scale, size_px)]


def parse_box(text: str, scale: Scale = "auto", size_px: tuple[int, int] | None = None) -> Box | None:
    """Return the first box of an answer as fractions (left, top, right, bottom); scales as in `parse_points`."""
    for x1, y1, x2, y2 in _shapes(text, scale, size_px):
        if x1 != x2 and y1 != y2:
            return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    return None


def _shapes(text: str, scale: Scale, size_px: tuple[int, int] | None) -> Iterator[Box]:
    for part in (*marked_parts(text, keys=False), body_of(text)):
        found = False
        in_pixels = size_px is not None and re.search(r"\bpixels?\b|\d\s*px\b", part.text, re.IGNORECASE) is not None
        for numbers, percent in _numbers(part.text):
            known: Scale = ("percent" if percent else "pixel" if in_pixels else "auto") if scale == "auto" else scale
            shape = _scaled(numbers, known, size_px)
            if shape is not None:
                found = True
                yield shape
        if found:
            return


def _numbers(text: str) -> list[tuple[list[float], bool]]:
    """Return the numbers of every point (2) or box (4), and whether the notation implies percent."""
    document = _document(text)
    if document is not None and (found := list(_in_document(document))):
        return [(numbers, percent or '"percent' in text) for numbers, percent in found]
    located = [float(found) for found in _LOC.findall(text)]
    if located:
        return [(located[start : start + 4], False) for start in range(0, len(located), 4)]
    if corners := _CORNERS.findall(text):
        return [_read_numbers(" ".join(found)) for found in corners]
    tagged = [*_TAGGED.finditer(text)] or [*_LISTED.finditer(text)]
    if tagged:
        return [_read_numbers(found[1]) for found in tagged]
    if pairs := [*_XY.finditer(text)]:
        return [
            (numbers, percent or "<point" in text)
            for numbers, percent in (_read_numbers(f"{x} {y}") for x, y in (found.groups() for found in pairs))
        ]
    return _unmarked(text)


def _unmarked(text: str) -> list[tuple[list[float], bool]]:
    """Return a point said as distances from edges ("43% from the left"), or as a lone pair of numbers."""
    edges = {}
    for share, edge in _FROM_EDGE.findall(text):
        fraction = float(share) / 100
        axis = "x" if edge.lower() in ("left", "right") else "y"
        edges[axis] = 1 - fraction if edge.lower() in ("right", "bottom") else fraction
    if len(edges) == 2:
        return [([edges["x"], edges["y"]], False)]
    pairs = list(_BARE.finditer(text))
    apart = len(pairs) == 1 and len(re.findall(_NUMBER, text)) == 2
    if apart and (pairs[0][2].strip() or not re.search(r"[^\W\d]", text)):
        return [_read_numbers(f"{pairs[0][1]} {pairs[0][3]}")]
    return []


def _read_numbers(text: str) -> tuple[list[float], bool]:
    return [float(number) for number in re.findall(_NUMBER, text)], "%" in text


def _document(text: str) -> Any:
    fenced = _FENCED.search(text)
    inner = (fenced[1] if fenced else text).strip()
    if not inner.startswith(("[", "{")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(inner)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _in_document(document: Any) -> Iterator[tuple[list[float], bool]]:
    if isinstance(document, dict):
        for keys in (*_CORNER_KEYS, ("x", "y")):
            if set(keys) <= document.keys() and (numbers := _all_numbers([document[key] for key in keys])):
                yield numbers
                return
        for value in document.values():
            yield from _in_document(value)
    elif isinstance(document, list | tuple):
        if len(document) in (2, 4) and (numbers := _all_numbers(document)):
            yield numbers
            return
        for value in document:
            yield from _in_document(value)
    elif isinstance(document, str):
        yield from (_read_numbers(found[1]) for found in _LISTED.finditer(document))


def _all_numbers(values: Sequence[Any]) -> tuple[list[float], bool] | None:
    """Return numbers that may be texts, with or without a percent sign; None if one is neither."""
    texts = [
        str(value).strip() for value in values if isinstance(value, int | float | str) and not isinstance(value, bool)
    ]
    if len(texts) != len(values) or not all(re.fullmatch(rf"{_NUMBER}(?:e-?\d+)?\s*%?", one) for one in texts):
        return None
    return [float(one.rstrip("% ")) for one in texts], any("%" in one for one in texts)


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
