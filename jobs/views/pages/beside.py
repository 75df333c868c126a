"""What two lakes made of one photograph: both sheets, and every answer beside the other lake's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.views.pages.agreement import angle_deg, depth_pair
from jobs.views.pages.photograph import depth_span_m
from jobs.views.pages.questions import question_entry
from jobs.views.pages.second_answers import SecondScene, partners_of
from jobs.views.pages.selection import first
from jobs.views.pages.sheet import Fact, Look, Rows, Sheet, depth_png, regions_of, sheet_of
from jobs.views.pages.things import Thing
from jobs.views.pages.verdicts import SecondAnswer, Verdict, VerdictCounts, mark_of
from jobs.views.pages.wording import percent, plain
from jobs.views.reader import Row

# Objects of the two lakes are numbered apart; on the page those of the other one begin with this letter.
_PREFIX = "b"
_ONLY_THERE = "#b4bcc9"


@dataclass(frozen=True)
class Beside:
    """The other lake's view of a photograph, and how it stands to the first.

    `sheet` is None where that lake has not the photograph, and `why` says so. `partners` leads from objects of the
    first lake to those of the other; `alone` are objects of the other that no object of the first shows.
    """

    sheet: Sheet | None
    why: str
    partners: dict[int, int]
    alone: tuple[Thing, ...]
    apart: tuple[Fact, ...]
    answers: tuple[SecondAnswer, ...]

    @property
    def counts(self) -> VerdictCounts:
        """Return the verdicts on the photograph's answers."""
        return VerdictCounts(self.answers)

    def there(self, number: int) -> Thing | None:
        """Return the other lake's view of an object of the first."""
        things = self.sheet.things if self.sheet else ()
        return next((thing for thing in things if thing.number == self.partners.get(number)), None)

    @property
    def tags(self) -> dict[str, list[dict[str, Any]]]:
        """Return the labels of the other view, numbered as its elements are."""
        held = self.sheet.tags if self.sheet else {}
        return {
            f"{_PREFIX}-{view}": [{**tag, "o": f"{_PREFIX}{tag['o']}", "n": tag["o"]} for tag in tags]
            for view, tags in held.items()
        }

    @property
    def matches(self) -> dict[str, str]:
        """Return the pairs of objects that light up together, by the first lake's."""
        return {str(number): f"{_PREFIX}{other}" for number, other in self.partners.items()}


def sheets_of(rows: Rows, others: Rows, image_id: str) -> tuple[Sheet, Beside]:
    """Return a photograph's sheet and what the other lake made of it; both as `selection.rows_of` gives them."""
    image = rows["images"][image_id][0]
    regions, there = regions_of(rows, image_id), regions_of(others, image_id)
    partners = partners_of(regions, there, image["height"], image["width"])
    scene, other = first(rows, "scenes", image_id), first(others, "scenes", image_id)
    look = Look(
        depth_span_m=_common_span(depth_png(rows, image_id), depth_png(others, image_id)),
        beside=[item for held in (scene, other) if held for item in held["objects"]],
    )
    sheet = sheet_of(rows, image_id, look)
    own = {overlay.object_id: overlay.colour for overlay in sheet.overlays}
    colours = _colours(regions, there, partners, own) if regions else {}
    second = None
    if image_id in others.get("images", {}):
        second = sheet_of(others, image_id, replace(look, colours=colours))
    why = _why_unseen(second, others, image_id)
    asked = rows.get("qa_pairs", {}).get(image_id, [])
    answers = _answers(asked, scene, other, partners, why)
    entries = [_entry(row, answer, partners) for row, answer in zip(asked, answers, strict=True)]
    shown = set(partners.values())
    alone = tuple(thing for thing in second.things if thing.number not in shown) if second else ()
    beside = Beside(second, why, partners, alone, _apart(rows, others, image_id), tuple(answers))
    return replace(sheet, questions=entries), beside


def names_of(uri: str, other_uri: str) -> tuple[str, str]:
    """Return the shortest ends of two lakes' paths that differ.

    >>> names_of("demo-lake", "demo-lake/truth"), names_of("s3://a/lake", "s3://b/lake/")
    (('demo-lake', 'truth'), ('a/lake', 'b/lake'))
    """
    parts, others = (location.rstrip("/").split("/") for location in (uri, other_uri))
    for count in range(1, max(len(parts), len(others)) + 1):
        one, two = "/".join(parts[-count:]), "/".join(others[-count:])
        if one != two:
            return one, two
    return uri, other_uri


def _common_span(*maps: bytes | None) -> tuple[float, float] | None:
    spans = [span for data in maps if data and (span := depth_span_m(data))]
    return (min(near for near, _ in spans), max(far for _, far in spans)) if spans else None


def _colours(
    regions: Sequence[Row], there: Iterable[Row], partners: Mapping[int, int], own: Mapping[int, str]
) -> dict[int, str]:
    """Return a colour per object of the other lake: that of the largest region that shows it, grey where none does."""
    colours = {region["region_id"]: _ONLY_THERE for region in there}
    for region in sorted(regions, key=lambda region: region["area_px"]):
        if region["region_id"] in partners:
            colours[partners[region["region_id"]]] = own[region["region_id"]]
    return colours


def _why_unseen(sheet: Sheet | None, others: Rows, image_id: str) -> str:
    """Return why the other lake has no scene of a photograph; empty where it has one."""
    if sheet is None:
        left = first(others, "quarantine", image_id)
        reason = f": {left['outcome']} at {left['stage']}, {plain(left['reason'])}. {left['error']}" if left else "."
        return f"This photograph is not in the other lake{reason}"
    if first(others, "scenes", image_id):
        return ""
    stopped = next((step.hint for step in sheet.steps if step.state == "stopped"), None)
    return f"Stopped at {stopped}" if stopped else "The other lake's stages have not reached this photograph."


def _answers(
    asked: Sequence[Row], scene: Row | None, other: Row | None, partners: Mapping[int, int], why: str
) -> list[SecondAnswer]:
    if other is None:
        return [SecondAnswer(Verdict.UNSEEN, "not measured there", why=why) for _ in asked]
    second = SecondScene(other, partners, scene["has_plane"] if scene else None)
    return [second.answer(row) for row in asked]


def _entry(row: Row, answer: SecondAnswer, partners: Mapping[int, int]) -> dict[str, Any]:
    """Return the page's short form of a question with b beside (v verdict, m mark, s text, r ratio) and o of both."""
    entry = question_entry(row)
    there = [partners.get(number) for number in row["object_ids"]]
    objects = " · ".join(f"{letter} = {number or 'none'}" for letter, number in zip("AB", there, strict=False))
    ratio = f"× {answer.ratio:.2f}" if answer.ratio is not None and math.isfinite(answer.ratio) else ""
    said = f"{answer.text}; this answer is {answer.ratio:.3g} times that" if ratio else answer.text
    details = [["Beside", said], ["Objects there", objects], ["Why", answer.why]]
    return {
        **entry,
        "p": [f"{_PREFIX}{number}" for number in there if number is not None],
        "b": {"v": str(answer.verdict), "m": mark_of(answer.verdict), "s": answer.text, "r": ratio},
        "d": [*([name, text] for name, text in details if text), *entry["d"]],
    }


def _apart(rows: Rows, others: Rows, image_id: str) -> tuple[Fact, ...]:
    """Return how far the depth maps and the directions of gravity are apart, where both lakes have them."""
    facts = []
    maps = depth_png(rows, image_id), depth_png(others, image_id)
    pair = depth_pair(maps[0], maps[1]) if maps[0] and maps[1] else None
    if pair is not None:
        hint = "Mean |this - beside| / beside, and the median of this / beside, over pixels with both"
        facts.append(Fact("Depth apart", f"{percent(pair[0])}, median × {pair[1]:.2f}", hint=hint))
    downs = [(first(held, "scenes", image_id) or {}).get("gravity_c") for held in (rows, others)]
    if downs[0] and downs[1]:
        facts.append(Fact("Gravity apart", f"{angle_deg(downs[0], downs[1]):.1f}°"))
    return tuple(facts)
