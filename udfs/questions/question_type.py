"""A question type: everything that is true of it, declared in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from udfs.questions.rule import Decided, Need, ObjectRule, Rule, SceneRule, SequenceRule, SeveralRule
from udfs.questions.scene import Gates
from udfs.questions.spans import Span
from udfs.questions.unit import Unit


class Family(StrEnum):
    """The two halves of the table of answers."""

    QUALITATIVE = "qualitative"
    QUANTITATIVE = "quantitative"


class Group(StrEnum):
    """When a type is asked: always, where a setting of `synthesize` asks for more, or about several images.

    Affordances are asked where `max_affordances` leaves room, further types where `answers_per_image` is set.
    """

    CORE = "core"
    AFFORDANCE = "affordance"
    FURTHER = "further"
    VIEWS = "views"


class AnswerKind(StrEnum):
    """What answers a type: yes or no, an object, a number, a point of the image, words, or why none."""

    BOOL = "bool"
    CHOICE = "choice"
    NUMBER = "number"
    POINT = "point"
    TEXT = "text"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Variant:
    """How one variant of a type's answers differs from the type.

    `needs` and `distance_kind` are None where the type's own apply. `is_unsaid` marks a variant whose answer states no
    number, such as "it rests on the floor".
    """

    needs: tuple[Need, ...] | None = None
    distance_kind: str | None = None
    is_unsaid: bool = False


def relative_error(decided: Decided, max_relative_sigma: float) -> float:
    """Return the largest standard error at which a number is asked for: a share of the number."""
    return max_relative_sigma * decided.margin


@dataclass(frozen=True, eq=False, kw_only=True)
class QuestionType:
    """One question type; its wordings and its worked example are in `TYPE_ID.yaml` beside its module.

    Required:
        type_id: unique id, a column of every row.
        name: what is asked, such as "left of".
        rule: what decides the type.

    Optional:
        title: the heading on pages; by default the name with a capital, "/" for "or", and "?" after
            what is answered by yes or no.
        needs: gates that must be open, in the order of the column `needs`; by default the rule's.
        sides: of a choice or a number: two words, the first true of the rule's first object.
        unit, distance_kind: of a number; a point's unit is that of the area around it.
        group: when the type is asked; by default always.
        is_point: whether the answer is a point of the image.
        asked_like: ids of the types about objects whose free English asks for this one where a surface or an opening
            is named.
        is_word: whether the answer is a word, that of the variant or one that the rule fills in.
        answers_with: the kind of answer, where it does not follow from the other fields: an object out of several, or
            why the question has no answer.
        of_first: yes or no: whether the predicate is true of the rule's first object.
        opposite: the rule that decides "no" where it is not the rule itself with objects exchanged.
        variants: variants of the answer by their word; by default yes and no, the sides, or `value`.
        keeps_order: A is always the rule's first object, as in "how many times taller".
        is_mirrored: whether a mirror image exchanges yes and no, or the sides.
        max_error: largest standard error at which a number is asked for, from the decided number and
            the setting `max_relative_sigma`.
        relation: types that share it say the same about two objects and are balanced together in
            evaluation sets; by default the rule's name.
        span: the lines that show in an image what a number, or what is compared, is measured along.

    Following from these:
        answer_kind: a word or a point, else a number with a unit, else one of two objects with sides, else yes or no.
        mirror, swap: what each variant becomes in a mirror image, and with A and B exchanged;
            a variant that is left out stays.
    """

    type_id: str
    name: str
    rule: Rule
    title: str = ""
    needs: tuple[Need, ...] = ()
    sides: tuple[str, ...] = ()
    unit: Unit | None = None
    distance_kind: str | None = None
    of_first: bool = True
    opposite: Rule | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)
    keeps_order: bool = False
    is_mirrored: bool = False
    max_error: Callable[[Decided, float], float] = relative_error
    relation: str = ""
    span: Span | None = None
    group: Group = Group.CORE
    is_point: bool = False
    asked_like: tuple[str, ...] = ()
    is_word: bool = False
    answers_with: AnswerKind | None = None
    answer_kind: AnswerKind = field(init=False)
    mirror: Mapping[str, str] = field(init=False)
    swap: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        if len(self.sides) not in (0, 2):
            raise ValueError(f"Question type {self.type_id} has sides {self.sides}; give it two, or none.")
        kind = AnswerKind.NUMBER if self.unit else AnswerKind.CHOICE if self.sides else AnswerKind.BOOL
        kind = AnswerKind.TEXT if self.is_word else AnswerKind.POINT if self.is_point else self.answers_with or kind
        words = ("yes", "no") if kind == AnswerKind.BOOL else self.sides or ("value",)
        exchanged = dict(zip(words, reversed(words), strict=True)) if len(words) == 2 else {}
        is_several = isinstance(self.rule, SeveralRule)
        is_ordered = (
            self.objects == 2
            and not is_several
            and kind != AnswerKind.CHOICE
            and not (self.keeps_order or self.opposite)
        )
        title = (self.name[0].upper() + self.name[1:]).replace(" or ", " / ")
        following = {
            "answer_kind": kind,
            "title": self.title or (f"{title}?" if kind == AnswerKind.BOOL else title),
            "needs": self.needs or self.rule.needs,
            "variants": self.variants or {word: Variant() for word in words},
            "relation": self.relation or self.rule.name,
            "mirror": exchanged if self.is_mirrored else {},
            "swap": exchanged if is_ordered else {},
        }
        for name, value in following.items():
            object.__setattr__(self, name, value)

    @property
    def family(self) -> Family:
        """Return which half of the table the type is in."""
        return Family.QUANTITATIVE if self.answer_kind == AnswerKind.NUMBER else Family.QUALITATIVE

    @property
    def objects(self) -> int:
        """Return how many things are asked about."""
        if isinstance(self.rule, SceneRule | SequenceRule | SeveralRule):
            return self.rule.things
        return 1 if isinstance(self.rule, ObjectRule) else 2

    @property
    def unit_si(self) -> str | None:
        """Return the SI symbol of the unit, None without a number."""
        return self.unit.symbol if self.unit else None

    @property
    def is_symmetric(self) -> bool:
        """Return whether A and B can be exchanged without changing the answer."""
        exchangeable = self.answer_kind != AnswerKind.CHOICE and not self.keeps_order
        return self.objects == 2 and exchangeable and not self.swap

    def is_open(self, gates: Gates) -> bool:
        """Return whether a scene has what the type needs."""
        has = {Need.GRAVITY: gates.gravity, Need.METRIC: gates.metric, Need.SUPPORT: gates.surface is not None}
        return all(has.get(need, True) for need in self.needs)

    def variant_of(self, decided: Decided, forward: bool) -> str:
        """Return the variant that answers what was decided; `forward` says that A is its first object.

        A choice is asked for either side; the variant is the side that is true of A.
        """
        if decided.word in self.variants:
            return decided.word
        if self.answer_kind == AnswerKind.BOOL:
            return "yes" if forward == self.of_first else "no"
        return self.sides[0] if forward else self.sides[1]

    def side_of(self, variant: str) -> str | None:
        """Return the side that a variant states, None if it states none."""
        is_free = self.is_point or self.group in (Group.VIEWS, Group.FURTHER)
        is_side = variant in self.sides or (is_free and variant not in ("value", "yes", "no"))
        return variant if is_side else None

    def needs_of(self, variant: str) -> tuple[Need, ...]:
        """Return the needs of a variant."""
        needs = self.variants[variant].needs
        return self.needs if needs is None else needs

    def distance_kind_of(self, variant: str) -> str | None:
        """Return the kind of distance that a variant asks for."""
        return self.variants[variant].distance_kind or self.distance_kind
