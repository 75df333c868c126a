"""The texts with which pages show question types, numbers and codes."""

from collections.abc import Sequence

from udfs.questions.registry import question_types

_CENTIMETERS_BELOW_M = 0.995


def type_name(type_id: str) -> str:
    """Return a question type's title, or its id where no module declares it."""
    kind = question_types().get(type_id)
    return kind.title if kind else type_id


def meters(value_m: float | None) -> str:
    """Return a length as text, in centimeters below a meter.

    >>> meters(0.42), meters(0.043), meters(1.236), meters(12.34)
    ('42 cm', '4.3 cm', '1.24 m', '12.3 m')
    """
    if value_m is None:
        return "–"
    if abs(value_m) < 0.0005:
        return "0 cm"
    if abs(value_m) < _CENTIMETERS_BELOW_M:
        return f"{value_m * 100:.1f} cm" if abs(value_m) < 0.0995 else f"{value_m * 100:.0f} cm"
    return f"{value_m:.2f} m" if abs(value_m) < 10 else f"{value_m:.1f} m"


def dimensions(lengths_m: Sequence[float]) -> str:
    """Return lengths with one unit for all.

    >>> dimensions([0.4, 0.3, 0.75]), dimensions([4.1, 1.8, 1.5])
    ('40 × 30 × 75 cm', '4.10 × 1.80 × 1.50 m')
    """
    if max(lengths_m) < _CENTIMETERS_BELOW_M:
        fine = max(lengths_m) < 0.0995
        return " × ".join(f"{length * 100:.{1 if fine else 0}f}" for length in lengths_m) + " cm"
    return " × ".join(f"{length:.2f}" for length in lengths_m) + " m"


def times(factor: float) -> str:
    """Return how many times one thing is another.

    >>> times(1.834), times(12.4)
    ('1.8 times', '12 times')
    """
    return f"{factor:.{1 if factor < 9.95 else 0}f} times"


def percent(share: float | None) -> str:
    """Return a share in [0, 1] as a percentage.

    >>> percent(0.05), percent(None)
    ('5 %', '–')
    """
    return "–" if share is None else f"{share * 100:.0f} %"


def plain(code: str | None) -> str:
    """Return a reason code as words.

    >>> plain("too_few_points")
    'too few points'
    """
    return (code or "").replace("_", " ")


def counted(number: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "image"), counted(12000, "row")
    ('1 image', '12,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
