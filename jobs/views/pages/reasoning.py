"""A page that shows a chain of thought: its steps beside the image, with the measured lengths drawn in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.views.pages.images import image_uri
from jobs.views.pages.projection import Segment
from jobs.views.pages.render import page
from schemas.version import ENGINE_VERSION
from udfs.storage.atomic import written_whole
from vlm.reason.loop import told
from vlm.reason.transcript import Step, Transcript
from vlm.reason.values import Number, Thing

_IMAGE_PX = 1280
_COLORS = ("#ffd23f", "#3ddc97", "#58a6ff", "#ff7b72", "#d2a8ff", "#ffa657", "#79e0ee", "#f778ba")
_STATES = {"answered": "Answer", "refused": "Cannot be told", "stopped": "Stopped"}


@dataclass(frozen=True)
class Drawn:
    """The image of a transcript: its file's bytes, its size in px, and the lines of each result."""

    content: bytes
    width: int
    height: int
    lines: Mapping[str, Sequence[Segment]]


@dataclass(frozen=True)
class _Row:
    """One step as the page shows it."""

    result: str
    tool: str
    text: str
    outcome: str
    state: str
    color: str | None
    raw: str
    said: str
    seconds: str
    tokens: int


def write_reasoning_page(transcript: Transcript, drawn: Drawn | None, out: Path) -> None:
    """Write the page of a transcript; without an image, of its steps alone."""
    colors: dict[str, str] = {}
    for result in drawn.lines if drawn else ():
        colors[result] = _COLORS[len(colors) % len(_COLORS)]
    html = page(
        "reasoning.html",
        transcript=transcript,
        heading=_STATES[transcript.ending.state] if transcript.ending else "Not ended",
        image=image_uri(drawn.content, _IMAGE_PX) if drawn else None,
        drawn=drawn,
        marks=_marks(transcript, drawn, colors) if drawn else [],
        rows=[_row(step, colors.get(step.result)) for step in transcript.steps],
        version=ENGINE_VERSION,
    )
    with written_whole(out) as draft:
        draft.write_text(html, encoding="utf-8")


def _marks(transcript: Transcript, drawn: Drawn, colors: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the lines and points on the image, each with its color and label, px."""
    marks: list[dict[str, Any]] = []
    for step in transcript.steps:
        value = step.value
        if isinstance(value, Thing) and value.point is not None:
            u, v = value.point[0] * drawn.width, value.point[1] * drawn.height
            marks.append({"kind": "point", "u": u, "v": v, "text": value.name})
        for number, line in enumerate(drawn.lines.get(step.result, ())):
            said = value.said(with_error=False) if isinstance(value, Number) else ""
            text = f"{step.result}: {said}" if number == 0 else ""
            marks.append({"kind": "line", "line": line, "color": colors[step.result], "text": text})
    return marks


def _row(step: Step, color: str | None) -> _Row:
    arguments = step.arguments if isinstance(step.arguments, dict) else {"": step.arguments}
    text = ", ".join(map(str, arguments.values()))
    ends = step.tool == "finish" and step.fault is None
    outcome = step.fault or (told(step.value) if step.value is not None else step.raw)
    return _Row(
        result=step.result,
        tool=step.tool or "no tool",
        text=text,
        outcome=outcome,
        state="bad" if step.fault else "end" if ends else "good",
        color=color,
        raw=step.raw,
        said=step.said,
        seconds=f"{step.seconds:.3f} s",
        tokens=step.tokens,
    )
