"""Words for a decided question: a drawn wording, the form of the answer, and the number as people say it."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from schemas.question_types import QUESTION_TYPES, AnswerKind
from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import Said, say_angle, say_length, say_meters, say_ratio
from udfs.language.wordings import answers, precise_questions, questions, render
from udfs.questions.sampler import Pick
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings

_FORMS = Path(__file__).with_name("forms.yaml")
_ASKED_BY_VARIANT = {t.type_id for t in QUESTION_TYPES.values() if t.answer_kind == AnswerKind.CHOICE} | {"N04", "N18"}
_CHOICES = {t.type_id for t in QUESTION_TYPES.values() if t.answer_kind == AnswerKind.CHOICE}
_NO_LENGTHS = ("N17", "N18")
_LEAST_M = 0.01
_UNSAID = {"rests": Said("", "", "", "rests"), "ahead": Said("", "", "", "ahead")}


class Phrased(NamedTuple):
    """A question and its answer as a person reads them, with everything that was drawn for them."""

    question: str
    answer: str
    answer_form: str
    options: list[str] | None
    question_template: str
    answer_template: str
    said: Said | None
    precise: bool | None


class Phrasebook:
    """Words the questions of one scene; `expressions` are by object id."""

    __slots__ = ("_expressions", "_image_id", "_settings", "_surface")

    def __init__(self, scene: Scene, expressions: dict[int, str], settings: SynthesizeSettings) -> None:
        self._expressions = expressions
        self._image_id = scene.image_id
        self._surface = scene.gates.surface or ""
        self._settings = settings

    def phrase(self, pick: Pick, draws: Draws) -> Phrased:
        """Return the words of `pick`, drawn from `draws`; letters are drawn once per type of the image."""
        slots = {"A": self._expressions[pick.a.object_id], "surface": self._surface}
        if pick.b is not None:
            slots["B"] = self._expressions[pick.b.object_id]
        if pick.value is not None:
            return self._number(pick, slots, draws)
        wording = draws.pick(_questions(pick.type_id, pick.variant))
        if pick.chosen is not None:
            other = pick.b if pick.chosen is pick.a else pick.a
            slots["C"] = self._expressions[pick.chosen.object_id]
            slots["D"] = self._expressions[other.object_id] if other is not None else ""
            letter = self._letter(pick)
            if letter is not None:
                return _lettered(wording, slots, letter, draws)
        form, template, text = self._answer(pick, "choice" if pick.chosen is not None else pick.variant, draws)
        question = render(wording[1], **slots)
        return Phrased(question, render(text, **slots), form, None, wording[0], template, None, None)

    def _letter(self, pick: Pick) -> str | None:
        """Return the letter of the right option, None unless lettered; the two rows of a type take both letters."""
        draws = Draws(seed_of(self._settings.seed, self._image_id, pick.type_id, "letter"))
        if draws.uniform() >= self._settings.letter_share:
            return None
        return "A" if draws.coin() == (pick.turn == 0) else "B"

    def _number(self, pick: Pick, slots: dict[str, str], draws: Draws) -> Phrased:
        said = _UNSAID.get(pick.variant)
        precise = said is None and pick.type_id != "N18" and draws.uniform() < self._settings.precise_share
        if said is None:
            said = self._said(pick, draws, precise)
        slots["value"] = said.text
        template, text = draws.pick(_questions(pick.type_id, pick.variant))
        question = render(text, **slots)
        if precise:
            outer, before, after = draws.pick(_precise(pick.type_id))
            # Inside a sentence the question loses its capital.
            inside = question if before.endswith((". ", "? ")) or not before else question[0].lower() + question[1:]
            template, question = f"{template}+{outer}", f"{before}{inside}{after}"
        short = "ratio" if pick.type_id == "N18" else pick.variant
        form, answer_template, text = self._answer(pick, short, draws, precise)
        return Phrased(question, render(text, **slots), form, None, template, answer_template, said, precise)

    def _said(self, pick: Pick, draws: Draws, precise: bool) -> Said:
        value = self._told(pick)
        if pick.type_id == "N18":
            return say_ratio(value)
        if pick.type_id == "N17":
            return say_angle(value, draws, precise)
        return say_meters(value, precise) if self._settings.lengths == "meters" else say_length(value, draws, precise)

    def _told(self, pick: Pick) -> float:
        """Return the value to say, a length off by the noise of the settings; which draws it takes changes no other."""
        value, noise_m = pick.value or 0.0, self._settings.noise_m
        if not noise_m or pick.type_id in _NO_LENGTHS:
            return value
        ids = [pick.a.object_id] if pick.b is None else [pick.a.object_id, pick.b.object_id]
        draws = Draws(seed_of(self._settings.seed, self._image_id, pick.type_id, *ids, "noise"))
        return max(_LEAST_M, value + noise_m * draws.normal())

    def _answer(self, pick: Pick, short: str, draws: Draws, precise: bool = False) -> tuple[str, str, str]:
        if draws.uniform() < self._settings.short_share:
            return ("short", *_short(short))
        return ("sentence", *draws.pick(_answers(pick.type_id, pick.variant, precise)))


def _lettered(wording: tuple[str, str], slots: dict[str, str], letter: str, draws: Draws) -> Phrased:
    template, text = draws.pick(_letters())
    options = [slots["C"], slots["D"]] if letter == "A" else [slots["D"], slots["C"]]
    asked = text.format(question=render(wording[1], **slots), first=options[0], second=options[1])
    return Phrased(asked, letter, "letter", options, f"{wording[0]}+{template}", "letter", None, None)


@cache
def _questions(type_id: str, variant: str) -> tuple[tuple[str, str], ...]:
    pool = questions(type_id, variant) if type_id in _ASKED_BY_VARIANT else questions(type_id)
    return tuple((wording.template_id, wording.text) for wording in pool)


@cache
def _answers(type_id: str, variant: str, precise: bool) -> tuple[tuple[str, str], ...]:
    pool = answers(type_id, "value" if type_id == "N04" else variant, precise)
    return tuple((wording.template_id, wording.text) for wording in pool)


@cache
def _precise(type_id: str) -> tuple[tuple[str, str, str], ...]:
    """Return the wordings around a precise question: id, what comes before and what after it."""
    pool = []
    for wording in precise_questions():
        before, _, after = wording.text.partition("{question}")
        # An angle is said in whole degrees at its most precise.
        if type_id != "N17" or "decimal" not in wording.text:
            pool.append((wording.template_id, before, after))
    return tuple(pool)


@cache
def _letters() -> tuple[tuple[str, str], ...]:
    return tuple((f"letter.{number:02d}", text) for number, text in enumerate(_forms()["letter"], start=1))


@cache
def _short(variant: str) -> tuple[str, str]:
    return f"short.{variant}", _forms()["short"][variant]


@cache
def _forms() -> dict[str, Any]:
    # BaseLoader keeps `yes` and `no` as words.
    return yaml.load(_FORMS.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
