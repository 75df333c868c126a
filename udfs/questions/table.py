"""`python -m udfs.questions.table [PAGE]`: the question types as Markdown, from the registry.

Without a page it prints them; with one, such as docs/questions.md, it replaces the part of the page
between the two marks.
"""

import sys
from pathlib import Path
from textwrap import fill

from udfs.questions.bodies import Body, bodies
from udfs.questions.example import CAMERA_Z_M, ROOM, example_of
from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.registry import question_types, rules
from udfs.questions.rule import Rule
from udfs.questions.wordings import has_example

BEGIN = "<!-- begin of what `python -m udfs.questions.table` writes -->"
END = "<!-- end of what `python -m udfs.questions.table` writes -->"
_COLUMNS = 100
_MOST_WORDS = 6
_UNITS = {"m": "length", "m2": "area", "rad": "angle"}


def types_markdown() -> str:
    """Return every type, every rule and every worked example as Markdown, in lines of 100 columns."""
    kinds = question_types().values()
    core, affordances, further, views = ([kind for kind in kinds if kind.group == group] for group in Group)
    columns = ("type", "asks", "answer", "gates")
    parts = [
        f"### The {len(core)} types",
        _table(columns, [_type_row(kind) for kind in core]),
        f"### The {len(affordances)} types of affordances",
        "Asked where `synthesize.max_affordances` leaves room for them; see [affordances](affordances.md).",
        _table(columns, [_type_row(kind) for kind in affordances]),
        f"### The {len(further)} further types",
        "Asked where `synthesize.answers_per_image` is set; see [many answers per image](density.md).",
        _table(columns, [_type_row(kind) for kind in further]),
        f"### The {len(views)} types of several views",
        "Asked by the stage `fuse`, which is not part of `run`; see [several views](views.md).",
        _table(columns, [_type_row(kind) for kind in views]),
        "### Rules",
        "\n".join(_rule(rule) for rule in rules(Group.CORE)),
        "### Rules of affordances",
        "\n".join(_rule(rule) for rule in rules(Group.AFFORDANCE)),
        "### Rules of further types",
        "\n".join(_rule(rule) for rule in rules(Group.FURTHER)),
        "### Rules of several views",
        "\n".join(_rule(rule) for rule in rules(Group.VIEWS)),
        "### People and robots",
        "\n".join(_body(body) for body in bodies()),
        "### Worked examples",
        fill(
            f"All are about one room, seen by a level camera {CAMERA_Z_M} m above the floor (centers and lengths "
            "along x, y, z in m):",
            _COLUMNS,
        ),
        _table(("object", "center", "lengths"), [(name, *map(_vector, shape)) for name, shape in ROOM.items()]),
        "\n".join(_example(kind) for kind in kinds if has_example(kind.type_id)),
    ]
    return "\n\n".join(parts)


def with_types(page: str) -> str:
    """Return a page with the part between the two marks replaced.

    Raises:
        ValueError: the page lacks the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The page has no line {BEGIN!r} followed by {END!r}; add both where the types belong.")
    return f"{before}{BEGIN}\n\n{types_markdown()}\n\n{END}{after}"


def _type_row(kind: QuestionType) -> tuple[str, ...]:
    needs = [str(need) for need in kind.needs]
    special = [f"{word}: {', '.join(how.needs)}" for word, how in kind.variants.items() if how.needs is not None]
    if len(kind.variants) > _MOST_WORDS:
        special = ["those of what it compares"] if special else []
    return kind.type_id, kind.name, _answer(kind), "; ".join([", ".join(needs), *special])


def _answer(kind: QuestionType) -> str:
    if len(kind.variants) > _MOST_WORDS and kind.answer_kind in (AnswerKind.TEXT, AnswerKind.NUMBER):
        words = list(kind.variants)
        what = f"{_UNITS.get(kind.unit_si, kind.unit_si)}, " if kind.unit_si else ""
        return f"{what}`{words[0]}` to `{words[-1]}`"
    if kind.answer_kind == AnswerKind.BOOL:
        return "yes or no"
    if kind.answer_kind == AnswerKind.POINT:
        return "point, with the area that is free" if kind.unit else "point"
    if kind.answer_kind == AnswerKind.TEXT:
        words = [f"`{word}`" for word in kind.variants if word != "value"]
        return ", ".join(words) or ("one of the images" if kind.group == Group.VIEWS else "words")
    if kind.answer_kind == AnswerKind.REFUSE:
        return "that it has no answer, and why"
    if kind.answer_kind == AnswerKind.CHOICE and not kind.sides:
        return "one of the things"
    if kind.answer_kind == AnswerKind.CHOICE:
        return f"which is {' / which is '.join(kind.sides)}"
    unit = _UNITS.get(kind.unit_si or "", kind.unit_si or "")
    words = kind.sides or [f"`{word}`" for word in kind.variants if word != "value"]
    return f"{unit}, {' or '.join(words)}" if words else unit


def _rule(rule: Rule) -> str:
    used_by = [kind.type_id for kind in question_types().values() if rule in (kind.rule, kind.opposite)]
    check = f" Check: {rule.check}." if rule.check else ""
    text = f"**{rule.name}** ({', '.join(used_by)}): {rule.compares}.{check} Error: {rule.error_is}."
    return _item(text)


def _body(body: Body) -> str:
    lengths = {"width": body.width_m, "height": body.height_m, "reach": body.reach_m}
    known = ", ".join(f"{name} {length_m:g} m" for name, length_m in lengths.items() if length_m)
    return _item(f"`{body.key}`, {body.name}: {known}. {body.source}.")


def _example(kind: QuestionType) -> str:
    example = example_of(kind.type_id)
    return _item(f'{kind.type_id}: "{example.question}" "{example.answer}"')


def _item(text: str) -> str:
    return fill(text, _COLUMNS, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def _vector(lengths: tuple[float, ...]) -> str:
    return f"({', '.join(map(str, lengths))})"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        path.write_text(with_types(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(types_markdown() + "\n")
