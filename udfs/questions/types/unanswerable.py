"""Questions that have no answer: a wrong presupposition, a tie, a name of several things, a thing that is cut off."""

from functools import partial

from udfs.questions.question_type import AnswerKind, Group, QuestionType, Variant
from udfs.questions.related import Related, decided_of
from udfs.questions.rule import Decided, Given, Need, Rule, SeveralRule
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.types.closer import CLOSER
from udfs.questions.types.higher import HIGHER
from udfs.questions.types.sideways import LEFT
from udfs.questions.types.taller import TALLER
from udfs.questions.types.wider import WIDER
from udfs.questions.uncertainty import height_error, root_sum_square, width_error

_DRAWN = 8
_TIE, _SIZE = 0.3, 0.15
_MIN_SIZE_M = 0.03
_SIDEWAYS, _ACROSS = "as seen from the camera", "from left to right"
# by word: the rule, whether the object is its first one, what is said of A, and the opposite word
_CLAIMS: dict[str, tuple[Rule, bool, str, str]] = {
    "left": (LEFT, True, f"farther to the left than {{B}} {_SIDEWAYS}", "right"),
    "right": (LEFT, False, f"farther to the right than {{B}} {_SIDEWAYS}", "left"),
    "closer": (CLOSER, True, "closer to the camera than {B}", "farther"),
    "farther": (CLOSER, False, "farther from the camera than {B}", "closer"),
    "higher": (HIGHER, True, "higher up than {B}", "lower"),
    "lower": (HIGHER, False, "lower down than {B}", "higher"),
    "taller": (TALLER, True, "taller than {B}", "shorter"),
    "shorter": (TALLER, False, "shorter in height than {B}", "taller"),
    "wider": (WIDER, True, f"wider than {{B}} {_ACROSS}", "narrower"),
    "narrower": (WIDER, False, f"narrower than {{B}} {_ACROSS}", "wider"),
}


def _false_claims(related: Related, _: SynthesizeSettings) -> list[Decided]:
    found = []
    for claimed, (rule, first, claim, opposite) in _CLAIMS.items():
        sure = related.sure(rule)
        if not sure:
            continue
        truth, draws = _CLAIMS[opposite][2], related.draws(f"false {claimed}")
        pairs = sorted(sure)
        for _number in range(min(_DRAWN // 2, len(pairs))):
            decided = sure[draws.pick(pairs)]
            # Of the first object the rule is true, so that the claim about it is the opposite.
            a, b = (decided.second, decided.first) if first else (decided.first, decided.second)
            if a is not None and b is not None:
                words = {"claim": claim, "truth": truth}
                given = Given(words=words, reason="false_presupposition", fact=claimed)
                found.append(decided_of((a, b), decided.margin, decided.threshold, claimed, given))
    return found


def _ties(related: Related, settings: SynthesizeSettings) -> list[Decided]:
    found = []
    sized = [one for one in related.objects if one.size_ok]
    for a, b in related.choices(related.draws("tie"), 2, 2, 28, sized):
        for word in ("height", "width"):
            if word == "height" and not related.gates.gravity:
                continue
            apart_m, limit_m, sigma_m = _apart(a, b, word, related)
            if apart_m <= _TIE * limit_m and apart_m + settings.sure_sigmas * sigma_m <= limit_m:
                given = Given(reason="tie", fact=word)
                found.append(decided_of((a, b), apart_m, limit_m, word, given))
    return found


def _apart(a: SeenObject, b: SeenObject, word: str, related: Related) -> tuple[float, float, float]:
    """Return how much two sizes differ, from when on they do, and the standard error, m."""
    if word == "height":
        sizes, errors = (a.height_m, b.height_m), (height_error(a, related.gates), height_error(b, related.gates))
    else:
        sizes, errors = (a.e_y, b.e_y), (width_error(a), width_error(b))
    return abs(sizes[0] - sizes[1]), max(_MIN_SIZE_M, _SIZE * max(sizes)), root_sum_square(*errors)


def _ambiguous(related: Related, _: SynthesizeSettings) -> list[Decided]:
    by_label: dict[str, list[SeenObject]] = {}
    for one in related.objects:
        if one.label:
            by_label.setdefault(one.label, []).append(one)
    found = []
    for label, things in by_label.items():
        if len(things) > 1:
            given = Given(words={"noun": label}, reason="ambiguous_reference", fact=label)
            # The first two show that there is more than one.
            found.append(decided_of(tuple(things[:2]), float(len(things)), 2.0, given=given))
    return found


def _cut_off(related: Related, _: SynthesizeSettings) -> list[Decided]:
    given = Given(reason="cut_off")
    return [
        decided_of((one,), 0.0, 0.0, word, given)
        for one in related.objects
        if one.cut_off and not one.size_ok
        for word in ("height", "width")
    ]


_SURE = "that of the relation"
FALSE_CLAIM = SeveralRule(
    name="false presupposition",
    needs=(),
    decide=_false_claims,
    things=2,
    compares="the question takes for granted the opposite of what is decided of A and B",
    error_is=_SURE,
)
TIE = SeveralRule(
    name="tie",
    needs=(Need.AMODAL,),
    decide=_ties,
    things=2,
    compares="heights, or widths, differ by at most 0.3 T_size",
    check="with `sure_sigmas` standard errors added, by at most T_size",
    error_is="those of both sizes",
)
AMBIGUOUS = SeveralRule(
    name="ambiguous reference",
    needs=(),
    decide=_ambiguous,
    things=2,
    compares="two objects or more have the label that the question says",
    error_is="none",
)
CUT_OFF = SeveralRule(
    name="cut off",
    needs=(),
    decide=_cut_off,
    things=1,
    compares="the mask of A touches the border of the image, and its size is not known from a box",
    error_is="none",
)
_type = partial(QuestionType, answers_with=AnswerKind.REFUSE, group=Group.FURTHER)

QUESTION_TYPES = (
    _type(type_id="U02", name="name of several things", rule=AMBIGUOUS),
    _type(
        type_id="U03",
        name="wrong presupposition",
        rule=FALSE_CLAIM,
        variants={word: Variant(needs=rule.needs or None) for word, (rule, *_) in _CLAIMS.items()},
    ),
    _type(
        type_id="U04",
        name="about the same size",
        rule=TIE,
        variants={"height": Variant(needs=(Need.AMODAL, Need.GRAVITY)), "width": Variant()},
    ),
    _type(
        type_id="U05",
        name="size of what is cut off",
        rule=CUT_OFF,
        variants={"height": Variant(), "width": Variant()},
    ),
)
