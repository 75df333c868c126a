"""The example room, and the worked example of each type in it."""

from dataclasses import dataclass

from udfs.questions.wordings import example_text

# Center and lengths along x (forward), y (left) and z (up) in m; the camera is 1.5 m above the floor.
ROOM = {
    "the lamp": ((2.0, 1.0, 1.5), (0.3, 0.3, 0.6)),
    "the table": ((3.0, -0.5, 0.4), (0.8, 1.2, 0.8)),
    "the ball": ((2.5, 0.05, 0.6), (0.2, 0.2, 0.2)),
}
CAMERA_Z_M = 1.5


@dataclass(frozen=True)
class Example:
    """One question about the example room with its answer; `value_si` is None without a number."""

    objects: tuple[str, ...]
    question: str
    answer: str
    variant: str
    value_si: float | None


def example_of(type_id: str) -> Example:
    """Return the worked example of a type.

    Raises:
        NoWordings: the type's file has none.
        UnknownType: there is no such type.
    """
    text = example_text(type_id)
    value = text.get("value_si")
    return Example(
        objects=tuple(text["objects"]),
        question=text["question"],
        answer=text["answer"],
        variant=text["variant"],
        value_si=None if value is None else float(value),
    )
