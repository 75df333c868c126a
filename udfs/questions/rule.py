"""Rules: what decides a relation or a number, and its standard error.

A rule looks at one object, at two, or at a whole scene with its surfaces and openings, and returns what it decides, or
None where the difference does not reach its threshold or an independent second measurement contradicts it. NaN decides
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from udfs.questions.bodies import Measure, Stated
from udfs.questions.scene import Gates, Scene, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.settings import SynthesizeSettings

if TYPE_CHECKING:
    from udfs.questions.related import Related


class Need(StrEnum):
    """What a scene (G, F, M) or every object asked about (Am) must have."""

    GRAVITY = "G"
    SUPPORT = "F"
    METRIC = "M"
    AMODAL = "Am"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a question states, or an answer shows, beside the names of its things.

    `asked_m` is the length that the question states, drawn near what is measured, and `body` the key in `bodies.yaml`
    of whom it is about. `lengths_m` are said by slot of the wordings, `words` fill slots themselves and may hold slots.
    `sigma_m` is the standard error of the measured length. `point` is the answer of a point type, (u, v) in [0, 1), and
    `outline` what is around it, [k][2], likewise.

    Of types about several objects: `chosen` is the object that a choice answers, one of `options`; `order` the objects
    that an order or a list answers; `frame` whose left and right are meant; `fact` tells two questions about the same
    objects apart; `reason` is the code of a question that is refused.
    """

    asked_m: float | None = None
    body: str | None = None
    lengths_m: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    sigma_m: float | None = None
    point: tuple[float, float] | None = None
    outline: tuple[tuple[float, float], ...] | None = None
    chosen: SeenObject | None = None
    options: tuple[SeenObject, ...] = ()
    order: tuple[SeenObject, ...] = ()
    frame: str = "viewer"
    fact: str = ""
    reason: str | None = None


class Decided(NamedTuple):
    """One decided relation or number.

    `first` is the object further left, higher, nearer, wider, taller or bigger; what is about one thing has no
    `second`, and what is about more than two has `others`. `margin` is the value that was compared with `threshold`:
    the number itself for a number. `word` names the variant where a rule decides several: gap, rests, ahead. `given`
    is what a scene rule adds. Surfaces and openings are things, too (`SeenPlace`).
    """

    first: SeenObject
    second: SeenObject | None
    margin: float
    threshold: float
    word: str = "value"
    others: tuple[SeenObject, ...] = ()
    given: Given | None = None

    @property
    def things(self) -> tuple[SeenObject, ...]:
        """Return everything that the decision is about, in order."""
        return (self.first, *(() if self.second is None else (self.second,)), *self.others)


@dataclass(frozen=True, kw_only=True)
class Room:
    """What there is between, under or up to some things, to compare with a stated length: m, with its own error."""

    things: tuple[SeenObject, ...]
    has_m: float
    sigma_m: float


@dataclass(frozen=True, kw_only=True)
class Stating:
    """How a rule compares what a question states: which length of a body counts, and which way.

    `rooms` returns what there is, for any `things` of a scene. `what` says who or what it is about, with a slot for the
    length. `is_reach` says that "yes" is a length of at least what is measured, in place of at most.
    """

    measure: Measure
    rooms: Callable[[Scene], list[Room]]
    what: Callable[[Stated], str]
    things: int
    is_reach: bool = False


DecideObject = Callable[[SeenObject, Gates, SynthesizeSettings], Decided | None]
DecidePair = Callable[[SeenObject, SeenObject, SeenPair | None, Gates], Decided | None]
DecideScene = Callable[[Scene, SynthesizeSettings], list[Decided]]
DecideSeveral = Callable[["Related", SynthesizeSettings], list[Decided]]
DecideSequence = Callable[[Sequence, SequenceSettings], list[Found]]
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
class SceneRule(Rule):
    """A rule about a scene with its layout: it returns everything that it decides about any `things` of it.

    Things are objects, surfaces and openings. What a question states is drawn by the rule from a seed of the things.
    Such rules belong to types of the group `affordance`, which are asked only where the settings say so. `of` names
    what the things are, in order, where they are not all objects: wall, doorway or top. `stating` is how the rule
    decides what somebody asks with a length of their own, and `asked` how it decides what somebody asks, where more is
    decided then than makes a question for a lake.
    """

    decide: DecideScene
    things: int = 1
    of: tuple[str, ...] = ()
    stating: Stating | None = None
    asked: DecideScene | None = None


def no_error(*_: object) -> float:
    """Return 0: the rule itself says how sure each of its decisions is."""
    return 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class SeveralRule(Rule):
    """A rule about several objects of one image, from what is certain about each of them and each pair.

    It returns what it decides about drawn choices of `things` objects or more, in the order in which the question names
    them: a decision's `word` is the variant of the answer. Such rules belong to types of the group `further`, which are
    asked only where `synthesize.answers_per_image` is set.
    """

    decide: DecideSeveral
    things: int = 3
    error: StandardError = no_error


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceRule(Rule):
    """A rule about a fused sequence: it returns everything that it decides about any `things` of any frames of it.

    Each decision carries its own standard error. Such rules belong to types of the group `views`.
    """

    decide: DecideSequence
    things: int = 0
    error: StandardError = no_error


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
