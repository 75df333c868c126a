"""Line of sight: whether anything is in between two things."""

from functools import partial

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, SceneRule
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings


def _sights(scene: Scene, _: SynthesizeSettings, clear: bool) -> list[Decided]:
    named = {seen.object_id: seen for seen in scene.objects}
    return [
        Decided(named[sight["a"]], named[sight["b"]], 1.0, 1.0, "yes" if clear else "no")
        for sight in (scene.layout.sights if scene.layout else ())
        if sight["clear"] == clear and sight["a"] in named and sight["b"] in named
    ]


_NEEDS = (Need.METRIC, Need.GRAVITY)
_ERROR_IS = "none; what is grazed, or thinner than the error of depth, blocks nothing"
CLEAR = SceneRule(
    name="clear sight",
    needs=_NEEDS,
    decide=partial(_sights, clear=True),
    things=2,
    error=lambda *_: 0.0,
    compares="yes: three lines between points of both surfaces pass only through what is seen to be empty",
    check="the points are those nearest to the center, and to a quarter of the height above and below it",
    error_is=_ERROR_IS,
    keeps_threshold=True,
)
BLOCKED = SceneRule(
    name="blocked sight",
    needs=_NEEDS,
    decide=partial(_sights, clear=False),
    things=2,
    error=lambda *_: 0.0,
    compares="no: two of these lines cross the seen surface of another object",
    error_is=_ERROR_IS,
    keeps_threshold=True,
)

QUESTION_TYPES = (
    QuestionType(type_id="F11", name="line of sight", rule=CLEAR, opposite=BLOCKED, group=Group.AFFORDANCE),
)
