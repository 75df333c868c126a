"""Words for a decided question: a drawn wording, the form of the answer, and the number as people say it."""

from collections.abc import Mapping
from functools import cache

from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import Said, say_compared
from udfs.questions.columns import Words
from udfs.questions.rule import Given
from udfs.questions.sampler import Pick
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.unit import Unit
from udfs.questions.wordings import (
    Wording,
    answers,
    lettered_questions,
    many_lettered_questions,
    precise_questions,
    questions,
    render,
    short_answer,
)

_MIN_LENGTH_M = 0.01
# C and D are the options of a choice.
_FURTHER = "EFGH"


class Phrasebook:
    """Words the questions of one scene; `expressions` are by object id."""

    __slots__ = ("_expressions", "_gates", "_image_id", "_settings", "_surface")

    def __init__(self, scene: Scene, expressions: dict[int, str], settings: SynthesizeSettings) -> None:
        self._expressions = expressions
        self._image_id = scene.image_id
        self._gates = scene.gates
        self._surface = scene.gates.surface or ""
        self._settings = settings

    @property
    def asks_many(self) -> bool:
        """Return whether types ask as often as facts allow."""
        return self._settings.asks_many

    def phrase(self, pick: Pick, draws: Draws) -> Words:
        """Return the words of `pick`, drawn from `draws`; letters are drawn once per type of the image."""
        slots = {"A": self._expressions[pick.a.object_id], "surface": self._surface}
        if pick.b is not None:
            slots["B"] = self._expressions[pick.b.object_id]
        if pick.decided.others:
            names = zip(_FURTHER, pick.decided.others, strict=False)
            slots |= {slot: self._expressions[other.object_id] for slot, other in names}
        if pick.decided.given is not None:
            slots |= given_slots(pick.decided.given, slots, self._settings.lengths == "meters")
        if pick.value is not None:
            return self._number(pick, pick.value, slots, draws)
        asked = draws.pick(questions(pick.kind.type_id, pick.variant))
        if pick.chosen is not None:
            other = pick.b if pick.chosen is pick.a else pick.a
            slots["C"] = self._expressions[pick.chosen.object_id]
            given = pick.decided.given
            if given is not None and given.options:
                if draws.uniform() < self._settings.letter_share:
                    return self._many_lettered(
                        pick, [self._expressions[o.object_id] for o in given.options], slots, draws
                    )
                form, answered = self._answer(pick, draws, False)
                question, answer = render(asked.text, **slots), render(answered.text, **slots)
                return Words(question, asked.template_id, answer, answered.template_id, form)
            slots["D"] = self._expressions[other.object_id] if other is not None else ""
            letter = self._letter(pick)
            if letter is not None:
                return _lettered(asked, slots, letter, draws)
        form, answered = self._answer(pick, draws, False)
        question = render(asked.text, **slots)
        return Words(question, asked.template_id, render(answered.text, **slots), answered.template_id, form)

    def _letter(self, pick: Pick) -> str | None:
        """Return the letter of the right option, None unless lettered; the two rows of a type take both letters."""
        couple = (pick.turn // 2,) if pick.turn > 1 else ()
        draws = Draws(seed_of(self._settings.seed, self._image_id, pick.kind.type_id, "letter", *couple))
        if draws.uniform() >= self._settings.letter_share:
            return None
        return "A" if draws.coin() == (pick.turn % 2 == 0) else "B"

    def _many_lettered(self, pick: Pick, options: list[str], slots: dict[str, str], draws: Draws) -> Words:
        """Return a question with three or more options in drawn order, answered by a letter."""
        asked = draws.pick(questions(pick.kind.type_id, pick.variant))
        for k in range(len(options) - 1, 0, -1):
            other = draws.below(k + 1)
            options[k], options[other] = options[other], options[k]
        wording = draws.pick(many_lettered_questions())
        letters = "ABCDEFGH"[: len(options)]
        text = " ".join(f"{letter}. {option}." for letter, option in zip(letters, options, strict=True))
        question = wording.text.format(question=render(asked.text, **slots), options=text)
        template = f"{asked.template_id}+{wording.template_id}"
        return Words(question, template, letters[options.index(slots["C"])], "letter", "letter", options=options)

    def _number(self, pick: Pick, value: float, slots: dict[str, str], draws: Draws) -> Words:
        kind, unit = pick.kind, pick.kind.unit
        if unit is None or kind.variants[pick.variant].is_unsaid:
            precise, said = False, Said("", "", "", pick.variant)
        else:
            wanted = unit.is_precise and draws.uniform() < self._settings.precise_share
            # More digits than the error allows would claim what was not measured.
            limit = self._settings.max_precise_sigma * value
            precise = wanted and pick.sigma is not None and pick.sigma < limit
            said = unit.say(self._noisy(pick, unit, value), draws, precise, self._settings)
        slots["value"] = said.text
        asked = draws.pick(questions(kind.type_id, pick.variant))
        template, question = asked.template_id, render(asked.text, **slots)
        if precise:
            outer, before, after = draws.pick(_precise(unit is None or unit.has_decimals))
            # Inside a sentence the question loses its capital.
            inside = question if before.endswith((". ", "? ")) or not before else question[0].lower() + question[1:]
            template, question = f"{template}+{outer}", f"{before}{inside}{after}"
        form, answered = self._answer(pick, draws, precise)
        answer = render(answered.text, **slots)
        value_text, unit_text, rule = said.value_text or None, said.unit_text or None, said.rounding_rule
        return Words(question, template, answer, answered.template_id, form, None, value_text, unit_text, rule, precise)

    def _noisy(self, pick: Pick, unit: Unit, value: float) -> float:
        """Return the value to say: a length with the noise of the settings, whose draws change no other draw.

        Noise that would leave less than a centimeter, or less than a shorter true value, is drawn again. Setting the
        sum to a centimeter instead would make that the most frequent answer to questions about short lengths.
        """
        noise_m = self._settings.noise_m
        if not noise_m or unit.scale_power != 1:
            return value
        ids = [pick.a.object_id] if pick.b is None else [pick.a.object_id, pick.b.object_id]
        draws = Draws(seed_of(self._settings.seed, self._image_id, pick.kind.type_id, *ids, "noise"))
        least, said = min(_MIN_LENGTH_M, value), value + noise_m * draws.normal()
        while said < least:
            said = value + noise_m * draws.normal()
        return said

    def _answer(self, pick: Pick, draws: Draws, precise: bool) -> tuple[str, Wording]:
        if draws.uniform() < self._settings.short_share:
            return "short", short_answer(pick.kind.type_id, pick.variant)
        return "sentence", draws.pick(answers(pick.kind.type_id, pick.variant, precise))


def given_slots(given: Given, slots: Mapping[str, str], in_meters: bool) -> dict[str, str]:
    """Return the slots that a scene rule fills: lengths as they are compared, a point, and words with `slots` in."""
    lengths_m = dict(given.lengths_m)
    if given.sigma_m is not None:
        lengths_m["error"] = max(given.sigma_m, _MIN_LENGTH_M)
    filled = {slot: say_compared(value_m, in_meters) for slot, value_m in lengths_m.items()}
    if given.point is not None:
        filled["point"] = f"({given.point[0]:.3f}, {given.point[1]:.3f})"
    return filled | {slot: text.format(**slots, **filled) for slot, text in given.words.items()}


def _lettered(asked: Wording, slots: dict[str, str], letter: str, draws: Draws) -> Words:
    wording = draws.pick(lettered_questions())
    options = [slots["C"], slots["D"]] if letter == "A" else [slots["D"], slots["C"]]
    question = wording.text.format(question=render(asked.text, **slots), first=options[0], second=options[1])
    template = f"{asked.template_id}+{wording.template_id}"
    return Words(question, template, letter, "letter", "letter", options=options)


@cache
def _precise(decimals: bool) -> tuple[tuple[str, str, str], ...]:
    """Return the wordings around a precise question: id, what comes before and what after it."""
    parts = [(wording.template_id, *wording.text.partition("{question}")) for wording in precise_questions(decimals)]
    return tuple((template_id, before, after) for template_id, before, _, after in parts)
