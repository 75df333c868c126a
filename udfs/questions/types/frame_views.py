"""A thing in one of several images: how far it is from the camera there, and which image shows it best."""

import numpy as np

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.unit import METERS

_MIN_RANGE_M, _MAX_RANGE_M = 0.3, 20.0
_MAX_RUNNER_UP, _MIN_PX = 0.7, 400
_IMAGES = 4
ORDINALS = ("first", "second", "third", "fourth")


def _ranges(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    found = []
    for thing in sequence.named:
        for k, seen in thing.seen.items():
            range_m = float(seen["range_m"])
            sigma_m = sequence.fused.views[k].sigma_rel * range_m
            if not _MIN_RANGE_M <= range_m <= _MAX_RANGE_M or sigma_m > settings.max_relative_sigma * range_m:
                continue
            draws = sequence.draws("V10", thing.object_id, k, settings=settings)
            frames = _listed(sequence, k, draws.below(1 << 30))
            place = {"image": f"the {ORDINALS[frames.index(k)]} image"}
            found.append(
                Found(
                    frames=frames,
                    things=(thing.object_id,),
                    value=range_m,
                    sigma=sigma_m,
                    margin=range_m,
                    threshold=_MIN_RANGE_M,
                    best=k,
                    words=place,
                )
            )
    return found


def _best(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    found = []
    for thing in sequence.named:
        pixels = sequence.pixels[thing.object_id]
        best = int(np.argmax(pixels))
        lesser = [k for k in sequence.frames if pixels[k] <= _MAX_RUNNER_UP * pixels[best]]
        if pixels[best] < _MIN_PX or not lesser:
            continue
        draws = sequence.draws("V13", thing.object_id, settings=settings)
        others: list[int] = []
        while lesser and len(others) < _IMAGES - 1:
            others.append(lesser.pop(draws.below(len(lesser))))
        frames = tuple(sorted((best, *others)))
        most = max(int(pixels[k]) for k in others)
        found.append(
            Found(
                frames=frames,
                things=(thing.object_id,),
                margin=1.0 - most / float(pixels[best]),
                threshold=1.0 - _MAX_RUNNER_UP,
                best=best,
                words={"image": f"the {ORDINALS[frames.index(best)]} image"},
            )
        )
    return found


def _listed(sequence: Sequence, k: int, seed: int) -> tuple[int, ...]:
    """Return up to four frames around one, in order."""
    others = [frame for frame in sequence.frames if frame != k]
    chosen = [others[(seed + step * (1 + len(others) // _IMAGES)) % len(others)] for step in range(_IMAGES - 1)]
    return tuple(sorted({k, *chosen}))


RANGE_IN_FRAME = SequenceRule(
    name="range in an image",
    needs=(Need.METRIC,),
    decide=_ranges,
    things=1,
    compares="r in the image that is named, 0.3 to 20 m",
    error_is="the declared depth error and the measured noise",
)
BEST_FRAME = SequenceRule(
    name="best image",
    needs=(),
    decide=_best,
    things=1,
    compares="number of visible pixels, >= 400; every other image that is listed shows at most 0.7 times as many",
    error_is="none",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V10",
        name="distance from the camera in an image",
        rule=RANGE_IN_FRAME,
        unit=METERS,
        distance_kind="range",
        group=Group.VIEWS,
    ),
    QuestionType(type_id="V13", name="which image shows it best", rule=BEST_FRAME, is_word=True, group=Group.VIEWS),
)
