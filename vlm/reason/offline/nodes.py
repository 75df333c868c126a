"""What the words of a question stand for: things, and lengths that are measured or stated."""

from dataclasses import dataclass

from vlm.reason.tools import Dimension, DistanceKind, RelationName


@dataclass(frozen=True)
class Mentioned:
    """A thing by the noun phrase that the question uses."""

    phrase: str


@dataclass(frozen=True)
class Extreme:
    """The object nearest to an anchor, or farthest from it; without an anchor, from the camera."""

    anchor: str | None
    farthest: bool


@dataclass(frozen=True)
class Related:
    """The object that stands in a relation to an anchor; of several, the `nearest` one where the question says so."""

    relation: RelationName
    anchor: str
    nearest: bool


@dataclass(frozen=True)
class Outermost:
    """The object that stands in a relation to all others, such as the tallest or the leftmost."""

    relation: RelationName


Node = Mentioned | Extreme | Related | Outermost


@dataclass(frozen=True)
class Between:
    """A distance between two things; "camera" may be the first."""

    a: str
    b: str
    kind: DistanceKind | None = None


@dataclass(frozen=True)
class Extent:
    """A size of a thing."""

    of: str
    dimension: Dimension


@dataclass(frozen=True)
class Stated:
    """A length that the question states, m."""

    value_m: float


@dataclass(frozen=True)
class Total:
    """A sum of lengths."""

    parts: "tuple[Length, ...]"


Length = Between | Extent | Stated | Total
