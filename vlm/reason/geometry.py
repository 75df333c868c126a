"""Spatial answers from a measured scene, by the rules of the question types."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from udfs.questions.asked import AskedScene
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.reading.reader import Reading
from udfs.questions.refusals import NotAnswered
from udfs.questions.registry import question_type
from udfs.questions.rule import Decided, PairRule
from udfs.questions.sampler import Pick
from udfs.questions.settings import SynthesizeSettings
from vlm.reason.answers import Reply, asked_label, label_of, statement_of, typed
from vlm.reason.names import Names, NotNamed
from vlm.reason.tools import Ask, Locate, Query
from vlm.reason.values import SCALE, Number, Thing, Value, Verdict, Words

# What is compared may be smaller than what is asked for, and less certain: the error decides then.
_SETTINGS = SynthesizeSettings(max_relative_sigma=1e6)
_FROM_PAIRS = {"N01": "gap_m", "N19": "clearance_m"}
_POWERS = {"m": (1, 0), "m2": (2, 0), "m3": (3, 0), "rad": (0, 1)}


class GeometryAnswers:
    """Answers from a row of `scenes`, its `references` and `regions`, with standard errors."""

    def __init__(
        self,
        scene: Mapping[str, Any],
        references: Sequence[Mapping[str, Any]],
        regions: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._asked = AskedScene(scene, references, regions, _SETTINGS)
        self.names = Names(self._asked.names, [thing["object_id"] for thing in scene["objects"]])
        self._called = {**self._asked.called, **self.names.called}
        self._digest = _digest(scene, self._called)

    def identity(self) -> str:
        """Return what the answers depend on: the measured scene and its names."""
        return f"geometry {self._digest}"

    def reply(self, query: Query) -> Reply:
        """Answer one query from the measured scene."""
        try:
            if isinstance(query, Locate):
                return self._located(query.what)
            reading = self._asked.read(query.question) if isinstance(query, Ask) else self._reading(query)
            called = tuple(self._called[one] for one in reading.object_ids)
            value = self._value(reading, isinstance(query, Ask))
        except (NotNamed, NotAnswered) as why:
            return Reply(str(why), refusal=str(why))
        if isinstance(value, Number):
            value = replace(value, what=value.what or label_of(query, called), things=called)
        elif isinstance(value, Verdict) and value.why:
            value = replace(value, things=called)
        elif isinstance(value, Verdict):
            value = replace(value, why=statement_of(query, called, value.yes is True), things=called)
        return _reply(value)

    def _located(self, phrase: str) -> Reply:
        found = self.names.of(phrase)
        seen = next(one for one in self._asked.scene.objects if one.object_id == found)
        return _reply(Thing(self._called[found], (round(seen.u_norm, 4), round(seen.v_norm, 4))))

    def _reading(self, query: Query) -> Reading:
        asked = typed(query)
        if asked is None:
            raise NotNamed("The query asks for nothing that can be measured.")
        ids = tuple(map(self.names.of, asked.objects))
        return Reading(question_type(asked.type_id), ids, asked.side)

    def _value(self, reading: Reading, is_asked: bool) -> Value:
        kind = reading.kind
        if kind.answer_kind == AnswerKind.NUMBER:
            return self._number(kind, reading, is_asked)
        pick = self._asked.pick(reading)
        if pick.decided.given is not None:
            return self._of_scene(reading, pick)
        if pick.chosen is None:
            return Verdict(pick.variant == "yes")
        chosen = pick.chosen.object_id
        picks = is_asked and not reading.asks_first
        return Thing(self._called[chosen]) if picks else Verdict(chosen == reading.object_ids[0])

    def _of_scene(self, reading: Reading, pick: Pick) -> Value:
        """Return a point of the image, or yes or no with the lengths that were compared."""
        said = self._asked.answer_reading(reading, "")
        if said.point is not None:
            return Words(f"({said.point[0]:.3f}, {said.point[1]:.3f})", f"about {said.value_text} are free there")
        _, _, why = said.text.rstrip(".").partition(", ")
        return Verdict(pick.variant == "yes", why)

    def _number(self, kind: QuestionType, reading: Reading, is_asked: bool) -> Number:
        decided = self._of_pair(reading)
        pick: Pick | None = None
        if decided is None:
            pick = self._asked.pick(reading)
            decided = pick.decided
        gates = self._asked.scene.gates
        error = kind.rule.error(decided, gates)
        power = kind.unit.scale_power if kind.unit else 0
        source = f"{kind.type_id} {' '.join(map(str, sorted(reading.object_ids)))}"
        terms = {source: error, SCALE: power * gates.scale_sigma_rel * decided.margin} if math.isfinite(error) else None
        value = decided.margin if pick is None or pick.value is None else pick.value
        what = asked_label(kind, tuple(map(self._called.__getitem__, reading.object_ids)), pick.variant if pick else "")
        return Number(value, _POWERS.get(kind.unit_si or "", (0, 0)), terms, what if is_asked else "")

    def _of_pair(self, reading: Reading) -> Decided | None:
        """Return a distance of two surfaces as it was measured, however small."""
        field = _FROM_PAIRS.get(reading.kind.type_id)
        scene, ids = self._asked.scene, tuple(sorted(reading.object_ids))
        pair = scene.pairs.get((ids[0], ids[1])) if field and len(ids) == 2 else None
        if field is None or pair is None or not isinstance(reading.kind.rule, PairRule):
            return None
        if not reading.kind.is_open(scene.gates):
            return None
        seen = {one.object_id: one for one in scene.objects}
        value = float(getattr(pair, field))
        return Decided(seen[ids[0]], seen[ids[1]], value, 0.0) if value >= 0 else None


def _reply(value: Value) -> Reply:
    said = value.said() if isinstance(value, Number) else _said(value)
    return Reply(said, value)


def _said(value: Value) -> str:
    if isinstance(value, Verdict):
        return "yes" if value.yes else "no"
    return value.name if isinstance(value, Thing) else str(value)


def _digest(scene: Mapping[str, Any], called: Mapping[int, str]) -> str:
    kept = {name: scene.get(name) for name in ("image_id", "objects", "pairs", "camera", "gravity_src", "scale_ok")}
    text = json.dumps([kept, sorted(called.items())], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
