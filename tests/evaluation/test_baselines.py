"""Baselines: what they say, what they have not seen, and that they pass through the same parsers."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from statistics import fmean, median

import pytest

from tests.evaluation.made import item, length
from vlm.evaluation.baselines import CROSS_FITTED, TRAINING, baselines
from vlm.evaluation.items import Kind, Truth
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.scores.table import scored


def of(name, items, training=None):
    found = next(one for one in baselines(items, training) if one.answers.model == name)
    return scored(predictions_of(found.items, found.answers), found.fitted_on)


def test_numbers_that_are_always_said():
    values = [0.5, 1.0, 4.0]
    training = [length(str(place), value) for place, value in enumerate(values)]
    asked = [length("x", 1.0), item("y", Kind.BOOL, Truth(yes=True))]
    for name, expected in (("always the mean", fmean(values)), ("always the median", median(values))):
        found = next(one for one in baselines(asked, training) if one.answers.model == name)
        (one,) = predictions_of(found.items, found.answers)
        assert one.reading.value == pytest.approx(expected, rel=1e-5)
        assert found.fitted_on == TRAINING


def test_majority_per_type():
    training = [item(f"y{n}", Kind.BOOL, Truth(yes=n < 7), type_id="Q01") for n in range(10)]
    training += [item(f"n{n}", Kind.BOOL, Truth(yes=n < 3), type_id="Q02") for n in range(10)]
    asked = [item("a", Kind.BOOL, Truth(yes=True), type_id="Q01"), item("b", Kind.BOOL, Truth(yes=True), type_id="Q02")]
    found = of("majority per type", asked, training)
    assert {name: own[1].value for name, own in found.by_type.items()} == {"Q01": 1.0, "Q02": 0.0}


def test_the_text_only_prior_knows_pairs_of_kinds():
    def taller(number, kinds, yes):
        return item(f"q{number}", Kind.BOOL, Truth(yes=yes), type_id="Q13", kinds=kinds)

    pairs = [(("wardrobe", "mug"), True), (("mug", "wardrobe"), False)]
    training = [taller(n, *pairs[n % 2]) for n in range(20)]
    asked = [taller(100 + n, *pairs[n % 2]) for n in range(10)]
    assert of("text-only prior", asked, training).overall[1].value == 1.0
    assert of("majority per type", asked, training).overall[1].value == 0.5
    unseen = of("text-only prior", [taller(1, ("lamp", "bed"), False)], training)
    assert unseen.overall[0].value == 0.0


def test_the_text_only_prior_knows_options_by_their_words():
    def choice(number, options, right):
        truth = Truth(choice=options.index(right))
        return item(f"c{number}", Kind.CHOICE, truth, options=options, answer="AB"[truth.choice])

    training = [choice(n, ("sky", "floor") if n % 2 else ("floor", "sky"), "floor") for n in range(20)]
    asked = [choice(100 + n, ("sky", "floor") if n % 3 else ("floor", "sky"), "floor") for n in range(12)]
    assert of("text-only prior", asked, training).overall[1].value == 1.0


def test_sides_and_units_of_numbers():
    truth = Truth(value_si=2.0, unit_si="m", side="left")
    sided = [item(f"s{n}", Kind.NUMBER, truth, sides=("left", "right")) for n in range(6)]
    assert of("majority per type", sided).score("side").value == 1.0
    for unit, value in (("rad", 0.5), ("m2", 20.0), ("ratio", 2.0), ("count", 4.0)):
        items = [item(f"{unit}{n}", Kind.NUMBER, Truth(value_si=value, unit_si=unit)) for n in range(10)]
        predictions = next(one for one in baselines(items) if one.answers.model == "always the median")
        for one in predictions_of(predictions.items, predictions.answers):
            assert one.reading.value == pytest.approx(value, rel=1e-5)


def test_without_training_no_item_is_answered_from_itself():
    items = [item(f"t{n}", Kind.TEXT, Truth(texts=(f"answer {n}",)), answer=f"answer {n}") for n in range(40)]
    found = of("majority per type", items)
    assert found.score("exact_match").value == 0.0
    assert found.fitted_on == CROSS_FITTED


def test_every_kind_gets_an_answer_that_can_be_read():
    truths = [
        (Kind.POINT, Truth(polygon=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))),
        (Kind.BOX, Truth(box=(0.0, 0.0, 1.0, 1.0))),
        (Kind.CLOCK, Truth(clock_h=3.0)),
        (Kind.TEXT, Truth(texts=("red",) * 10)),
    ]
    items = [item(f"{kind}{n}", kind, truth, answer="red") for kind, truth in truths for n in range(12)]
    found = of("majority per type", items)
    assert found.overall[0].value == 0.0
    assert found.score("vqa_official").value == 1.0
    assert found.score("within_1_hour").value == 1.0
