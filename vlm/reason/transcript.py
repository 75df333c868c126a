"""What was asked, called and found, as JSON lines: one for the question, one per step, one for the end."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from udfs.storage.atomic import written_whole
from vlm.reason.values import Value, row_of, value_of

VERSION = 1
_MAX_RAW = 4000
_MAX_LINES = 10_000


class TranscriptUnreadable(Exception):
    """A file that holds no transcript; the message states the value and the remedy."""


@dataclass(frozen=True)
class Step:
    """One call and what came of it.

    `result` names it ("r3"); `said` is the planner's raw text, `raw` that of the answer. Without a `value`, `fault`
    says in one sentence why the call was refused or could not be answered. `keys` are digests of everything that the
    call and the answer depend on.
    """

    result: str
    tool: str
    arguments: Any
    said: str = ""
    raw: str = ""
    value: Value | None = None
    fault: str | None = None
    seconds: float = 0.0
    tokens: int = 0
    keys: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Ending:
    """How it ended: "answered", "refused" (it cannot be told, and why) or "stopped" (by a limit or a fault)."""

    state: str
    text: str
    result: str | None = None


@dataclass
class Transcript:
    """A question, its steps and its end."""

    question: str
    names: tuple[str, ...]
    planner: str
    answers: str
    image: str = ""
    steps: list[Step] = field(default_factory=list)
    ending: Ending | None = None

    @property
    def seconds(self) -> float:
        """Return how long all steps took."""
        return sum(step.seconds for step in self.steps)

    @property
    def tokens(self) -> int:
        """Return the tokens of all steps."""
        return sum(step.tokens for step in self.steps)

    def lines(self) -> list[dict[str, Any]]:
        """Return the transcript as JSON objects."""
        asked = {
            "kind": "question", "version": VERSION, "question": self.question, "names": list(self.names),
            "planner": self.planner, "answers": self.answers, "image": self.image,
        }  # fmt: skip
        lines = [asked, *map(_step_row, self.steps)]
        if self.ending is not None:
            end = {"state": self.ending.state, "text": self.ending.text, "result": self.ending.result}
            lines.append({"kind": "end", **end, "seconds": round(self.seconds, 4), "tokens": self.tokens})
        return lines

    def write(self, path: Path) -> None:
        """Write the transcript whole or not at all."""
        text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in self.lines())
        with written_whole(path) as draft:
            draft.write_text(text, encoding="utf-8")


def read_transcript(path: Path) -> Transcript:
    """Return the transcript of a file; a last line that was cut off is left out.

    Raises:
        TranscriptUnreadable: it holds none.
    """
    try:
        lines = path.read_bytes().splitlines()[:_MAX_LINES]
    except OSError as error:
        raise TranscriptUnreadable(f"{path} cannot be read ({error.strerror}); name a transcript.") from error
    found: Transcript | None = None
    for number, line in enumerate(lines):
        try:
            row = json.loads(line, parse_constant=_no_constant)
            if row["kind"] == "question":
                found = _of_question(row)
            elif found is not None and row["kind"] == "step":
                found.steps.append(_step(row))
            elif found is not None and row["kind"] == "end":
                found.ending = Ending(str(row["state"]), str(row["text"]), row["result"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number and number == len(lines) - 1:
                break
            raise TranscriptUnreadable(
                f"Line {number + 1} of {path} is no line of a transcript; name a file that `spatiallake reason "
                "--transcript` wrote."
            ) from error
    if found is None:
        raise TranscriptUnreadable(f"{path} is empty; name a file that `spatiallake reason --transcript` wrote.")
    return found


def key_of(*parts: Any) -> str:
    """Return a digest of JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def history_key(steps: Sequence[Step]) -> str:
    """Return a digest of everything that a planner knows of the steps so far."""
    return key_of([[step.tool, step.arguments, row_of(step.value), step.fault] for step in steps])


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number.")


def _of_question(row: Mapping[str, Any]) -> Transcript:
    names = tuple(map(str, row["names"]))
    return Transcript(row["question"], names, row["planner"], row["answers"], row.get("image", ""))


def _step_row(step: Step) -> dict[str, Any]:
    return {
        "kind": "step", "result": step.result, "tool": step.tool, "arguments": step.arguments,
        "said": step.said[:_MAX_RAW], "raw": step.raw[:_MAX_RAW], "value": row_of(step.value), "fault": step.fault,
        "seconds": round(step.seconds, 4), "tokens": step.tokens, "keys": list(step.keys),
    }  # fmt: skip


def _step(row: Mapping[str, Any]) -> Step:
    called, told = row["keys"]
    return Step(
        str(row["result"]), str(row["tool"]), row["arguments"], str(row["said"]), str(row["raw"]),
        value_of(row["value"]), row["fault"], float(row["seconds"]), int(row["tokens"]), (str(called), str(told)),
    )  # fmt: skip
