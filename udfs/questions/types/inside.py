"""Fits in: whether a thing is small enough to go into a container, by the crawl's own boxes of both."""

import math
from functools import cache, partial
from itertools import permutations
from pathlib import Path

import yaml

import udfs.questions
from udfs.questions.bodies import Stated
from udfs.questions.comparing import compared
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, SceneRule
from udfs.questions.scene import Gates, Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import AMODAL_SIZE_ERROR_REL

# Of a round container, the square that it holds is 0.7 times as wide, and walls take some of it.
_HOLDS = 0.9 * 0.7
_TOO_LARGE, _FAR_TOO_LARGE = 1.1, 3.0


@cache
def containers() -> frozenset[str]:
    """Return the labels of things that others can be put into."""
    path = Path(udfs.questions.__file__ or "").with_name("containers.yaml")
    return frozenset(yaml.safe_load(path.read_text(encoding="utf-8")))


def _fits(scene: Scene, _: SynthesizeSettings, fits: bool, max_ratio: float = _FAR_TOO_LARGE) -> list[Decided]:
    labels = {number: shape.label for number, shape in scene.layout.shapes.items()} if scene.layout else {}
    found = []
    for a, b in permutations(scene.objects, 2):
        if not (a.amodal and b.amodal and labels.get(b.object_id) in containers()):
            continue
        needs_m, has_m = _tightest(a, b)
        ratio = needs_m / has_m
        if ratio <= _HOLDS if fits else _TOO_LARGE <= ratio <= max_ratio:
            sigma_m = AMODAL_SIZE_ERROR_REL * max(has_m, needs_m)
            stated = Stated(needs_m, None)
            found.append(compared((a, b), has_m, stated, "yes" if fits else "no", {}, sigma_m))
    return found


def _tightest(a: SeenObject, b: SeenObject) -> tuple[float, float]:
    """Return the lengths of A and of B that leave A the least room, both sorted by length, m."""
    lengths = [sorted((one.height_m, one.length_m, one.width_m)) for one in (a, b)]
    return max(zip(*lengths, strict=True), key=lambda pair: pair[0] / pair[1])


def _error(decided: Decided, _: Gates) -> float:
    return AMODAL_SIZE_ERROR_REL * decided.margin


_CHECK = "only boxes of the crawl, and only of B whose label is in containers.yaml"
_NEEDS = (Need.AMODAL, Need.METRIC, Need.GRAVITY)
FITS_IN = SceneRule(
    name="fits in",
    needs=_NEEDS,
    decide=partial(_fits, fits=True),
    things=2,
    error=_error,
    compares="yes: each of the sorted lengths of A <= 0.63 times that of B, which leaves room for walls and for a "
    "round shape",
    check=_CHECK,
    error_is="1 % of the length",
    keeps_threshold=True,
)
TOO_LARGE = SceneRule(
    name="too large for",
    needs=_NEEDS,
    decide=partial(_fits, fits=False),
    asked=partial(_fits, fits=False, max_ratio=math.inf),
    things=2,
    error=_error,
    compares="no: one of the sorted lengths of A >= 1.1 times, and none > 3 times, that of B from outside",
    check=_CHECK,
    error_is="1 % of the length",
    keeps_threshold=True,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="F04", name="fits in", rule=FITS_IN, opposite=TOO_LARGE, keeps_order=True, group=Group.AFFORDANCE
    ),
)
