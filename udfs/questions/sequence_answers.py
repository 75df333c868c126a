"""Questions and answers about one fused sequence, as rows of `sequence_qa_pairs` without lineage."""

import hashlib
from typing import Any

from udfs.language.draws import Draws, seed_of
from udfs.questions.answering import COORD_CONVENTION
from udfs.questions.question_type import AnswerKind, Family, Group, QuestionType
from udfs.questions.registry import types_of
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.wordings import answers, asks_by_variant, questions, render, short_answer

_SPEAKING = SynthesizeSettings()
_SHORT_SHARE = 0.2
_MIN_LENGTH_M = 0.01


def answer_sequence(sequence: Sequence, settings: SequenceSettings, recipe: str) -> list[dict[str, Any]]:
    """Return the answers about one sequence, none where nothing is decided.

    Every random choice derives from the seed, the sequence, the type and what is asked about.
    """
    rows = []
    for family in Family:
        for kind in types_of(family, Group.VIEWS):
            for found in _drawn(kind, sequence, settings):
                rows.append(_row(kind, found, sequence, settings, recipe))
    return rows


def decided(kind: QuestionType, sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    """Return everything that a type decides about a sequence, none where it lacks what the type needs."""
    fused = sequence.fused
    has = {Need.GRAVITY: fused.has_gravity, Need.METRIC: fused.scale_ok, Need.SUPPORT: fused.has_floor}
    if not isinstance(kind.rule, SequenceRule) or not all(has.get(need, True) for need in kind.needs):
        return []
    return kind.rule.decide(sequence, settings)


def _drawn(kind: QuestionType, sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    """Return up to `max_per_type` of a type's decisions, different variants in turn."""
    by_variant: dict[str, list[Found]] = {}
    for found in decided(kind, sequence, settings):
        by_variant.setdefault(found.variant, []).append(found)
    draws = sequence.draws(kind.type_id, "sample", settings=settings)
    waiting = [by_variant[word] for word in kind.variants if word in by_variant]
    chosen: list[Found] = []
    while waiting and len(chosen) < settings.max_per_type:
        own = waiting.pop(draws.below(len(waiting)))
        chosen.append(own.pop(draws.below(len(own))))
        waiting = waiting or [pool for pool in by_variant.values() if pool]
    return chosen


def _row(
    kind: QuestionType, found: Found, sequence: Sequence, settings: SequenceSettings, recipe: str
) -> dict[str, Any]:
    views, variant = sequence.fused.views, found.variant
    frames = [views[place].frame for place in found.frames]
    name = kind.type_id
    seed = seed_of(settings.seed, sequence.sequence_id, name, *frames, *found.things, str(found.words))
    draws = Draws(seed)
    slots = _slots(found, sequence)
    said = None
    if kind.unit is not None and found.value is not None:
        length = max(found.value, _MIN_LENGTH_M) if kind.unit.symbol == "m" else found.value
        said = kind.unit.say(length, draws, False, _SPEAKING)
        slots["value"] = said.text
    asked = draws.pick(questions(name, variant if asks_by_variant(name) else None))
    form, wording = "sentence", draws.pick(answers(name, variant))
    if draws.uniform() < _SHORT_SHARE:
        form, wording = "short", short_answer(name, variant)
    question, answer = render(asked.text, **slots), render(wording.text, **slots)
    key = f"{sequence.sequence_id}\x1f{name}\x1f{frames}\x1f{found.things}\x1f{variant}\x1f{question}\x1f{recipe}"
    points = None if found.point is None else [list(found.point)]
    return {
        "qa_id": hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        "sequence_id": sequence.sequence_id,
        "type_id": name,
        "family": str(kind.family),
        "question": question,
        "answer": answer,
        "frames": frames,
        "image_ids": [views[place].image_id for place in found.frames],
        "object_ids": list(found.things),
        "references": [sequence.names.get(one, "") for one in found.things],
        "side": kind.side_of(variant),
        "answer_kind": str(kind.answer_kind),
        "answer_object_id": found.chosen,
        "answer_frame": views[found.best].frame if found.best is not None and kind.is_word else None,
        "asked_frame": views[found.best].frame if found.best is not None and not kind.is_word else None,
        "value_si": found.value,
        "unit_si": kind.unit_si,
        "sigma_si": found.sigma,
        "value_text": said.value_text if said else None,
        "unit_text": said.unit_text if said else None,
        "rounding_rule": said.rounding_rule if said else None,
        "asked_point": None if found.asked_point is None else list(found.asked_point),
        "points": points,
        "coord_convention": COORD_CONVENTION if kind.answer_kind == AnswerKind.POINT else None,
        "asked_m": found.asked_m,
        "asked_rad": found.asked_rad,
        "asked_route": None if found.asked_route is None else [leg._asdict() for leg in found.asked_route],
        "distance_kind": kind.distance_kind,
        "margin_actual": found.margin,
        "margin_threshold": found.threshold,
        "answer_form": form,
        "question_template": asked.template_id,
        "answer_template": wording.template_id,
        "needs": [str(need) for need in kind.needs],
        "seed": seed,
    }


def _slots(found: Found, sequence: Sequence) -> dict[str, str]:
    slots = dict(found.words)
    slots |= {
        letter: sequence.names[one] for letter, one in zip("ABC", found.things, strict=False) if one in sequence.names
    }
    if found.chosen is not None:
        other = next(one for one in found.things if one != found.chosen)
        slots |= {"C": sequence.names[found.chosen], "D": sequence.names[other]}
    for slot, point in (("asked", found.asked_point), ("point", found.point)):
        if point is not None:
            slots[slot] = f"({point[0]:.3f}, {point[1]:.3f})"
    return slots
