"""What rules about several views read and decide: a fused sequence with names for its objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from schemas.settings import Settings
from udfs.language.draws import Draws, seed_of

if TYPE_CHECKING:
    from udfs.geometry.fusion import FusedObject, FusedScene

_ARTICLES = ("a ", "an ", "the ")


class SequenceSettings(Settings):
    """How sequences are fused and asked about."""

    max_frames: int = Field(default=24, ge=2, le=200, description="frames of a sequence, spread evenly, that are fused")
    max_per_type: int = Field(default=3, ge=0, description="maximum questions per type and sequence")
    frame_rate_hz: float = Field(default=1.0, gt=0, description="frames per second: crawls carry no times")
    max_relative_sigma: float = Field(default=0.1, gt=0, description="largest relative standard error of a number")
    seed: int = Field(default=0, ge=0, description="seed of all random choices")


class Leg(NamedTuple):
    """A turn to the left, rad (None: the one to fill in), and how far straight on then, m."""

    turn_rad: float | None
    forward_m: float


class Found(NamedTuple):
    """One decision about a sequence.

    `frames` are places among its views, in the order in which the question lists them, `things` fused object ids.
    `chosen` is the object of a choice and `best` the frame of an answer that names one; `words` fill slots of the
    wordings. `asked_point` and `point` are (u, v) in [0, 1); `asked_m` and `asked_rad` are how far, and by which angle
    to the left, the question says that one moves, and `asked_route` the turns and ways of a route in order.
    """

    frames: tuple[int, ...]
    variant: str = "value"
    things: tuple[int, ...] = ()
    value: float | None = None
    sigma: float | None = None
    margin: float = 0.0
    threshold: float = 0.0
    chosen: int | None = None
    best: int | None = None
    words: Mapping[str, str] = {}
    asked_point: tuple[float, float] | None = None
    point: tuple[float, float] | None = None
    asked_m: float | None = None
    asked_rad: float | None = None
    asked_route: tuple[Leg, ...] | None = None


@dataclass(frozen=True, eq=False)
class Sequence:
    """A fused sequence and how its objects are called, by id; an object without a name is not asked about."""

    sequence_id: str
    fused: "FusedScene"
    names: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def named(self) -> "list[FusedObject]":
        """The objects that have a name and stay where they are."""
        return [thing for thing in self.fused.objects if thing.object_id in self.names and not thing.is_moved]

    @cached_property
    def pixels(self) -> dict[int, NDArray[np.int64]]:
        """How many pixels every view shows of each object, by object id."""
        views = self.fused.views
        found = {thing.object_id: np.zeros(len(views), np.int64) for thing in self.fused.objects}
        for thing in self.fused.objects:
            for number, seen in thing.seen.items():
                found[thing.object_id][number] = np.count_nonzero(views[number].labels == int(seen["object_id"]))
        return found

    @property
    def frames(self) -> tuple[int, ...]:
        """Return the places of all views."""
        return tuple(range(len(self.fused.views)))

    def draws(self, *parts: str | int, settings: SequenceSettings) -> Draws:
        """Return draws that depend on the settings' seed, the sequence and these parts alone."""
        return Draws(seed_of(settings.seed, self.sequence_id, *parts))


def names_of(fused: "FusedScene") -> dict[int, str]:
    """Return how objects are called: by a label or caption that no other object of the sequence has.

    Two places of a thing that was moved share its name. What has the name of a region that could not be lifted has
    none, since that region may be another one of its kind.
    """
    lost = {name.casefold() for view in fused.views for name in view.lost}
    same = {move.after: move.before for move in fused.moved}
    owners: dict[str, set[int]] = {}
    for thing in fused.objects:
        for said in {thing.label, *thing.captions}:
            owners.setdefault(bare(said), set()).add(same.get(thing.object_id, thing.object_id))
    names = {}
    for thing in fused.objects:
        if thing.label.casefold() not in lost:
            said = [bare(one) for one in (thing.label, *thing.captions)]
            free = next((one for one in said if one and len(owners[one]) == 1), None)
            if free:
                names[thing.object_id] = f"the {free}"
    return names


def bare(phrase: str) -> str:
    """Return a noun phrase without its article.

    >>> bare("A red mug")
    'red mug'
    """
    text = " ".join(phrase.split())
    article = next((one for one in _ARTICLES if text.casefold().startswith(one)), "")
    return text[len(article) :].strip(" .")
