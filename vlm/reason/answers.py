"""Where spatial answers come from: one interface for geometry, models and endpoints."""

from dataclasses import dataclass
from typing import Protocol

from udfs.questions.question_type import QuestionType
from udfs.questions.registry import askable_types
from vlm.reason.names import Names
from vlm.reason.tools import CAMERA, Ask, Distance, Locate, Query, Relation, Size
from vlm.reason.values import Value, listed

# Words in which people speak of where the image was taken from.
_CAMERA_WORDS = frozenset(("camera", "the camera", "viewer", "the viewer", "me", "here", "photographer", "us"))


@dataclass(frozen=True)
class Reply:
    """The answer to one query: the raw text, and what was read from it; without a value, `refusal` says why."""

    raw: str
    value: Value | None = None
    refusal: str | None = None
    tokens: int = 0


class Answers(Protocol):
    """A source of spatial answers about one image."""

    names: Names

    def identity(self) -> str:
        """Return what the answers depend on besides the queries."""
        ...

    def reply(self, query: Query) -> Reply:
        """Answer one query.

        Raises:
            AnswersUnusable: nothing can be answered.
        """
        ...


class AnswersUnusable(Exception):
    """A source that cannot answer anything; the message states the value and the remedy."""


@dataclass(frozen=True)
class Typed:
    """A query as a question type of the engine about objects of the image.

    `side` is the variant asked for, as in "taller". A choice is answered by the object chosen where it `picks` one,
    else by whether that is the first.
    """

    type_id: str
    objects: tuple[str, ...]
    side: str | None = None
    picks: bool = False


_DISTANCES = {"closest": "N01", "center": "N02", "horizontal": "N03", "vertical": "N04", "gap": "N19"}
_SIZES = {"width": "N08", "height": "N09", "depth": "N10", "bottom": "N15", "top": "N16"}
_RELATIONS: dict[str, tuple[str, str | None]] = {
    "left of": ("Q01", None), "right of": ("Q02", None), "above": ("Q04", None), "below": ("Q05", None),
    "in front of": ("Q07", None), "behind": ("Q08", None), "closer than": ("Q09", "closer"),
    "farther than": ("Q09", "farther"), "wider than": ("Q10", None), "narrower than": ("Q11", None),
    "taller than": ("Q13", None), "shorter than": ("Q14", None), "bigger than": ("Q16", None),
    "smaller than": ("Q17", None), "next to": ("Q19", None),
}  # fmt: skip


def is_camera(name: str) -> bool:
    """Return whether a name means the place that the image was taken from."""
    return name.strip().lower() in _CAMERA_WORDS


def typed(query: Query) -> Typed | None:
    """Return the question type that a query asks, None for a free question or a name."""
    match query:
        case Distance(a=a, b=b) if is_camera(a) or is_camera(b):
            return Typed("N13", (b if is_camera(a) else a,))
        case Distance(a=a, b=b, kind=kind):
            return Typed(_DISTANCES[kind], (a, b))
        case Size(of=of, dimension=dimension):
            return Typed(_SIZES[dimension], (of,))
        case Relation(a=a, relation=relation, b=b):
            type_id, side = _RELATIONS[relation]
            return Typed(type_id, (a, b), side)
        case _:
            return None


def typed_question(question: str, names: Names) -> Typed | None:
    """Return the type and the objects of a question in the engine's wordings about objects, None of any other."""
    read = names.worded(question)
    if read is None or read.kind not in askable_types() or not names.called.keys() >= set(read.object_ids):
        return None
    return Typed(read.kind.type_id, tuple(names.called[one] for one in read.object_ids), read.variant, picks=True)


def statement_of(query: Query, names: tuple[str, ...], yes: bool) -> str:
    """Return what a relation states: "the mug is left of the lamp", or that it is not."""
    if isinstance(query, Relation):
        return f"{names[0]} is {'' if yes else 'not '}{query.relation} {names[1]}"
    return f'"{label_of(query, names)}"'


def asked_label(kind: QuestionType, names: tuple[str, ...], variant: str) -> str:
    """Return a noun phrase for the number that a question of a type asks for, with the side that it states."""
    if variant not in kind.sides:
        return f"the {kind.name} of {listed(names)}"
    if kind.unit_si == "rad":
        return f"the direction of {names[0]} to the {variant}"
    if kind.unit_si == "m":
        return f"the length by which {names[0]} is {_SIDES.get(variant, variant)} compared with {names[1]}"
    return f"the number of times that {names[0]} is {variant} than {names[1]}"


_SIDES = {"left": "farther left", "right": "farther right", "front": "in front"}


def label_of(query: Query, names: tuple[str, ...]) -> str:
    """Return a noun phrase for what a query measures, such as "the width of the table"."""
    match query:
        case Distance(a=a, b=b) if is_camera(a) or is_camera(b):
            return f"the distance from the {CAMERA} to {names[0]}"
        case Distance(kind="gap"):
            return f"the gap between {names[0]} and {names[1]}"
        case Distance(kind=kind):
            words = {"closest": "distance", "center": "center-to-center distance"}.get(kind, f"{kind} distance")
            return f"the {words} between {names[0]} and {names[1]}"
        case Size(dimension="top" | "bottom" as end):
            return f"the height of the {end} of {names[0]}"
        case Size(dimension=dimension):
            return f"the {dimension} of {names[0]}"
        case Relation(relation=relation):
            return f"{names[0]} {relation} {names[1]}"
        case Ask(question=question):
            return question.rstrip("?. ")
        case Locate(what=what):
            return what
