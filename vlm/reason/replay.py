"""Replays a transcript: the same calls in the same order, with its own answers or with new ones."""

from collections.abc import Sequence

from vlm.reason.answers import Reply
from vlm.reason.names import Names
from vlm.reason.planner import PlannerFailed, Proposal, Task
from vlm.reason.tools import Query, call_of
from vlm.reason.transcript import Step, Transcript, key_of


class ReplayPlanner:
    """Makes the calls of a transcript."""

    is_remote = False

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def identity(self) -> str:
        """Return whose calls are replayed."""
        return self._transcript.planner

    def start(self, task: Task) -> "_ReplaySession":
        """Begin to replay.

        Raises:
            PlannerFailed: the transcript answers another question.
        """
        if task.question != self._transcript.question:
            raise PlannerFailed(f"The transcript answers another question: {self._transcript.question[:200]!r}.")
        return _ReplaySession(self._transcript)


class _ReplaySession:
    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def next(self, steps: Sequence[Step], left_s: float) -> Proposal:
        """Return the call that follows in the transcript.

        Raises:
            PlannerFailed: the transcript has no further one; where it was stopped, for the same reason.
        """
        del left_s
        known = self._transcript.steps
        if len(steps) < len(known):
            step = known[len(steps)]
            return Proposal(step.tool, step.arguments, step.said, step.tokens)
        ending = self._transcript.ending
        raise PlannerFailed(ending.text if ending else "The transcript ends without an answer.")


class ReplayAnswers:
    """Gives the answers of a transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self.names = Names.listed_as(transcript.names)
        self._identity = transcript.answers
        self._replies = {
            key_of(step.tool, step.arguments): Reply(step.raw, step.value, step.fault) for step in transcript.steps
        }

    def identity(self) -> str:
        """Return whose answers are replayed."""
        return self._identity

    def reply(self, query: Query) -> Reply:
        """Return the answer that the transcript holds."""
        known = self._replies.get(key_of(*call_of(query)))
        if known is None:
            sentence = "The transcript has no answer to this call."
            return Reply(sentence, refusal=sentence)
        return known
