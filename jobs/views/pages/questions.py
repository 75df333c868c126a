"""Questions and answers as a page lists them."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobs.views.pages.wording import type_name
from jobs.views.reader import Row

Span = Mapping[str, Any]


def question_entry(row: Row, spans: Sequence[Span] = ()) -> dict[str, Any]:
    """Return one `qa_pairs` row in the page's short form.

    It holds i id, t type, f family, q, a, o objects, k kind, d details, and the measured lines l (`spans_shown`) with
    their text w.
    """
    return {
        "i": row["qa_id"],
        "t": row["type_id"],
        "f": row["family"],
        "q": row["question"],
        "a": row["answer"],
        "o": row["object_ids"],
        "k": row["answer_kind"],
        "y": row["answer_bool"],
        "l": list(spans),
        "w": f"{row['value_text']} {row['unit_text'] or ''}".strip() if spans and row["value_text"] else "",
        "d": [[name, text] for name, text in _details(row) if text],
    }


def type_counts(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the types in use with family, name and count, in the order of the definitions."""
    counts: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = counts.setdefault(
            row["type_id"],
            {"id": row["type_id"], "family": row["family"], "name": type_name(row["type_id"]), "count": 0},
        )
        entry["count"] += 1
    return sorted(counts.values(), key=lambda entry: (entry["family"] != "qualitative", entry["id"]))


def noun_counts(listed: Iterable[Iterable[Mapping[str, Any]]]) -> list[tuple[str, int]]:
    """Return the nouns of the objects asked about, and how many entries are about each, most frequent first."""
    counts = Counter(noun for entries in listed for entry in entries for noun in entry["n"])
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _details(row: Row) -> list[tuple[str, str]]:
    return [
        ("Measured", _measured(row)),
        ("Said", _said(row)),
        ("Margin", _margin(row)),
        ("Second measurement", {True: "agreed", False: "disagreed", None: ""}[row["witness_ok"]]),
        ("Kind of distance", row["distance_kind"] or ""),
        ("Side", row["side"] or ""),
        ("Objects", _objects(row)),
        ("Options", " · ".join(row["options"] or [])),
        ("Frame", row["frame"]),
        ("Needed", ", ".join(row["needs"] or [])),
        ("Why no answer", row["reason_code"] or ""),
        ("Wordings", f"{row['question_template']} · {row['answer_template']}"),
        ("Form", f"{row['answer_form']}, {row['reference_form']}"),
        ("Split", row["split"] or ""),
        ("Row", row["qa_id"]),
    ]


def _measured(row: Row) -> str:
    value, unit = row["value_si"], row["unit_si"] or ""
    if value is None:
        return ""
    spread = f" ± {row['sigma_si']:.3g}" if row["sigma_si"] else ""
    degrees = f" = {math.degrees(value):.2f}°" if unit == "rad" else ""
    return f"{value!r}{spread} {unit}{degrees}".strip()


def _said(row: Row) -> str:
    if not row["value_text"]:
        return ""
    rule = f" ({row['rounding_rule']})" if row["rounding_rule"] else ""
    precise = ", asked precisely" if row["precise"] else ""
    return f"{row['value_text']} {row['unit_text'] or ''}".strip() + rule + precise


def _margin(row: Row) -> str:
    actual, threshold = row["margin_actual"], row["margin_threshold"]
    if actual is None or threshold is None:
        return ""
    times = f", {abs(actual) / threshold:.1f} times the threshold" if threshold else ""
    return f"{actual:.4g} against {threshold:.4g}{times}"


def _objects(row: Row) -> str:
    names = row["references"] or []
    return " · ".join(
        f"{letter} = {name} (object {object_id})"
        for letter, name, object_id in zip("ABCDEFGH", names, row["object_ids"], strict=False)
    )
