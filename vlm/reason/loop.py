"""The loop of a chain of thought: a planner proposes calls, tools answer them, limits end it."""

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vlm.reason.answers import Answers, AnswersUnusable, Reply
from vlm.reason.arithmetic import Unusable, computed
from vlm.reason.planner import Planner, PlannerFailed, Proposal, Session, Task
from vlm.reason.tools import Arithmetic, BadCall, Finish, Query, Tool, call_of, tool_of
from vlm.reason.transcript import Ending, Step, Transcript, history_key, key_of
from vlm.reason.values import SIGMAS, Number, Thing, Undecided, Value, Verdict, Words

ANSWERED, REFUSED, STOPPED = "answered", "refused", "stopped"
MAX_QUESTION = 1000
_RESULT = re.compile(r"r\d{1,4}")
_FIELDS = ("a", "b", "of")
# A number is told where its standard error is at most this share of it, as in `synthesize.max_relative_sigma`.
_MAX_RELATIVE_ERROR = 0.25
_MAX_SAID = 500
_MAX_DEPTH, _MAX_BITS = 4, 63


class Limits(BaseModel):
    """Limits within which every chain of thought ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=64, ge=1, le=1000, description="calls of tools, refused ones included")
    seconds: float = Field(default=120.0, gt=0, description="time of all steps, s")
    tokens: int = Field(default=100_000, ge=1, description="tokens of planner and answers together")
    bad_calls: int = Field(default=5, ge=1, description="refused calls in a row")
    cost: float | None = Field(default=None, gt=0, description="cost of all tokens; none: no limit")
    cost_per_million: float = Field(default=0.0, ge=0, description="cost of a million tokens, in the unit of `cost`")

    def broken(self, steps: int, seconds: float, tokens: int, bad: int) -> str | None:
        """Return which limit is used up, in one clause."""
        cost = tokens * self.cost_per_million / 1e6
        if steps >= self.steps:
            return f"it had not finished after {self.steps} steps"
        if seconds >= self.seconds:
            return f"it had not finished after {self.seconds:g} s"
        if tokens >= self.tokens:
            return f"it used {tokens} tokens, and {self.tokens} are allowed"
        if self.cost is not None and cost >= self.cost:
            return f"it cost {cost:.4g}, and {self.cost:g} is allowed"
        return f"{bad} calls in a row could not be used" if bad >= self.bad_calls else None


@dataclass
class Known:
    """Calls and answers of earlier transcripts by the digests of what they depend on."""

    calls: dict[str, Proposal] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)

    @classmethod
    def of(cls, transcript: Transcript | None) -> "Known":
        """Return what an earlier transcript holds."""
        known = cls()
        for step in transcript.steps if transcript else ():
            called, told = step.keys
            if called:
                known.calls[called] = Proposal(step.tool, step.arguments, step.said)
            if told:
                known.replies[told] = Reply(step.raw, step.value, step.fault)
        return known


def reason(
    task: Task,
    planner: Planner,
    answers: Answers,
    limits: Limits | None = None,
    known: Known | None = None,
    watch: Callable[[Step], object] | None = None,
) -> Transcript:
    """Answer a question step by step; whatever the planner does, this ends within the limits.

    The answer is always the value of a result, which a tool measured or computed: what a planner says beside its calls
    is kept and changes nothing. `watch` is given every step as it is done.
    """
    made = Transcript(task.question, task.names.listed, planner.identity(), "")
    if not task.question.strip() or len(task.question) > MAX_QUESTION:
        made.ending = Ending(STOPPED, f"The question has {len(task.question)} characters; give 1 to {MAX_QUESTION}.")
        return made
    _Run(task, planner, answers, limits or Limits(), known or Known(), made).go(watch)
    return made


class _Run:
    """One question at work."""

    def __init__(
        self, task: Task, planner: Planner, answers: Answers, limits: Limits, known: Known, made: Transcript
    ) -> None:  # fmt: skip
        self._task, self._planner, self._answers = task, planner, answers
        self._limits, self._known, self._made = limits, known, made
        self._results: dict[str, Value] = {}
        self._bad = 0
        self._started = time.monotonic()

    def go(self, watch: Callable[[Step], object] | None) -> None:
        made = self._made
        try:
            made.answers = self._answers.identity()
            session = self._planner.start(self._task)
            while made.ending is None:
                broken = self._limits.broken(len(made.steps), self._spent_s(), made.tokens, self._bad)
                if broken is not None:
                    made.ending = Ending(STOPPED, f"The planner was stopped: {broken}.")
                    return
                self._step(session)
                if watch is not None:
                    watch(made.steps[-1])
        except PlannerFailed as failed:
            made.ending = Ending(STOPPED, str(failed))
        except AnswersUnusable as unusable:
            made.ending = Ending(STOPPED, str(unusable))

    def _spent_s(self) -> float:
        return time.monotonic() - self._started

    def _step(self, session: Session) -> None:
        begun = time.monotonic()
        key, proposal = self._proposal(session)
        name = f"r{len(self._made.steps) + 1}"
        arguments = _plain(proposal.arguments)
        step = Step(name, proposal.tool[:40], arguments, proposal.raw, tokens=proposal.tokens, keys=(key, ""))
        try:
            tool = self._resolved(tool_of(proposal.tool, proposal.arguments))
            if isinstance(tool, Finish):
                self._made.ending = self._end(tool)
                step = replace(step, raw=self._made.ending.text)
            else:
                step = replace(step, arguments=call_of(tool)[1])
                step = self._done(step, tool)
        except (BadCall, Unusable) as bad:
            step = replace(step, fault=str(bad))
            self._bad += 1
        else:
            self._bad = 0
        if step.value is not None:
            self._results[name] = step.value
        self._made.steps.append(replace(step, seconds=time.monotonic() - begun))

    def _proposal(self, session: Session) -> tuple[str, Proposal]:
        if not self._planner.is_remote:
            return "", session.next(self._made.steps, self._limits.seconds - self._spent_s())
        made = self._made
        key = key_of(made.planner, made.question, list(made.names), history_key(made.steps))
        known = self._known.calls.get(key)
        return key, known or session.next(made.steps, self._limits.seconds - self._spent_s())

    def _resolved(self, tool: Tool) -> Tool:
        """Return a call with the things that results hold in place of the results' names."""
        given = {name: getattr(tool, name) for name in _FIELDS if name in type(tool).model_fields}
        found = {name: self._thing(one) for name, one in given.items() if _RESULT.fullmatch(one)}
        return tool.model_copy(update=found) if found else tool

    def _thing(self, result: str) -> str:
        value = self._results.get(result)
        if not isinstance(value, Thing):
            raise BadCall(f"{result} is no object; name an object, or a result that holds one.")
        return value.name

    def _done(self, step: Step, tool: Query | Arithmetic) -> Step:
        if isinstance(tool, Arithmetic):
            value = computed(tool.expression, self._results)
            return replace(step, raw=told(value), value=value)
        key = key_of(self._made.answers, *call_of(tool))
        reply = self._known.replies.get(key) or _finite(self._answers.reply(tool))
        fault = None if reply.value is not None else reply.refusal or "There is no answer."
        keys = (step.keys[0], key)
        return replace(
            step, raw=reply.raw, value=reply.value, fault=fault, tokens=step.tokens + reply.tokens, keys=keys
        )

    def _end(self, finish: Finish) -> Ending:
        if finish.result is None:
            return Ending(REFUSED, _sentence(finish.cannot or ""))
        value = self._results.get(finish.result)
        if value is None:
            raise BadCall(f"There is no result {finish.result!r}; there are {', '.join(self._results) or 'none yet'}.")
        state, text = conclusion(value)
        return Ending(state, text, finish.result)


def conclusion(value: Value) -> tuple[str, str]:
    """Return how a question ends that a value answers, and the sentence that says so."""
    match value:
        case Number():
            if value.error is not None and value.error > _MAX_RELATIVE_ERROR * abs(value.value):
                within = SIGMAS * value.error >= abs(value.value)
                why = "lies within its error" if within else "is not known well enough"
                return REFUSED, _sentence(f"{value.what or 'the number'} {why}: {value.said()}")
            return ANSWERED, _sentence(f"{value.what} is {value.said()}" if value.what else value.said())
        case Verdict(yes=None):
            return REFUSED, _sentence(f"it cannot be told, since the difference lies within the error: {value.why}")
        case Verdict():
            return ANSWERED, _sentence(f"{'yes' if value.yes else 'no'}: {value.why}" if value.why else told(value))
        case Undecided():
            return REFUSED, _sentence(value.why)
        case _:
            return ANSWERED, _sentence(f"{told(value)} ({value.why})" if value.why else told(value))


def told(value: Value) -> str:
    """Return a value in a few words."""
    match value:
        case Number():
            return value.said()
        case Verdict():
            return {True: "yes", False: "no", None: "cannot be told"}[value.yes]
        case Thing():
            return value.name
        case Words():
            return value.text
        case Undecided():
            return value.why


def _finite(reply: Reply) -> Reply:
    value = reply.value
    if isinstance(value, Number):
        parts = [value.value, *(value.terms or {}).values()]
        if not all(math.isfinite(one) and abs(one) < 1e9 for one in parts):
            return Reply(reply.raw, None, "The answer is no usable number.", reply.tokens)
    return reply


def _plain(arguments: Any, depth: int = 0) -> Any:
    """Return the arguments of a call as they can be stored: small, and without numbers that JSON lacks."""
    if depth > _MAX_DEPTH:
        return ".."
    if isinstance(arguments, Mapping):
        return {str(name)[:60]: _plain(one, depth + 1) for name, one in list(arguments.items())[:20]}
    if isinstance(arguments, list):
        return [_plain(one, depth + 1) for one in arguments[:20]]
    if isinstance(arguments, float) and not math.isfinite(arguments):
        return str(arguments)
    if isinstance(arguments, int) and arguments.bit_length() > _MAX_BITS:
        return f"a number of {arguments.bit_length()} bits"
    return arguments[:_MAX_SAID] if isinstance(arguments, str) else arguments


def _sentence(text: str) -> str:
    text = " ".join(text.split())[:_MAX_SAID]
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else "No reason was given."
