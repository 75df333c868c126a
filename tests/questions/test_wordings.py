"""Every wording: counts, slots, uniqueness, the kind it must name, and its first letter."""

import re
import string
from collections import Counter

import pytest

from udfs.questions.question_type import Group
from udfs.questions.registry import question_types
from udfs.questions.wordings import Wording, answers, precise_questions, questions, render

CORE = [type_id for type_id, kind in question_types().items() if kind.group == Group.CORE]
YES_NO = ["Q01", "Q02", "Q04", "Q05", "Q07", "Q08", "Q10", "Q11", "Q13", "Q14", "Q16", "Q17", "Q19"]
CHOICE = {
    "Q03": ("left", "right"),
    "Q06": ("higher", "lower"),
    "Q09": ("closer", "farther"),
    "Q12": ("wider", "narrower"),
    "Q15": ("taller", "shorter"),
    "Q18": ("bigger", "smaller"),
}
NUMBER_ANSWERS = {
    **dict.fromkeys(["N01", "N02", "N03", "N04", "N08", "N09", "N10", "N13", "N16", "N19"], ("value",)),
    "N05": ("left", "right"),
    "N06": ("front", "behind"),
    "N07": ("higher", "lower"),
    "N11": ("wider", "narrower"),
    "N12": ("taller", "shorter"),
    "N14": ("farther", "closer"),
    "N15": ("value", "rests"),
    "N17": ("left", "right", "ahead"),
    "N18": ("taller", "wider"),
}
NUMBER_QUESTIONS = {"N04": ("gap", "center"), "N18": ("taller", "wider")}
ONE_OBJECT = {"N08", "N09", "N10", "N13", "N15", "N16", "N17"}

# the word that makes a question mean this type's definition and no other
VIEWER = r"viewer|camera|photo|viewed"
QUESTION_KINDS = {
    "Q01": VIEWER,
    "Q02": VIEWER,
    "Q03": VIEWER,
    "Q07": VIEWER,
    "Q08": VIEWER,
    "Q09": r"closer|farther|distance|reach",
    "Q10": r"left|side|line of sight",
    "Q11": r"left|side|line of sight",
    "Q12": r"left|side|line of sight",
    "Q16": r"volume|space|room|dimension|overall|depth|box",
    "Q17": r"volume|space|room|dimension|overall|depth|box",
    "Q18": r"volume|space|room|dimension|overall|depth|box",
    "N01": r"closest|nearest|shortest|smallest|minimum",
    "N02": r"centers?\b",
    "N03": r"horizontal",
    "N04": r"vertical",
    "N05": r"(left|side|lateral).*",
    "N06": r"behind|depth|deep|before or after|toward the viewer",
    "N07": r"center|middle",
    "N08": r"left|side|line of sight",
    "N09": r"tall|height|vertical|bottom|base",
    "N10": r"front",
    "N11": r"left|side|line of sight",
    "N12": r"tall|height|vertical|bottom-to-top|base to top",
    "N13": r"camera|viewer|photo",
    "N14": r"camera|viewer|photo",
    "N15": r"bottom|underside|lowest|lower end|begin",
    "N16": r"top|highest|upper end",
    "N17": r"degree|angle|direction|bearing",
    "N18": r"times|ratio|factor|multiple|how many of|one unit|divide",
    "N19": r"horizontal|from straight above|floor plan|ignoring any difference in height|along the ground|footprints",
}
ANSWER_KINDS = {
    "N01": r"closest|nearest|shortest|smallest|minimum",
    "N02": r"centers?\b",
    "N03": r"horizontal",
    "N04": r"vertical",
    "N05": r"left|right",
    "N06": r"front|behind|depth|before|after",
    "N07": r"higher|lower|above|below",
    "N08": r"wide|width|left|side",
    "N09": r"tall|height|vertical|bottom|base",
    "N10": r"deep|depth|front",
    "N11": r"wider|narrower|width|left",
    "N12": r"taller|shorter|height|vertical|bottom",
    "N13": r"camera|viewer",
    "N14": r"camera|viewer",
    "N15": r"bottom|underside|lowest|lower end|rests|sits|stands|space",
    "N16": r"top|highest|upper end",
    "N17": r"left|right|ahead|front",
    "N18": r"tall|wide|height|width|bottom|left|vertical",
    "N19": r"horizontal|clearance|gap",
}


def all_questions(type_id: str) -> dict[str, tuple[Wording, ...]]:
    variants = CHOICE.get(type_id) or NUMBER_QUESTIONS.get(type_id)
    return {side: questions(type_id, side) for side in variants} if variants else {"": questions(type_id)}


def all_answers(type_id: str) -> dict[str, tuple[Wording, ...]]:
    variants = ("yes", "no") if type_id in YES_NO else CHOICE.get(type_id) or NUMBER_ANSWERS[type_id]
    return {side: answers(type_id, side) for side in variants}


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def normal(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9 ]", "", text.lower()).split())


def test_the_core_types_are_all_there() -> None:
    assert set(CORE) == {f"{family}{number:02d}" for family in "QN" for number in range(1, 20)}
    assert set(YES_NO) | set(CHOICE) | set(NUMBER_ANSWERS) == set(CORE)


@pytest.mark.parametrize("type_id", CORE)
def test_there_are_enough(type_id: str) -> None:
    assert all(len(pool) >= 20 for pool in all_questions(type_id).values())
    assert all(len(pool) >= 10 for pool in all_answers(type_id).values())
    assert len(precise_questions()) >= 3


@pytest.mark.parametrize("type_id", CORE)
def test_slots(type_id: str) -> None:
    objects = {"A"} if type_id in ONE_OBJECT else {"A", "B"}
    surface = {"surface"} if type_id in ("N15", "N16") else set()
    for pool in all_questions(type_id).values():
        assert all(slots(wording.text) == objects | surface for wording in pool)
    for variant, pool in all_answers(type_id).items():
        for wording in pool:
            used = slots(wording.text)
            if type_id in CHOICE:
                assert "C" in used and used <= {"C", "D"}, wording
            elif type_id in YES_NO:
                assert used <= {"A", "B"}, wording
            else:
                assert used <= objects | surface | {"value"}, wording
                assert ("value" in used) == (variant not in ("rests", "ahead")), wording


@pytest.mark.parametrize("type_id", CORE)
def test_no_two_are_equal(type_id: str) -> None:
    for pools in (all_questions(type_id), all_answers(type_id)):
        texts = Counter(normal(wording.text) for pool in pools.values() for wording in pool)
        assert [text for text, count in texts.items() if count > 1] == []
    ids = Counter(
        w.template_id for pools in (all_questions(type_id), all_answers(type_id)) for p in pools.values() for w in p
    )
    assert max(ids.values()) == 1


@pytest.mark.parametrize("type_id", sorted(QUESTION_KINDS))
def test_questions_name_their_kind(type_id: str) -> None:
    for pool in all_questions(type_id).values():
        assert [w.text for w in pool if not re.search(QUESTION_KINDS[type_id], w.text, re.IGNORECASE)] == []


@pytest.mark.parametrize("type_id", sorted(ANSWER_KINDS))
def test_answers_name_their_kind(type_id: str) -> None:
    for pool in all_answers(type_id).values():
        assert [w.text for w in pool if not re.search(ANSWER_KINDS[type_id], w.text, re.IGNORECASE)] == []


def test_the_two_sides_of_a_gap_are_told_from_centers() -> None:
    assert all("center" in w.text.lower() or "middle" in w.text for w in questions("N04", "center"))
    assert all("lower" in w.text and "center" not in w.text for w in questions("N04", "gap"))


@pytest.mark.parametrize("type_id", CORE)
def test_form(type_id: str) -> None:
    pools = (*all_questions(type_id).values(), *all_answers(type_id).values(), precise_questions())
    for wording in (wording for pool in pools for wording in pool):
        # a slot that starts a later sentence would need its own capital, and a possessive breaks on "chair on the left"
        assert not re.search(r"[.?!] \{[A-D]\}", wording.text), wording
        assert "}'s" not in wording.text, wording
        assert "  " not in wording.text and wording.text == wording.text.strip()
        assert wording.text[-1] in ".?" or wording.text.endswith("{question}"), wording
        assert not re.search(r"centre|metre|\bgrey\b|colour|further", wording.text), wording


@pytest.mark.parametrize("type_id", sorted(CHOICE))
def test_sides_say_their_own_word_and_not_the_other(type_id: str) -> None:
    one, other = CHOICE[type_id]
    for side, pool in all_questions(type_id).items():
        opposite = other if side == one else one
        if type_id in ("Q03", "Q12"):
            continue  # "left and right" names the axis there
        assert all(not re.search(rf"\b{opposite}\b", w.text) for w in pool)


@pytest.mark.parametrize("type_id", YES_NO)
def test_yes_and_no_cannot_be_mistaken(type_id: str) -> None:
    refusing = re.compile(r"^(No,|Actually,|Not quite|That is incorrect|That is not|They are not)")
    agreeing = re.compile(r"^(Yes,|Indeed,|Correct,|That is right|It is, since|They are, since|Right,)")
    assert all(agreeing.search(w.text) for w in answers(type_id, "yes"))
    assert all(refusing.search(w.text) for w in answers(type_id, "no"))


def test_precise_answers_are_not_hedged() -> None:
    for type_id, variants in NUMBER_ANSWERS.items():
        for variant in variants:
            pool = answers(type_id, variant, precise=True)
            assert len(pool) >= 5
            assert not any(re.search(r"about|roughly|approximately", w.text) for w in pool)


def test_render_fills_and_capitalises() -> None:
    assert render("{A} is {value} from {B}.", A="the red mug", B="the TV", value="half a meter") == (
        "The red mug is half a meter from the TV."
    )
    assert render("Is {A} taller?", A="the iPhone {x}") == "Is the iPhone {x} taller?"


def test_unknown_names_are_told() -> None:
    with pytest.raises(KeyError, match="No question type has the id 'Q99'"):
        questions("Q99")
    with pytest.raises(KeyError, match="has no variant up"):
        answers("Q01", "up")
