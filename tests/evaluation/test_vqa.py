"""VQA accuracy against vectors worked out by hand from the published rules."""

import pytest

from vlm.evaluation.scores.vqa import CONTRACTIONS, evalai, evalai_normalized, official


@pytest.mark.parametrize(
    ("matches", "accuracy"),
    # of 10 humans m agree: m of them see m-1 agreeing others, 10-m see m
    [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (9, 1.0)],
)
def test_soft_accuracy_leaves_each_human_out(matches, accuracy):
    people = ["red"] * matches + ["blue"] * (10 - matches)
    assert official("red", people) == pytest.approx(accuracy, abs=1e-15)
    assert evalai("red", people) == pytest.approx(accuracy, abs=1e-15)


def test_official_normalises_only_where_humans_disagree():
    assert official("Yes", ["yes"] * 10) == 0.0
    assert official("yes", ["yes"] * 10) == 1.0
    assert official("Yes", ["yes"] * 9 + ["no"]) == 1.0
    assert evalai("Yes", ["yes"] * 10) == 1.0
    assert official("the dog", ["dog"] * 10) == 0.0
    assert evalai("The dog.", ["dog"] * 10) == 1.0
    assert official(" yes\n", ["yes"] * 10) == 1.0


@pytest.mark.parametrize(
    ("answer", "plain"),
    [
        ("A Dog", "dog"),
        ("two", "2"),
        ("none", "0"),
        ("ten", "10"),
        ("eleven", "eleven"),
        ("the cat and a dog", "cat and dog"),
        ("dont", "don't"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("oclock", "o'clock"),
        ("t-shirt", "t shirt"),
        ("red/white", "red white"),
        ("red / white", "red white"),
        ("yes!", "yes"),
        ("(left)", "left"),
        ("U.S.A.", "usa"),
        ("3.5", "3.5"),
        ("3.", "3"),
        (".5", ".5"),
        ("1,000", "1000"),
        ("what?", "what"),
        ("Mr. Smith's", "mr smith 's"),
        ("it's", "it 's"),
    ],
)
def test_normalised(answer, plain):
    assert evalai_normalized(answer) == plain


def test_marks_vanish_beside_a_space_and_become_one_within_a_word():
    people = ["well lit"] * 5 + ["dark"] * 5
    assert official("well-lit", people) == 1.0
    assert official("well- lit", people) == 1.0
    assert official("well -lit", people) == 1.0
    # a comma in a number drops every mark of the answer
    assert official("1,000-2,000", ["10002000"] * 5 + ["dark"] * 5) == 1.0


def test_only_the_first_32_points_are_dropped():
    assert official("ab" + "." * 32, ["ab"] * 5 + ["x"] * 5) == 1.0
    assert official("ab" + "." * 33, ["ab"] * 5 + ["x"] * 5) == 0.0


def test_contractions_lack_one_apostrophe():
    assert {form for form, whole in CONTRACTIONS.items() if whole == "y'all'd've"} == {
        *("yall'd've", "y'alld've", "y'all'dve")
    }
    assert CONTRACTIONS["'ows'at"] == "'ow's'at"
    assert CONTRACTIONS["somebody'd"] == "somebodyd"
    assert "she's" not in CONTRACTIONS
