"""Pages and help texts use the field's words and US spelling, in lines that fit a window."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks.parsing import commands
from tests.checks.tracked import ROOT, cases, modules, name_of, pages, tracked

COLUMNS = 100
WIDE: tuple[str, ...] = ()
BRITISH_STILL: tuple[str, ...] = ()
BRITISH = re.compile(
    r"\b(?:(?:dis)?colour\w*|centred?|centres|metres?|millimetres?|centimetres?|kilometres?"
    r"|grey|greys|behaviours?|neighbours?|neighbouring|favour\w*|honour\w*|licences?|catalogues?|artefacts?|analyse[ds]?"
    r"|labelled|labelling|modelled|modelling|travelled|cancelled|whilst|programmes?"
    r"|(?:normal|recogn|organ|optim|real|initial|summar|general|visual|penal|character|util)is(?:e|es|ed|ing|ation))\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`|\]\([^)]*\)")
# Put together here, so that this file names none itself.
_REGISTRIES = re.compile(
    "|".join(("pypi" r"\.org", "pythonhosted" r"\.org", "registry" r"\.npmjs", "conda" r"\.anaconda"))
)


def help_texts() -> dict[str, str]:
    texts = {}
    for words, command in commands().items():
        lines = [command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)]
        texts[" ".join(words)] = "\n".join(lines)
    return texts


def prose_of(page: Path) -> str:
    """Return a page without code, whose names are those of tables and columns."""
    text = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text(encoding="utf-8"))
    return _CODE.sub("", text)


def too_long(page: Path) -> list[str]:
    """Return the lines wider than a window; a table's row and a lone link cannot be broken."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    wide = [(number, line) for number, line in lines if len(line) > COLUMNS and not line.lstrip().startswith("|")]
    return [f"{name_of(page)}:{number}: {len(line)} columns" for number, line in wide if " " in line.strip(" -*>")]


@pytest.mark.parametrize("page", cases(WIDE), ids=name_of)
def test_lines_of_a_page_fit(page: Path) -> None:
    assert not too_long(page)


@pytest.mark.parametrize("page", cases(BRITISH_STILL), ids=name_of)
def test_pages_are_spelled_in_one_way(page: Path) -> None:
    assert not BRITISH.findall(prose_of(page))


@pytest.mark.parametrize("command", sorted(help_texts()))
def test_help_says_image_and_is_spelled_in_one_way(command: str) -> None:
    text = _CODE.sub("", help_texts()[command])
    assert not re.findall(r"photograph\w*|pictures?\b", text, re.IGNORECASE)
    assert not BRITISH.findall(text)


def docstrings(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield _CODE.sub("", ast.get_docstring(node) or "")


def test_docstrings_say_image_and_are_spelled_in_one_way() -> None:
    found = [
        f"{name_of(module)}: {word}"
        for module in modules()
        for text in docstrings(module)
        for word in (*BRITISH.findall(text), *re.findall(r"photograph\w*", text, re.IGNORECASE))
    ]
    assert found == []


def test_no_file_names_a_package_registry() -> None:
    found = []
    for path in tracked():
        if path.suffix in (".safetensors", ".png", ".jpg", ".parquet", ".npz", ".bin"):
            continue
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [name_of(path)] if _REGISTRIES.search(text) else []
    assert found in ([], ["uv.lock"])  # a lock file says where each package is from


@pytest.mark.parametrize("word", ["colour", "Centre", "grey", "normalised", "labelled", "metres", "neighbours"])
def test_a_british_spelling_is_found(word: str) -> None:
    assert BRITISH.findall(f"the {word} of it") == [word]


def test_us_spellings_and_plain_words_are_not() -> None:
    text = "the color at the center of two meters, gray, normalized and labeled; a license; wise, precise, surprise"
    assert not BRITISH.findall(text)


def test_the_root_holds_pages() -> None:
    assert ROOT / "README.md" in pages()
