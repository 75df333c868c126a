"""Decisions that compare what something needs with what there is, and state both in the answer."""

import math
from collections.abc import Mapping

from udfs.language.draws import Draws, seed_of
from udfs.questions.bodies import Stated
from udfs.questions.rule import Decided, Given, Room
from udfs.questions.scene import Gates, Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings

COMPARED_ERROR_IS = "that of the measured length, with the error of the scale that all lengths share"


def draws_of(scene: Scene, settings: SynthesizeSettings, name: str, things: tuple[SeenObject, ...]) -> Draws:
    """Return the draws of what a rule states about some things, the same in any order of a scene's objects."""
    return Draws(seed_of(settings.seed, scene.image_id, name, *(thing.object_id for thing in things)))


def with_scale(sigma_m: float, length_m: float, gates: Gates) -> float:
    """Return the standard error of a length that is compared with a stated one, m."""
    return math.hypot(sigma_m, gates.scale_sigma_rel * length_m)


def compared(
    things: tuple[SeenObject, ...], has_m: float, stated: Stated, answer: str, words: Mapping[str, str], sigma_m: float
) -> Decided:
    """Return the decision that compares a measured length with a stated one."""
    first, *rest = things
    lengths_m = {"needs": stated.length_m, "has": has_m}
    return Decided(
        first=first,
        second=rest[0] if rest else None,
        margin=has_m,
        threshold=stated.length_m,
        word=answer,
        others=tuple(rest[1:]),
        given=Given(
            asked_m=stated.length_m,
            body=None if stated.body is None else stated.body.key,
            lengths_m=lengths_m,
            words=words,
            sigma_m=sigma_m,
        ),
    )


def against(room: Room, stated: Stated, answer: str, what: str, gates: Gates) -> Decided:
    """Return the decision that compares what there is with a stated length; `what` says whose length that is."""
    sigma_m = with_scale(room.sigma_m, room.has_m, gates)
    return compared(room.things, room.has_m, stated, answer, {"what": what}, sigma_m)


def stated_error(decided: Decided, _: Gates) -> float:
    """Return the standard error that a comparison states, m."""
    given = decided.given
    return math.inf if given is None or given.sigma_m is None else given.sigma_m
