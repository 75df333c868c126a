"""Answers that are no quantity: yes and no, options, hours of a clock, sides, points and boxes."""

import pytest

from udfs.questions.wordings import answers
from vlm.evaluation.reading.choice import parse_choice, parse_yes_no
from vlm.evaluation.reading.direction import parse_clock, parse_side
from vlm.evaluation.reading.pointing import parse_box, parse_points

BOOL_TYPES = [f"Q{n:02d}" for n in (1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19)]
CHOICES = {
    "Q03": ("left", "right"),
    "Q06": ("higher", "lower"),
    "Q09": ("closer", "farther"),
    "Q12": ("wider", "narrower"),
    "Q15": ("taller", "shorter"),
    "Q18": ("bigger", "smaller"),
}
OPTIONS = ("the desk", "the red mug", "the lamp on the right", "a chair")


@pytest.mark.parametrize("type_id", BOOL_TYPES)
@pytest.mark.parametrize("said", ["yes", "no"])
def test_yes_and_no_of_every_wording_of_the_engine(type_id, said):
    for wording in answers(type_id, said):
        assert parse_yes_no(wording.text.format(A="the red mug", B="the desk")) is (said == "yes"), wording


@pytest.mark.parametrize("type_id", CHOICES)
def test_the_object_chosen_in_every_wording_of_the_engine(type_id):
    for side in CHOICES[type_id]:
        for wording in answers(type_id, side):
            for chosen, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
                text = wording.text.format(C=OPTIONS[chosen], D=OPTIONS[other])
                assert parse_choice(text[0].upper() + text[1:], OPTIONS) == chosen, text


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("Yes", True),
        ("yes.", True),
        ("**Yes**, it is.", True),
        ("<think>no</think> Yes", True),
        ("<answer>no</answer>", False),
        ("The mug is left of it.\nAnswer: yes", True),
        ("Hard to see. Final answer: No", False),
        ("It is not.", False),
        ("Nope", False),
        ("False", False),
        ('{"answer": true}', True),
        ("I would say yes", True),
        ("It could be yes or no", None),
        ("The mug is blue.", None),
        ("I cannot tell.", None),
        ("", None),
        ("Nothing is there", None),
        ("Yesterday", None),
        ("Right.", True),
        ("Right, the mug is left of it.", True),
        ("right of the mug", None),
        ("right higher farther wider taller 1.4", None),
    ],
)
def test_yes_or_no(text, yes):
    assert parse_yes_no(text) is yes


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("A", 0),
        ("b", 1),
        ("(C)", 2),
        ("D.", 3),
        ("B) the red mug", 1),
        ("B. the red mug", 1),
        ("Answer: C", 2),
        ("The answer is (B).", 1),
        ("The correct option is D, since it is nearer.", 3),
        ("`C`", 2),
        ("**B**", 1),
        ("<answer>C</answer>", 2),
        ("\\boxed{B}", 1),
        ('{"answer": "D"}', 3),
        ("<think>A or B?</think>B", 1),
        ("I think it's C", 2),
        ("A chair", 3),
        ("the answer is a chair", 3),
        ("The Red Mug.", 1),
        ("It is the red mug that is closer.", 1),
        ("Between the desk and the red mug, the red mug is closer.", 1),
        ("Compared to the desk, the red mug is taller.", 1),
        ("The lamp on the right", 2),
        ("something else", None),
        ("I cannot determine which.", None),
        ("", None),
    ],
)
def test_option(text, index):
    assert parse_choice(text, OPTIONS) == index


def test_options_that_are_words_of_each_other_and_regions():
    assert parse_choice("front-left", ("left", "front-left", "right")) == 1
    regions = ("Region [0]", "Region [1]")
    assert parse_choice("Region [1] is taller.", regions) == 1
    assert parse_choice("Between Region [0] and Region [1], Region [1] has more height.", regions) == 1
    assert parse_choice("2.4", ("A. 1.4", "B. 2.4", "C. 24")) == 1
    assert parse_choice("E", ("one", "two")) is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("3 o'clock", 3.0),
        ("3 o’clock", 3.0),
        ("around the 12 o'clock direction", 12.0),
        ("at her three o'clock", 3.0),
        ("10 oclock", 10.0),
        ("2:30", 2.5),
        ("between 2 and 3 o'clock", 2.5),
        ("11 to 1 o'clock", 12.0),
        ("at 12 to 1 o'clock", 0.5),
        ("Region [0] will find Region [1] around the 7 o'clock direction.", 7.0),
        ("5", 5.0),
        ("13", None),
        ("to the left", None),
        ("I cannot determine whether it is at 3 o'clock.", None),
    ],
)
def test_hours(text, hour):
    assert parse_clock(text) == hour


@pytest.mark.parametrize(
    ("text", "sides", "side"),
    [
        ("2 m to the left", ("left", "right"), "left"),
        ("on the right-hand side", ("left", "right"), "right"),
        ("not left, but to the right", ("left", "right"), "right"),
        ("left or right", ("left", "right"), None),
        ("2 m above it", ("higher", "lower"), "higher"),
        ("30 cm behind", ("front", "behind"), "behind"),
        ("30 cm in front of it", ("front", "behind"), "front"),
        ("further away", ("closer", "farther"), "farther"),
        ("2 m", ("left", "right"), None),
    ],
)
def test_sides(text, sides, side):
    assert parse_side(text, sides) == side


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("(0.43, 0.57)", [(0.43, 0.57)]),
        ("[(0.1, 0.2), (0.3, 0.4)]", [(0.1, 0.2), (0.3, 0.4)]),
        ("The point is [430, 570].", [(0.43, 0.57)]),
        ('```json\n[{"point_2d": [430, 570], "label": "free"}]\n```', [(0.43, 0.57)]),
        ('{"point": [0.43, 0.57]}', [(0.43, 0.57)]),
        ('{"x": 0.25, "y": 0.5}', [(0.25, 0.5)]),
        ('<point x="43.0" y="57.0" alt="cup">cup</point>', [(0.43, 0.57)]),
        ("<point>430 570</point>", [(0.43, 0.57)]),
        ("<loc_430><loc_570><loc_450><loc_590>", [(0.44, 0.58)]),
        ("x=0.43, y=0.57", [(0.43, 0.57)]),
        ("<answer>(0.1, 0.2)</answer>", [(0.1, 0.2)]),
        ("(1500, 300)", []),
        ("in the middle", []),
        ("[1, 2, 3]", []),
    ],
)
def test_points(text, points):
    found = parse_points(text)
    assert len(found) == len(points)
    for one, other in zip(found, points, strict=True):
        assert one == pytest.approx(other)


def test_points_in_pixels_and_named_scales():
    assert parse_points("(1500, 300)", size_px=(3000, 1200)) == [(0.5, 0.25)]
    assert parse_points("(320, 240)", "pixel", (640, 480)) == [(0.5, 0.5)]
    assert parse_points("(50, 25)", "percent") == [(0.5, 0.25)]


def test_boxes():
    assert parse_box('{"bbox_2d": [100, 200, 500, 600]}') == (0.1, 0.2, 0.5, 0.6)
    assert parse_box("[0.5, 0.6, 0.1, 0.2]") == (0.1, 0.2, 0.5, 0.6)
    assert parse_box("(0.1, 0.2)") is None
    assert parse_points("[0.1, 0.2, 0.5, 0.6]")[0] == pytest.approx((0.3, 0.4))
