"""A question type: everything that is true of it, declared in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from udfs.questions.rule import Decided, Need, ObjectRule, Rule, are_open
from udfs.questions.scene import Gates
from udfs.questions.unit import Unit


class Family(StrEnum):
    """The two halves of the table of answers."""

    QUALITATIVE = "qualitative"
    QUANTITATIVE = "quantitative"


class AnswerKind(StrEnum):
    """What kind of answer a type has: yes or no, one of two objects, or a number."""

    BOOL = "bool"
    CHOICE = "choice"
    NUMBER = "number"


@dataclass(frozen=True)
class Variant:
    """How one variant of a type's answers differs from the type.

    `needs` and `distance_kind` are None where they are the type's. `is_unsaid` marks a variant whose
    answer says no number, such as "it rests on the floor".
    """

    needs: tuple[Need, ...] | None = None
    distance_kind: str | None = None
    is_unsaid: bool = False


def relative_error(decided: Decided, max_relative_sigma: float) -> float:
    """Return the largest standard error at which a number is asked for: a share of the number."""
    return max_relative_sigma * decided.margin


def exchange(one: str, other: str) -> dict[str, str]:
    """Return the mapping that exchanges two variants."""
    return {one: other, other: one}


YES_NO = exchange("yes", "no")
LEFT_RIGHT = exchange("left", "right")


@dataclass(frozen=True, eq=False, kw_only=True)
class QuestionType:
    """One question type; its wordings and its worked example are in `TYPE_ID.yaml` beside its module.

    Required of every type:
        type_id: unique id, a column of every row.
        name: what is asked, such as "left of"; `title` is the heading on pages.
        answer_kind: yes or no, one of two objects, or a number.
        needs: gates that must be open, in the order of the column `needs`.
        rule: what decides the type.

    Optional:
        of_first: yes or no: whether the predicate is true of the rule's first object.
        opposite: the rule that decides "no" where it is not the rule itself with objects exchanged.
        sides: of a choice or a number: two words, the first true of the rule's first object.
        unit, distance_kind: of a number.
        variants: variants of the answer by their word; by default yes and no, the sides, or `value`.
        keeps_order: A is always the rule's first object, as in "how many times taller".
        max_error: largest standard error at which a number is asked for, from the decided number and
            the setting `max_relative_sigma`.
        mirror, swap: what each variant becomes in a mirror image, and with A and B exchanged;
            a variant that is left out stays.
        relation: types that share it say the same about two objects and are balanced together in
            evaluation sets; by default the rule's name.
    """

    type_id: str
    name: str
    title: str
    answer_kind: AnswerKind
    needs: tuple[Need, ...]
    rule: Rule
    of_first: bool = True
    opposite: Rule | None = None
    sides: tuple[str, ...] = ()
    unit: Unit | None = None
    distance_kind: str | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)
    keeps_order: bool = False
    max_error: Callable[[Decided, float], float] = relative_error
    mirror: Mapping[str, str] = field(default_factory=dict)
    swap: Mapping[str, str] = field(default_factory=dict)
    relation: str = ""

    def __post_init__(self) -> None:
        if (self.answer_kind == AnswerKind.NUMBER) != (self.unit is not None):
            raise ValueError(f"Question type {self.type_id} must have a unit if, and only if, its answer is a number.")
        if self.answer_kind == AnswerKind.CHOICE and len(self.sides) != 2:
            raise ValueError(f"Question type {self.type_id} is a choice and has sides {self.sides}; give it two.")
        if not self.variants:
            words = ("yes", "no") if self.answer_kind == AnswerKind.BOOL else self.sides or ("value",)
            object.__setattr__(self, "variants", {word: Variant() for word in words})
        object.__setattr__(self, "relation", self.relation or self.rule.name)

    @property
    def family(self) -> Family:
        """Return which half of the table the type is in."""
        return Family.QUANTITATIVE if self.answer_kind == AnswerKind.NUMBER else Family.QUALITATIVE

    @property
    def objects(self) -> int:
        """Return how many objects are asked about."""
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
        return are_open(self.needs, gates)

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
        """Return the side that a variant says, None where it says none."""
        return variant if variant in self.sides else None

    def needs_of(self, variant: str) -> tuple[Need, ...]:
        """Return the needs of a variant."""
        needs = self.variants[variant].needs
        return self.needs if needs is None else needs

    def distance_kind_of(self, variant: str) -> str | None:
        """Return the kind of distance that a variant asks for."""
        return self.variants[variant].distance_kind or self.distance_kind
