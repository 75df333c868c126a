"""Margins over what does not look: paired differences, counted and summed here by hand."""

import math

import pytest

from tests.evaluation.made import item, length, said
from vlm.evaluation.items import Kind, Truth
from vlm.evaluation.scores.margins import margins

ITEMS = [item(f"q{n}", Kind.BOOL, Truth(yes=n % 2 == 0)) for n in range(40)]
LENGTHS = [length(f"n{n}", 2.0) for n in range(10)]


def answers(model, right, close=0):
    yes_no = [("yes" if (n % 2 == 0) == (n < right) else "no") for n in range(len(ITEMS))]
    numbers = ["2.1 m" if n < close else "3 m" for n in range(len(LENGTHS))]
    return said(list(zip([*ITEMS, *LENGTHS], [*yes_no, *numbers], strict=True)), model)


def test_a_margin_is_the_mean_difference_with_the_error_of_pairs():
    models = {"m": answers("m", 34, 6), "m (image blanked)": answers("m (image blanked)", 20, 1)}
    found = margins(models, answers("text-only prior", 22, 6))
    names = [(one.model, one.over, one.score, one.count) for one in found]
    assert names == [
        ("m", "m (image blanked)", "qualitative", 40),
        ("m", "m (image blanked)", "in_range[0.9,1.1]", 10),
        ("m", "text-only prior", "qualitative", 40),
        ("m", "text-only prior", "in_range[0.9,1.1]", 10),
    ]
    # 14 of 40 are right in one and wrong in the other, none the other way round.
    share = 14 / 40
    error = math.sqrt(share * (1 - share) / 39)
    assert found[0].value == pytest.approx(share)
    assert found[0].standard_error == pytest.approx(error)
    assert (found[0].low, found[0].high) == pytest.approx((share - 1.959964 * error, share + 1.959964 * error))
    assert [one.sure for one in found] == [True, True, True, False]
    assert found[3].value == found[3].standard_error == 0.0


def test_pairing_makes_small_differences_sure_that_two_shares_apart_would_not():
    models = {"m": answers("m", 36), "m (text only)": answers("m (text only)", 31)}
    one = margins(models, answers("text-only prior", 36))[0]
    apart = math.sqrt(36 / 40 * 4 / 40 / 40 + 31 / 40 * 9 / 40 / 40)
    assert one.sure
    assert one.value < 2 * apart


def test_an_unread_answer_is_no_right_one_and_a_worse_model_is_never_sure():
    mute = said([(one, "I cannot tell.") for one in ITEMS], "m")
    (one,) = margins({"m": mute}, answers("text-only prior", 20))
    assert (one.value, one.sure) == (-0.5, False)


def test_answers_about_one_image_count_as_one_draw():
    copies = [item(f"c{n}", Kind.BOOL, Truth(yes=True), image_id=f"p{n // 5}") for n in range(60)]
    alone = [item(f"a{n}", Kind.BOOL, Truth(yes=True)) for n in range(12)]

    def by_tens(items, per, model, lost):
        return said([(one, "no" if n // per in lost else "yes") for n, one in enumerate(items)], model)

    together = margins({"m": by_tens(copies, 5, "m", {0})}, by_tens(copies, 5, "text-only prior", {0, 1, 2, 3}))[0]
    single = margins({"m": by_tens(alone, 1, "m", {0})}, by_tens(alone, 1, "text-only prior", {0, 1, 2, 3}))[0]
    assert (together.count, single.count) == (60, 12)
    assert together.value == pytest.approx(single.value)
    assert together.standard_error == pytest.approx(single.standard_error)
