"""The offline planner: reads a question once, then makes its calls one after the other."""

import re
from collections.abc import Generator, Sequence

from vlm.reason.answers import typed_question
from vlm.reason.offline.chains import with_chains
from vlm.reason.offline.marking import marked
from vlm.reason.offline.measures import Measured, with_measures
from vlm.reason.offline.plans import plan_of
from vlm.reason.offline.shared import Maker
from vlm.reason.offline.work import Call, Cannot, Work
from vlm.reason.planner import PlannerFailed, Proposal, Task
from vlm.reason.transcript import Step

VERSION = 1
_POLITE = re.compile(
    r"\b(?:please|(?:can|could|would) you (?:please )?(?:tell me|say|work out|figure out|estimate|check|name|"
    r"list|find|compute|calculate)"
    r"|i (?:wonder|want to know|would like to know|need to know)|do you know|tell me)\b(?: (?:if|whether))?,?",
)


class OfflinePlanner:
    """Plans composed questions by a grammar; what it cannot read as such it asks as it stands."""

    is_remote = False

    def identity(self) -> str:
        """Return the grammar's version."""
        return f"offline {VERSION}"

    def start(self, task: Task) -> "_OfflineSession":
        """Read a question.

        Raises:
            PlannerFailed: it is no question that the grammar reads.
        """
        is_worded = typed_question(task.question, task.names) is not None
        if is_worded or task.names.asks_of_scene(task.question):
            return _OfflineSession(_asked(task.question))
        read = read_question(task)
        maker = plan_of(read)
        if maker is None:
            if not read.marked.things and not task.names.reads(task.question):
                raise PlannerFailed(
                    "The offline planner reads no question about things in the image here; ask about distances, sizes, "
                    "gaps or orders of things that you name, or use a planner with a model."
                )
            return _OfflineSession(_asked(task.question))
        return _OfflineSession(_planned(Work(read, task.names), maker))


def read_question(task: Task) -> Measured:
    """Return a question as the grammar reads it."""
    made = marked(task.question, task.names)
    made.text = " ".join(_POLITE.sub(" ", made.text).split())
    return with_measures(with_chains(made))


class _OfflineSession:
    """One plan at work."""

    def __init__(self, plan: Generator[Call, Step, None]) -> None:
        self._plan = plan
        self._started = False

    def next(self, steps: Sequence[Step], left_s: float) -> Proposal:
        """Return the plan's next call.

        Raises:
            PlannerFailed: the plan is at its end.
        """
        del left_s
        try:
            tool, arguments = self._plan.send(steps[-1]) if self._started else next(self._plan)
        except StopIteration:
            raise PlannerFailed("The plan came to its end without an answer.") from None
        self._started = True
        return Proposal(tool, arguments)


def _planned(work: Work, maker: Maker) -> Generator[Call, Step, None]:
    try:
        result = yield from maker(work)
        if work.unused():
            raise Cannot("The offline planner read only part of the question; ask it in simpler words, or use a model.")
    except Cannot as cannot:
        yield "finish", {"cannot": str(cannot)[:400]}
        return
    yield "finish", {"result": result}


def _asked(question: str) -> Generator[Call, Step, None]:
    step = yield "ask", {"question": question[:400]}
    if step.value is None:
        yield "finish", {"cannot": (step.fault or "There is no answer.")[:400]}
    else:
        yield "finish", {"result": step.result}
