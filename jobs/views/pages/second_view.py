"""Compares two lakes on one image: both sheets, and each answer next to the other lake's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.one_image.lengths import Lengths
from jobs.views.pages.agreement import angle_deg, depth_pair
from jobs.views.pages.images import depth_span_m
from jobs.views.pages.objects import ObjectCard
from jobs.views.pages.scene import spans_shown
from jobs.views.pages.second_answers import SecondScene, partners_of
from jobs.views.pages.selection import first
from jobs.views.pages.sheet import Fact, Look, Rows, Sheet, depth_png, lengths_of, regions_of, sheet_of, view_of
from jobs.views.pages.verdicts import SecondAnswer, Verdict, VerdictCounts, mark_of
from jobs.views.pages.wording import percent, plain
from jobs.views.reader import Row
from udfs.questions.registry import question_type

# Prefixes the object numbers of the second lake on the page, since both lakes number their own objects.
_PREFIX = "b"
_UNMATCHED = "#b4bcc9"


@dataclass(frozen=True)
class SecondView:
    """The second lake's view of an image and its differences from the first.

    `sheet` is None if that lake does not have the image; `why` then states the reason. `partners` maps objects of the
    first lake to those of the second; `alone` holds objects of the second lake without a match.
    """

    sheet: Sheet | None
    why: str
    partners: dict[int, int]
    alone: tuple[ObjectCard, ...]
    differences: tuple[Fact, ...]
    answers: tuple[SecondAnswer, ...]

    @property
    def counts(self) -> VerdictCounts:
        """Return the verdict counts of the image's answers."""
        return VerdictCounts(self.answers)

    def there(self, number: int) -> ObjectCard | None:
        """Return the second lake's card of the object that matches `number` of the first."""
        cards = self.sheet.objects if self.sheet else ()
        return next((card for card in cards if card.number == self.partners.get(number)), None)

    @property
    def tags(self) -> dict[str, list[dict[str, Any]]]:
        """Return the labels of the second view, with prefixed object numbers."""
        by_view = self.sheet.tags if self.sheet else {}
        return {
            f"{_PREFIX}-{view}": [{**tag, "o": f"{_PREFIX}{tag['o']}", "n": tag["o"]} for tag in tags]
            for view, tags in by_view.items()
        }

    @property
    def matches(self) -> dict[str, str]:
        """Return the matched objects, which the page highlights together: first lake's number to prefixed number."""
        return {str(number): f"{_PREFIX}{other}" for number, other in self.partners.items()}


def sheets_of(rows: Rows, others: Rows, image_id: str) -> tuple[Sheet, SecondView]:
    """Return an image's sheet and the second lake's view; `rows` and `others` come from `selection.rows_of`."""
    image = rows["images"][image_id][0]
    regions, there = regions_of(rows, image_id), regions_of(others, image_id)
    partners = partners_of(regions, there, image["height"], image["width"])
    scene, other = first(rows, "scenes", image_id), first(others, "scenes", image_id)
    look = Look(
        depth_span_m=_common_span(depth_png(rows, image_id), depth_png(others, image_id)),
        beside=[item for lifted in (scene, other) if lifted for item in lifted["objects"]],
    )
    sheet = sheet_of(rows, image_id, look)
    overlay_colors = {overlay.object_id: overlay.color for overlay in sheet.overlays}
    colors = _colors_there(regions, there, partners, overlay_colors) if regions else {}
    second = None
    if image_id in others.get("images", {}):
        second = sheet_of(others, image_id, replace(look, colors=colors))
    why = _why_unseen(second, others, image_id)
    qa_rows = rows.get("qa_pairs", {}).get(image_id, [])
    lengths = lengths_of(others, image_id)
    answers = _answers(qa_rows, scene, other, partners, there, why)
    entries = [
        {**entry, **_beside(row, answer, partners, lengths), "d": [*_details_there(row, answer, partners), *entry["d"]]}
        for entry, row, answer in zip(sheet.questions, qa_rows, answers, strict=True)
    ]
    matched = set(partners.values())
    alone = tuple(card for card in second.objects if card.number not in matched) if second else ()
    differences = _differences(rows, others, image_id)
    view = SecondView(second, why, partners, alone, differences, tuple(answers))
    return replace(sheet, questions=entries), view


def names_of(uri: str, other_uri: str) -> tuple[str, str]:
    """Return the shortest differing suffixes of two lakes' paths.

    >>> names_of("demo-lake", "demo-lake/truth"), names_of("s3://a/lake", "s3://b/lake/")
    (('demo-lake', 'truth'), ('a/lake', 'b/lake'))
    """
    parts, others = (location.rstrip("/").split("/") for location in (uri, other_uri))
    for count in range(1, max(len(parts), len(others)) + 1):
        names = "/".join(parts[-count:]), "/".join(others[-count:])
        if names[0] != names[1]:
            return names
    return uri, other_uri


def _common_span(*maps: bytes | None) -> tuple[float, float] | None:
    spans = [span for data in maps if data and (span := depth_span_m(data))]
    return (min(near for near, _ in spans), max(far for _, far in spans)) if spans else None


def _colors_there(
    regions: Sequence[Row], there: Iterable[Row], partners: Mapping[int, int], overlay_colors: Mapping[int, str]
) -> dict[int, str]:
    """Return a color per object of the second lake: that of the largest matching region, gray without a match."""
    colors = {region["region_id"]: _UNMATCHED for region in there}
    for region in sorted(regions, key=lambda region: region["area_px"]):
        if region["region_id"] in partners:
            colors[partners[region["region_id"]]] = overlay_colors[region["region_id"]]
    return colors


def _why_unseen(sheet: Sheet | None, others: Rows, image_id: str) -> str:
    """Return why the second lake has no scene of an image; empty if it has one."""
    if sheet is None:
        row = first(others, "quarantine", image_id)
        reason = f": {row['outcome']} at {row['stage']}, {plain(row['reason'])}. {row['error']}" if row else "."
        return f"This image is not in the other lake{reason}"
    if first(others, "scenes", image_id):
        return ""
    stopped = next((step.hint for step in sheet.steps if step.state == "stopped"), None)
    return f"Stopped at {stopped}" if stopped else "The other lake has not processed this image yet."


def _answers(
    qa_rows: Sequence[Row],
    scene: Row | None,
    other: Row | None,
    partners: Mapping[int, int],
    regions: Sequence[Row],
    why: str,
) -> list[SecondAnswer]:
    if other is None:
        return [SecondAnswer(Verdict.UNSEEN, "not measured there", why=why) for _ in qa_rows]
    second = SecondScene(other, partners, scene["has_plane"] if scene else None, regions)
    return [second.answer(row) for row in qa_rows]


def _beside(row: Row, answer: SecondAnswer, partners: Mapping[int, int], lengths: Lengths | None) -> dict[str, Any]:
    """Return what a question's entry says of the second answer: p partners, and b with its words and its lines.

    b holds v verdict, m mark, s text, r ratio, and l the lines that the other lake measured.
    """
    there = [partners.get(number) for number in row["object_ids"]]
    return {
        "p": [f"{_PREFIX}{number}" for number in there if number is not None],
        "b": {
            "v": str(answer.verdict),
            "m": mark_of(answer.verdict),
            "s": answer.text,
            "r": _ratio(answer),
            "l": _lines_there(row, answer, there, lengths),
        },
    }


def _lines_there(
    row: Row, answer: SecondAnswer, there: Sequence[int | None], lengths: Lengths | None
) -> list[dict[str, Any]]:
    numbers = [number for number in there if number is not None]
    if lengths is None or answer.value_si is None or len(numbers) < len(there):
        return []
    lines = lengths.lines(question_type(row["type_id"]), numbers, answer.variant, answer.value_si)
    return spans_shown(lines, view_of(lengths.scene))


def _ratio(answer: SecondAnswer) -> str:
    return f"× {answer.ratio:.2f}" if answer.ratio is not None and math.isfinite(answer.ratio) else ""


def _details_there(row: Row, answer: SecondAnswer, partners: Mapping[int, int]) -> list[list[str]]:
    there = [partners.get(number) for number in row["object_ids"]]
    objects = " · ".join(f"{letter} = {number or 'none'}" for letter, number in zip("AB", there, strict=False))
    text = f"{answer.text}; this answer is {answer.ratio:.3g} times that" if _ratio(answer) else answer.text
    details = [["Other lake", text], ["Objects there", objects], ["Why", answer.why]]
    return [[name, text] for name, text in details if text]


def _differences(rows: Rows, others: Rows, image_id: str) -> tuple[Fact, ...]:
    """Return the differences of the depth maps and of the gravity directions if both lakes have them."""
    facts = []
    maps = depth_png(rows, image_id), depth_png(others, image_id)
    pair = depth_pair(maps[0], maps[1]) if maps[0] and maps[1] else None
    if pair is not None:
        hint = "Mean |this - other| / other, and the median of this / other, over pixels with both"
        facts.append(Fact("Depth difference", f"{percent(pair[0])}, median × {pair[1]:.2f}", hint=hint))
    downs = [(first(tables, "scenes", image_id) or {}).get("gravity_c") for tables in (rows, others)]
    if downs[0] and downs[1]:
        facts.append(Fact("Gravity difference", f"{angle_deg(downs[0], downs[1]):.1f}°"))
    return tuple(facts)
