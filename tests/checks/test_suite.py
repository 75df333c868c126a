"""The suite itself: helpers live in modules without tests, and what the runner is told about exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.checks.tracked import ROOT, name_of, tracked
from tests.conftest import LONG

_UNSEEDED = re.compile(r"os\.urandom|default_rng\(\)|random\.Random\(\)|SystemRandom|uuid4\(\)")


def modules_with_tests() -> list[Path]:
    return tracked("tests/**/test_*.py")


def borrowed(module: Path) -> Iterator[str]:
    """Yield the imports of a file under tests that take something from a module with tests."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith("tests.") and any(part.startswith("test_") for part in name.split(".")):
                yield f"{name_of(module)} <- {name}"


def test_no_module_borrows_from_one_with_tests() -> None:
    assert [line for module in tracked("tests/**/*.py") for line in borrowed(module)] == []


def test_every_random_choice_has_a_seed() -> None:
    own = Path(__file__)
    found = [name_of(path) for path in tracked("tests/**/*.py") if path != own and _UNSEEDED.search(path.read_text())]
    assert found == []


def test_long_modules_exist() -> None:
    assert {ROOT / "tests" / name for name in LONG} <= set(modules_with_tests())


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    recipe = re.search(r"^lint: setup\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    linted = {line.removeprefix("\t$(RUN) ").replace("--check ", "") for line in recipe[1].splitlines()}
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = {hook["entry"].removeprefix(".venv/bin/").replace(" --fix", "") for hook in hooks}
    # ruff is given the files of the commit in place of the folder
    assert {line.removesuffix(" .") for line in linted} == {entry.removesuffix(" .") for entry in entries}
