"""What an answer says in words must be what its columns hold."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

Row = Mapping[str, Any]
ROUNDING = 0.25
LETTERS = "ABCDE"

_UNITS_SI = {
    "millimeter": 0.001,
    "centimeter": 0.01,
    "meter": 1.0,
    "inch": 0.0254,
    "inche": 0.0254,
    "foot": 0.3048,
    "feet": 0.3048,
    "yard": 0.9144,
    "square meter": 1.0,
    "square foot": 0.3048**2,
    "square feet": 0.3048**2,
    "degree": np.pi / 180,
    "time": 1.0,
    "": 1.0,  # of a count
}


def fault(row: Row) -> str | None:
    """Return what is wrong with the words of one `qa_pairs` row, or None.

    Letters must lead to the chosen object, choices must name it, short yes/no answers must agree with `answer_bool`,
    and a number as said must lie within 25 % of `value_si`.
    """
    if row["answer_kind"] == "choice":
        return _choice_fault(row)
    if row["answer_kind"] == "text" and row.get("answer_object_ids"):
        return _order_fault(row)
    if row["answer_kind"] == "bool":
        said = re.match(r"(yes|no)\b", row["answer"].lower())
        if said and (said[1] == "yes") != row["answer_bool"]:
            return f"says {row['answer']!r} while answer_bool is {row['answer_bool']}"
        return None
    return _number_fault(row)


def _choice_fault(row: Row) -> str | None:
    chosen = row["references"][list(row["object_ids"]).index(row["answer_object_id"])]
    if row["answer_form"] == "letter":
        letter = row["answer"].strip().lstrip("(")[:1]
        if row["options"][LETTERS.index(letter)] != chosen:
            return f"letter {letter} is {row['options']['AB'.index(letter)]!r}, chosen is {chosen!r}"
        return None
    if chosen.lower() not in row["answer"].lower():
        return f"chosen is {chosen!r}, the answer is {row['answer']!r}"
    return None


def _order_fault(row: Row) -> str | None:
    names = dict(zip(row["object_ids"], row["references"], strict=True))
    said = [re.search(rf"{re.escape(names[one].lower())}\b", row["answer"].lower()) for one in row["answer_object_ids"]]
    places = [match.start() if match else -1 for match in said]
    return None if places[0] > -1 and places == sorted(places) else f"the order is not that of {row['answer']!r}"


def _number_fault(row: Row) -> str | None:
    if row["value_text"] is None:
        return None
    said = _said(row["value_text"], row["unit_text"] or "")
    if said is None:
        return f"cannot read {row['value_text']!r} {row['unit_text']!r}"
    if abs(said - row["value_si"]) > ROUNDING * row["value_si"] + 1e-9:
        return f"says {row['value_text']} {row['unit_text']} for {row['value_si']:.4f} {row['unit_si']}"
    return None


def _said(value_text: str, unit_text: str) -> float | None:
    feet = re.fullmatch(r"(\d+)\D+(\d+)\D*", value_text) if "inch" in unit_text and "f" in unit_text else None
    if feet:
        return int(feet[1]) * 0.3048 + int(feet[2]) * 0.0254
    unit = _UNITS_SI.get(unit_text.rstrip("s"), _UNITS_SI.get(unit_text))
    try:
        return float(value_text) * unit if unit else None
    except ValueError:
        return None
