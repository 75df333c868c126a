"""A scene that is asked: what its rows say is derived once, and every question is answered from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from udfs.language.naming import Place, SceneNames
from udfs.language.quantity import say_compared
from udfs.questions.answer import Answer, AskedObject
from udfs.questions.bodies import Stated
from udfs.questions.deciding import Asked
from udfs.questions.examples import kinds_near, mentioned, object_rows
from udfs.questions.layout import SeenPlace, layout_of
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.reading.reader import Reading, object_named, read_question
from udfs.questions.refusals import NotAnswered, NotUnderstood, WhyNot
from udfs.questions.registry import askable_types, scene_types
from udfs.questions.rule import SceneRule
from udfs.questions.sampler import Pick
from udfs.questions.scene import Scene, gates_of, scene_of
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.speaking import Spoken, parsed_unit, spoken
from udfs.questions.wordings import asks_by_variant, grammar_text, questions, render

ObjectName = int | str


@dataclass(frozen=True)
class AskedScene:
    """A row of `scenes`, the list of `references`, and the regions that the experts found, ready to be asked."""

    row: Mapping[str, Any]
    references: Sequence[Mapping[str, Any]]
    regions: Sequence[Mapping[str, Any]] = ()
    settings: SynthesizeSettings = field(default_factory=SynthesizeSettings)

    @cached_property
    def names(self) -> SceneNames:
        """The names of everything in the image."""
        expressions = {one["object_id"]: one["expression"] for one in self.references}
        gravity = gates_of(self.row).gravity
        called = SceneNames(self.row["objects"], expressions, self.regions, has_gravity=gravity)
        places = [_place(place, called) for place in self.places.values()]
        return SceneNames(self.row["objects"], expressions, self.regions, has_gravity=gravity, places=places)

    @cached_property
    def places(self) -> dict[int, SeenPlace]:
        """The surfaces and openings by their negative ids; none where the scene was lifted without them."""
        return {place.object_id: place for place in layout_of(self.row).places}

    @cached_property
    def called(self) -> dict[int, str]:
        """How each thing is called in an answer, by id."""
        return {number: self.names.called(number) for number in self.names.things}

    @cached_property
    def scene(self) -> Scene:
        """Every measured object and pair as the rules read them, those without a unique name too."""
        objects = [one["object_id"] for one in self.row["objects"]]
        references = [{"object_id": one, "expression": self.called[one], "form": "label"} for one in objects]
        return scene_of(self.row, references)

    @cached_property
    def _laid_out(self) -> Scene:
        return replace(self.scene, layout=layout_of(self.row))

    def read(self, question: str) -> Reading:
        """Return what a question in words asks.

        Raises:
            NotUnderstood: the grammar does not read it; a planner may.
            NotAnswered: it names a thing that is not there, or that could be several.
        """
        return read_question(self.names, question)

    def answer(
        self,
        asked: str,
        *objects: ObjectName,
        side: str | None = None,
        unit: str | None = None,
        needs_m: float | None = None,
    ) -> Answer:
        """Return the answer to a question in words, or to a type (its id or name) about objects (ids or names).

        `side` is what a choice is asked for, such as "shorter"; `unit` the unit of a number; `needs_m` the width,
        height or reach to compare with what there is. What cannot be answered says why in `text`, with a code in
        `reason`.
        """
        try:
            reading = self._typed(asked, objects, side, unit, needs_m) if objects else self.read(asked)
        except NotUnderstood as why:
            near = self.near_questions(asked)
            hint = f" Ask, for example: {' '.join(near)}" if near else ""
            return Answer(question=asked, text=f"{why}{hint}", reason=str(why.reason), near=tuple(near))
        except NotAnswered as why:
            return Answer(question=asked, text=str(why), reason=str(why.reason))
        return self.answer_reading(reading, asked if not objects else self._worded(reading))

    def answer_reading(self, reading: Reading, question: str) -> Answer:
        """Return the answer to a question that was read; `question` is how it was asked."""
        kind = reading.kind
        about = tuple(AskedObject(one, self.called[one]) for one in reading.object_ids)
        try:
            pick = self.pick(reading)
            surface = self._surface(reading)
            said = spoken(pick, self.called, surface, reading.unit)
        except NotAnswered as why:
            return Answer(question=question, text=str(why), reason=str(why.reason), type_id=kind.type_id, objects=about)
        chosen = AskedObject(pick.chosen.object_id, self.called[pick.chosen.object_id]) if pick.chosen else None
        given = pick.decided.given
        return Answer(
            question=question,
            text=_worded(said, pick, reading),
            point=given.point if given else None,
            asked_m=given.asked_m if given else None,
            has_m=pick.decided.margin if given and given.asked_m is not None else None,
            type_id=kind.type_id,
            objects=about,
            variant=pick.variant,
            chosen=chosen,
            value=said.value,
            sigma=said.sigma,
            unit=said.unit,
            value_text=said.value_text,
            value_si=pick.value,
            sigma_si=pick.sigma,
        )

    def near_questions(self, question: str = "", count: int = 3) -> list[str]:
        """Return questions that have an answer here: those whose words and objects are nearest to a question."""
        about = [one for one in mentioned(self.names, question) if one in self._measured]
        named = [one for one in self._measured if self.names.things[one].expression]
        found: list[str] = []
        said: set[str] = set()
        for kind in kinds_near(question):
            if kind.relation in said:
                continue
            for ids in object_rows(kind, about, named):
                try:
                    pick = self.pick(Reading(kind, ids))
                except NotAnswered:
                    continue
                found.append(self._worded(Reading(kind, ids, pick.variant)))
                said.add(kind.relation)
                break
            if len(found) == count:
                break
        return found

    @cached_property
    def _measured(self) -> list[int]:
        """The ids of the measured objects, nearest first."""
        return [one.object_id for one in sorted(self.scene.objects, key=lambda one: one.range_m)]

    def pick(self, reading: Reading) -> Pick:
        """Return what decides a question that was read, as the stage `synthesize` decides it.

        Raises:
            NotAnswered: the scene does not decide it.
        """
        if len(set(reading.object_ids)) < len(reading.object_ids):
            name = self.called[reading.object_ids[0]]
            raise NotAnswered(WhyNot.SAME_OBJECT, f"The question names {name} twice; name two objects.")
        seen: dict[int, SeenObject] = {one.object_id: one for one in self.scene.objects}
        seen |= self.places
        for one in reading.object_ids:
            if one not in seen:
                raise NotAnswered(WhyNot.NOT_MEASURED, self._why_unmeasured(one))
        objects = tuple(seen[one] for one in reading.object_ids)
        scene = self._laid_out if isinstance(reading.kind.rule, SceneRule) else self.scene
        question = Asked(reading.kind, objects, reading.variant, reading.stated)
        return question.decided(scene, self.settings, self.called)

    def _typed(
        self,
        asked: str,
        objects: tuple[ObjectName, ...],
        side: str | None,
        unit: str | None,
        needs_m: float | None,
    ) -> Reading:
        kind = kind_of(asked)
        stating = kind.rule.stating if isinstance(kind.rule, SceneRule) and needs_m is not None else None
        count = stating.things if stating else kind.objects
        if len(objects) != count:
            number = "one object" if count == 1 else f"{count} objects"
            raise NotAnswered(WhyNot.UNKNOWN_TYPE, f"{kind.name} is about {number}, and {len(objects)} were given.")
        if side is not None and side not in kind.variants:
            sides = ", ".join(kind.variants)
            raise NotAnswered(WhyNot.UNKNOWN_TYPE, f"{kind.name} has no side {side!r}; it has {sides}.")
        ids = tuple(object_named(self.names, one) for one in objects)
        stated = Stated(needs_m, None) if needs_m is not None else None
        return Reading(kind, ids, side, parsed_unit(unit) if unit else None, stated=stated)

    def _surface(self, reading: Reading) -> str:
        """Return what the floor or table is called.

        Raises:
            NotAnswered: the question is about another one than the heights are measured from.
        """
        surface = self.scene.gates.surface or ""
        if reading.surface not in (None, "surface", surface):
            raise NotAnswered(
                WhyNot.NO_SUPPORT,
                f"Heights here are measured from the {surface}; ask about that, since no {reading.surface} was found.",
            )
        return surface

    def _worded(self, reading: Reading) -> str:
        """Return a question of a type in the type's first wording."""
        kind = reading.kind
        variant = (reading.variant or next(iter(kind.variants))) if asks_by_variant(kind.type_id) else None
        slots = dict(zip("AB", (self.called[one] for one in reading.object_ids), strict=False))
        surface = self.scene.gates.surface or "surface"
        if isinstance(kind.rule, SceneRule):
            variant, slots = None, slots | self._scene_slots(kind.rule, reading, slots)
        return render(questions(kind.type_id, variant)[0].text, surface=surface, **slots)

    def _scene_slots(self, rule: SceneRule, reading: Reading, slots: Mapping[str, str]) -> dict[str, str]:
        what = slots.get("B", "something")
        if rule.stating is not None and reading.stated is not None:
            what = rule.stating.what(reading.stated).format(needs=say_compared(reading.stated.length_m))
        side = grammar_text()["sides"].get(reading.variant)
        return {"what": what, "where": side.format(**slots) if side else "near"}

    def _why_unmeasured(self, object_id: int) -> str:
        rejected = [one for one in self.row["rejected"] if one["region_id"] == object_id]
        detail = f": {rejected[0]['detail']}" if rejected else "."
        return f"{self.called[object_id]} is in the image, but could not be measured{detail}"


def kind_of(asked: str) -> QuestionType:
    """Return the type of an id or a name, such as "N09" or "height".

    Raises:
        NotAnswered: there is none.
    """
    wanted = asked.strip().casefold()
    kinds = (*askable_types(), *scene_types())
    for kind in kinds:
        if wanted in (kind.type_id.casefold(), kind.name.casefold()):
            return kind
    known = ", ".join(f"{kind.type_id} ({kind.name})" for kind in kinds)
    raise NotAnswered(WhyNot.UNKNOWN_TYPE, f"There is no question type {asked!r}; there are {known}.")


def _worded(said: Spoken, pick: Pick, reading: Reading) -> str:
    if reading.options is not None and pick.chosen is not None and pick.chosen.object_id in reading.options:
        return "AB"[reading.options.index(pick.chosen.object_id)]
    if reading.asks_first and reading.kind.answer_kind == AnswerKind.CHOICE and pick.chosen is not None:
        return f"{'Yes' if pick.chosen is pick.a else 'No'}: {said.text[0].lower()}{said.text[1:]}"
    if reading.by_table and reading.stated is not None and reading.stated.body is not None:
        return f"{said.text} The length is that of {reading.stated.body.name}."
    return said.text


def _place(place: SeenPlace, names: SceneNames) -> Place:
    """Return how a surface or an opening is called: by its own name, or a top after the object that has it."""
    if place.owner is not None:
        owner = names.called(place.owner)
        bare = owner.removeprefix("the ")
        return Place(place.object_id, place.kind, f"the top of {owner}", (f"{bare} top", f"{bare}top"))
    bare = place.name.removeprefix("the ")
    side = bare.split()[0]
    by_side = (f"{side}-hand {place.kind}", f"{place.kind} on the {side}") if side in _SIDES else ()
    return Place(place.object_id, place.kind, place.name, (bare, *_ALSO.get(bare, ()), *by_side))


_SIDES = ("left", "right")
_ALSO = {
    "back wall": ("far wall", "rear wall", "wall at the back", "wall in the back"),
    "doorway": ("door opening", "door", "entrance"),
}
