"""Every sentence is read as a person reads it, also inside the templates in which models give a bare answer."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.sentences_of import read, right, sentences
from vlm.evaluation.reading.choice import parse_choice
from vlm.evaluation.reading.clock import parse_clock
from vlm.evaluation.reading.pointing import parse_points
from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.reading.yes_no import parse_yes_no

SENTENCES = sentences()
# What a model puts around a bare answer; none of these changes what it says.
TEMPLATES = (
    "{}",
    " {}\n",
    "{}.",
    "**{}**",
    "*{}*",
    "Answer: {}",
    "answer: {}",
    "**Answer:** {}",
    "Answer: **{}**",
    "Final answer: {}",
    "### Final Answer\n{}",
    "The answer is {}.",
    "The final answer is: {}",
    "The correct answer is {}.",
    "My answer is {}.",
    "Therefore, the answer is {}.",
    "So the answer is {}.",
    "\\boxed{{{}}}",
    "$\\boxed{{{}}}$",
    "\\boxed{{\\text{{{}}}}}",
    "The answer is $\\boxed{{{}}}$.",
    "<answer>{}</answer>",
    "<answer> {} </answer>",
    "<think>Hmm.</think>{}",
    "<think>\nFirst A, then no, 7 m, 9 o'clock.\n</think>\n\n<answer>{}</answer>",
    "<|begin_of_box|>{}<|end_of_box|>",
    '{{"answer": "{}"}}',
    '```json\n{{"answer": "{}"}}\n```',
    '{{"reason": "the sofa hides it", "final_answer": "{}"}}',
    "答案：{}",
    "答案是{}。",
    "（{}）",
    "{}<|im_end|>",
    "{}</s>",
    "I'm not completely sure, but the answer is {}.",
    "Looking at the image carefully.\n\nFinal answer: {}",
    "Sure! The answer is {}.",
    "Answer: {}\n\nI hope this helps!",
    "Answer: {}\n\nExplanation: this follows from the shadows.",
)
PLACES = ("left of the chair", "on top of the box", "behind the sofa", "a table")
UNITS = (("m", 1.0), ("meters", 1.0), ("cm", 0.01), ("mm", 0.001), ("feet", 0.3048), ("inches", 0.0254), ("米", 1.0))


def test_there_are_enough_sentences_of_every_kind():
    counts = Counter(kind for kind, _ in SENTENCES)
    assert counts.total() >= 1500
    assert min(counts.values()) >= 45
    assert len({(kind, str(row)) for kind, row in SENTENCES}) == counts.total()


@pytest.mark.parametrize("kind", ["choice", "yes_no", "quantity", "clock", "points"])
def test_sentences(kind):
    wrong = [
        (row["text"], row["value"], found)
        for name, row in SENTENCES
        if name == kind and not right(row["value"], found := read(kind, row))
    ]
    assert not wrong


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_keeps_a_letter(template):
    for place, letter in enumerate("ABCD"):
        assert parse_choice(template.format(letter), PLACES) == place
        assert parse_choice(template.format(f"({letter})"), PLACES) == place


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_keeps_the_text_of_an_option(template):
    assert [parse_choice(template.format(option), PLACES) for option in PLACES] == [0, 1, 2, 3]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_keeps_yes_and_no(template):
    assert parse_yes_no(template.format("yes")) is True
    assert parse_yes_no(template.format("No")) is False


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEMPLATES), st.integers(1, 9999), st.sampled_from(UNITS), st.sampled_from((0, 1, 2)))
def test_a_template_keeps_a_quantity(template, digits, unit, decimals):
    name, size_m = unit
    found = parse_quantity(template.format(f"{digits / 10**decimals:.{decimals}f} {name}"), "cm")
    assert found is not None
    assert found.value_si == pytest.approx(digits / 10**decimals * size_m, rel=1e-9)
    assert "no_unit" not in found.flags


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TEMPLATES), st.integers(1, 12), st.booleans())
def test_a_template_keeps_an_hour(template, hour, half):
    said = f"{hour}:30" if half else f"{hour} o'clock"
    assert parse_clock(template.format(said)) == pytest.approx((hour + 0.5 * half) % 12 or 12.0)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_keeps_a_point(template):
    assert parse_points(template.format("(0.25, 0.75)"))[0] == pytest.approx((0.25, 0.75))


def written(value: int, style: str) -> str:
    """Write an integer of millimeters in a notation of numbers."""
    if style == "power":
        return f"{value / 10 ** (len(str(value)) - 1)} x 10^{len(str(value)) - 1}"
    if style == "superscript":
        raised = str(len(str(value)) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{value / 10 ** (len(str(value)) - 1)} × 10{raised}"
    if style == "tex":
        return f"${value / 1000} \\times 10^{{3}}$"
    if style == "exponent":
        return f"{value / 1000!r}e3"
    if style == "fraction":
        return f"\\frac{{{2 * value}}}{{2}}"
    return f"{value:,}".replace(",", style)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 99_999),
    st.sampled_from((",", "'", "’", " ", "\u202f", "power", "superscript", "tex", "exponent", "fraction")),
    st.sampled_from(
        ("{} mm", "About {} mm.", "{} (mm)", "The gap (mm): {}", "In mm, it is {}.", "{} mm ± 5 mm", "[{} mm]")
    ),
)
def test_notations_of_numbers_and_places_of_units(value_mm, style, place):
    found = parse_quantity(place.format(written(value_mm, style)))
    assert found is not None
    assert found.value_si == pytest.approx(value_mm / 1000, rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 9), st.text("0123456789", min_size=1, max_size=5))
def test_decimal_commas_after_a_lone_zero(first, digits):
    found = parse_quantity(f"0,{digits}{first} m")
    assert found is not None
    assert found.value_si == pytest.approx(float(f"0.{digits}{first}"))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120), st.sampled_from((PLACES, ("A is closer", "B is closer"), ("1", "2"), ("yes", "no"))))
def test_any_text_can_be_read(text, options):
    assert parse_choice(text, options, "Which is closer?") in (None, *range(len(options)))
    assert parse_yes_no(text, "Is the cup left of the plate?") in (None, True, False)
    hour = parse_clock(text)
    assert hour is None or 0 < hour <= 12
    parse_points(text)


def test_a_long_reasoning_is_read_by_its_end():
    thought = (
        "Point A seems nearer, but the wall at point B is lit. Let me check option A against option B again. " * 200
    )
    assert parse_choice(f"{thought}\n\nTherefore, the answer is (B).", ("A is closer", "B is closer")) == 1
    assert parse_yes_no(f"{thought}\n\nSo no, it is not.") is False
    found = parse_quantity(f"{'The door is 2 m tall and the wall is 3 m wide. ' * 200}Answer: 1.3 m")
    assert found is not None
    assert found.value_si == 1.3
