"""Spatial answers from a model: a folder, a Hugging Face id or an endpoint, asked in the engine's wordings."""

import re
from collections.abc import Sequence
from dataclasses import replace

from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.registry import question_type
from udfs.questions.wordings import asks_by_variant, questions, render
from vlm.evaluation.predictors.predictor import Predictor, PredictorUnusable
from vlm.evaluation.predictors.views import Shown
from vlm.evaluation.reading.choice import parse_choice
from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.reading.yes_no import parse_yes_no
from vlm.reason.answers import AnswersUnusable, Reply, Typed, label_of, statement_of, typed, typed_question
from vlm.reason.names import Names, NotNamed, is_fit
from vlm.reason.tools import Ask, Locate, Query
from vlm.reason.values import Number, Thing, Value, Verdict, meters

_CHARACTERS_PER_TOKEN = 4
_MAX_RAW = 2000
_BARE = re.compile(r"\W*[\d.,]+\W*")


class ModelAnswers:
    """Asks a model about one image; only typed values are read from what it says.

    `names` are the objects that may be asked about; without any, every noun phrase is taken as it is.
    `relative_error` is the standard error of its lengths as a share, None: unknown, so that comparisons go by the
    values alone.
    """

    def __init__(
        self, predictor: Predictor, image: bytes, names: Sequence[str] = (), relative_error: float | None = None
    ) -> None:
        self._predictor, self._image, self._relative_error = predictor, image, relative_error
        self.names = Names.listed_as(names)

    def identity(self) -> str:
        """Return the model, and the error that its lengths are taken to have.

        Raises:
            AnswersUnusable: there is no such model.
        """
        try:
            return f"model {self._predictor.model} {self._predictor.identity()} {self._relative_error}"
        except PredictorUnusable as unusable:
            raise AnswersUnusable(str(unusable)) from unusable

    def reply(self, query: Query) -> Reply:
        """Ask the model one query.

        Raises:
            AnswersUnusable: the model cannot be used.
        """
        try:
            if isinstance(query, Locate):
                name = self._named(query.what)
                return Reply(name, Thing(name))
            asked = typed_question(query.question, self.names) if isinstance(query, Ask) else typed(query)
            if asked is None:
                return self._free(query)
            objects = tuple(map(self._named, asked.objects))
        except NotNamed as refused:
            return Reply(str(refused), refusal=str(refused))
        kind = question_type(asked.type_id)
        question = query.question if isinstance(query, Ask) else _worded(kind, asked, objects)
        raw = self._said(question)
        value = self._value(kind, asked, objects, (question, raw))
        if value is None:
            return Reply(raw, None, f"The model's answer to {question[:120]!r} holds no {_WANTED[kind.answer_kind]}.")
        what = label_of(query, objects)
        if isinstance(value, Number):
            value = replace(value, what=what, things=objects)
        elif isinstance(value, Verdict):
            value = replace(value, why=statement_of(query, objects, value.yes is True), things=objects)
        return Reply(raw, value, tokens=_tokens(question, raw))

    def _named(self, phrase: str) -> str:
        if self.names.called:
            return self.names.called[self.names.of(phrase)]
        if not is_fit(phrase):
            raise NotNamed(f"{phrase[:60]!r} names no object; use a noun phrase.")
        return phrase

    def _free(self, query: Query) -> Reply:
        """Ask a question of no type; yes or no, a quantity or a known object are read from the answer."""
        question = query.question if isinstance(query, Ask) else ""
        raw = self._said(question)
        found = parse_quantity(raw, None, question)
        yes = parse_yes_no(raw, question) if found is None else None
        if found is not None and "no_unit" not in found.flags:
            value: Value = replace(self._measured(found.value_si, found.unit_si, question), what="the answer")
        elif yes is not None:
            value = Verdict(yes, "so says the model")
        else:
            return Reply(raw, None, "The model's answer is neither yes or no nor a quantity.", _tokens(question, raw))
        return Reply(raw, value, tokens=_tokens(question, raw))

    def _value(
        self, kind: QuestionType, asked: Typed, objects: tuple[str, ...], said: tuple[str, str]
    ) -> Value | None:  # fmt: skip
        question, raw = said
        if kind.answer_kind == AnswerKind.NUMBER:
            found = parse_quantity(raw, kind.unit_si, question)
            # A bare number has the unit that was asked for; one inside other words may be about anything.
            stray = found is not None and "no_unit" in found.flags and not _BARE.fullmatch(raw)
            return None if found is None or stray else self._measured(found.value_si, found.unit_si, question)
        if kind.answer_kind == AnswerKind.BOOL:
            yes = parse_yes_no(raw, question)
            return None if yes is None else Verdict(yes)
        chosen = parse_choice(raw, objects, question)
        if chosen is None:
            return None
        return Thing(objects[chosen]) if asked.picks else Verdict(chosen == 0)

    def _measured(self, value: float, unit: str, question: str) -> Number:
        error = None if self._relative_error is None else self._relative_error * abs(value)
        powers = {"m": (1, 0), "m2": (2, 0), "m3": (3, 0), "rad": (0, 1)}.get(unit, (0, 0))
        return replace(meters(value, error, question), powers=powers)

    def _said(self, question: str) -> str:
        shown = Shown("reason", question, (self._image,))
        try:
            outputs = [output for batch in self._predictor.predict([[shown]]) for output in batch]
        except PredictorUnusable as unusable:
            raise AnswersUnusable(str(unusable)) from unusable
        if not outputs or outputs[0].text is None:
            fault = outputs[0].fault if outputs else None
            raise AnswersUnusable(fault or "The model gave no answer; check --answers.")
        return outputs[0].text[:_MAX_RAW]


_WANTED = {AnswerKind.NUMBER: "quantity", AnswerKind.BOOL: "yes or no", AnswerKind.CHOICE: "choice"}


def _worded(kind: QuestionType, asked: Typed, objects: tuple[str, ...]) -> str:
    """Return a query in the first wording of its type."""
    variant = None
    if asks_by_variant(kind.type_id):
        variant = asked.side or next(iter(kind.variants))
    slots = dict(zip("AB", objects, strict=False))
    return render(questions(kind.type_id, variant)[0].text, surface="floor", **slots)


def _tokens(*texts: str) -> int:
    return sum(map(len, texts)) // _CHARACTERS_PER_TOKEN
