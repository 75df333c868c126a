"""Every command that a page, a help text or a message prints is one that the product has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks import command_lines
from tests.checks.command_lines import CommandLine, of_module, of_page
from tests.checks.parsing import commands, fault
from tests.checks.tracked import cases, modules, name_of

PENDING: tuple[str, ...] = ()
# The changelog also names commands that are gone.
CURRENT = [case for case in cases(PENDING) if case.values[0].name != "CHANGELOG.md"]


def help_texts() -> Iterator[CommandLine]:
    for words, command in commands().items():
        texts = [command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)]
        for text in texts:
            for span in text.split("`")[1::2]:
                if span.startswith(("spatiallake ", "torchrun ", "make ")):
                    yield CommandLine(f"spatiallake {' '.join(words)} --help", span, whole=False)


def faults(lines: Iterator[CommandLine]) -> list[str]:
    return [f"{line}\n    {told}" for line in lines if (told := fault(line))]


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_commands_of_a_page_parse(page: Path) -> None:
    assert not faults(of_page(page))


def test_commands_in_messages_and_docstrings_parse() -> None:
    lines = [line for module in modules() for line in of_module(module)]
    assert len(lines) > 20
    assert not faults(iter(lines))


def test_commands_in_help_texts_parse() -> None:
    assert not faults(help_texts())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (".venv/bin/spatiallake render --out A --depth-noise-rel 0.02", "No such option: --depth-noise-rel"),
        (".venv/bin/spatiallake rendre --out A", "no command 'rendre'"),
        (".venv/bin/spatiallake render --count 3", "--out is missing"),
        (".venv/bin/spatiallake render --out A --count many", "--count: "),
        (".venv/bin/spatiallake render --out A B", "one argument too many"),
        (".venv/bin/spatiallake report --lake L --compare ONE", "requires 2 arguments"),
        (".venv/bin/spatiallake", "needs a command"),
        ("make tests", "no target tests"),
        (".venv/bin/python -m benchmarks.lifting --photos 3", "no option --photos"),
        (".venv/bin/python -m benchmarks.no_such", "finds no module"),
        ("no-such-program --now", "neither on every machine nor installed by make"),
        ("spatiallake demo", "write .venv/bin/spatiallake"),
        (".venv/bin/spatiallake render --out A --count COUNT --room kitchen", None),
        (".venv/bin/spatiallake report --lake LAKE --compare ONE OTHER  # two", None),
        (".venv/bin/spatiallake run --lake L --set lift.min_point=3", "no setting lift.min_point"),
        (".venv/bin/spatiallake run --lake L --set lift.min_points=3 --set context.thresholds.spatial=0", None),
        (".venv/bin/spatiallake train --out O --set loop.step=2", "no setting loop.step"),
        ("FOLDER=a make demo", None),
    ],
)
def test_a_wrong_command_is_told_from_a_right_one(text: str, told: str | None) -> None:
    found = fault(CommandLine("here", text, whole=True))
    assert (found is None) if told is None else told in str(found)


def test_commands_of_blocks_continue_and_those_of_spans_may_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_lines, "name_of", lambda path: path.name)
    page = tmp_path / "page.md"
    page.write_text("```bash\nmake demo \\\n  test   # both\n\nmake lint\n```\nand `spatiallake\nrun --lake L`.\n")
    assert [(line.source, line.words) for line in of_page(page)] == [
        ("page.md:2", ["make", "demo", "test"]),
        ("page.md:5", ["make", "lint"]),
        ("page.md:7", ["spatiallake", "run", "--lake", "L"]),
    ]
