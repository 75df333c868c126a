"""The interface of planners: what they are asked, and the calls that they propose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vlm.reason.names import Names
from vlm.reason.transcript import Step


@dataclass(frozen=True)
class Task:
    """A question about an image; `image` is the encoded image for planners that look at it."""

    question: str
    names: Names
    image: bytes | None = None


@dataclass(frozen=True)
class Proposal:
    """A call that a planner proposes: the tool's name and its arguments as JSON, unchecked."""

    tool: str
    arguments: Any
    raw: str = ""
    tokens: int = 0


class PlannerFailed(Exception):
    """A planner that cannot go on; the message is one sentence."""


class Session(Protocol):
    """A planner at work on one task."""

    def next(self, steps: Sequence[Step], left_s: float) -> Proposal:
        """Return the next call after the steps so far, within `left_s` seconds.

        Raises:
            PlannerFailed: it cannot propose any.
        """
        ...


class Planner(Protocol):
    """Takes a question apart; `is_remote` planners are slow or cost money, and their calls are kept."""

    is_remote: bool

    def identity(self) -> str:
        """Return what its calls depend on besides the task."""
        ...

    def start(self, task: Task) -> Session:
        """Begin with a task.

        Raises:
            PlannerFailed: it cannot read the question.
        """
        ...
