"""Rules: what decides a relation or a number, and its standard error.

A rule looks at one object or at two and returns what it decides, or None where the difference does
not reach its threshold or an independent second measurement contradicts it. NaN decides nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings


class Need(StrEnum):
    """What a scene (G, F, M) or every object asked about (Am) must have."""

    GRAVITY = "G"
    SUPPORT = "F"
    METRIC = "M"
    AMODAL = "Am"


class Decided(NamedTuple):
    """One decided relation or number.

    `first` is the object further left, higher, nearer, wider, taller or bigger; a number about one
    object has no `second`. `margin` is the value that was compared with `threshold`: the number
    itself for a number. `word` names the variant where a rule decides several: gap, rests, ahead.
    """

    first: SeenObject
    second: SeenObject | None
    margin: float
    threshold: float
    word: str = "value"


DecideObject = Callable[[SeenObject, Gates, SynthesizeSettings], Decided | None]
DecidePair = Callable[[SeenObject, SeenObject, SeenPair | None, Gates], Decided | None]
Derive = Callable[[Decided], Decided | None]
StandardError = Callable[[Decided, Gates], float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Rule:
    """What decides one relation or number, and how far off it may be.

    `error` returns the standard error of the margin without the scale error that all objects share;
    inf or NaN where it is unknown. `keeps_threshold` is true where the margin is measured from a
    limit that does not move with the error, as for `near`. `compares`, `check` and `error_is`
    describe the rule, its consistency check and its error for docs/questions.md.
    """

    name: str
    needs: tuple[Need, ...]
    error: StandardError
    compares: str
    error_is: str
    check: str = ""
    keeps_threshold: bool = False

    @property
    def is_sized(self) -> bool:
        """Return whether every object must have a size."""
        return Need.AMODAL in self.needs


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjectRule(Rule):
    """A rule about one object."""

    decide: DecideObject


@dataclass(frozen=True, eq=False, kw_only=True)
class PairRule(Rule):
    """A rule about two objects."""

    decide: DecidePair


@dataclass(frozen=True, eq=False, kw_only=True)
class DerivedRule(Rule):
    """A rule about two objects that looks only at what other rules decided; `derive` is by these rules.

    Raises:
        ValueError: it needs objects with sizes, and a rule that it derives from does not.
    """

    derive: Mapping[PairRule, Derive]

    def __post_init__(self) -> None:
        unsized = [source.name for source in self.derive if self.is_sized and not source.is_sized]
        if unsized:
            raise ValueError(
                f"Rule {self.name} needs Am, and {', '.join(unsized)} does not; derive from rules that do."
            )
