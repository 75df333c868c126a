"""Find the command lines that pages, help texts and messages print."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.checks.tracked import name_of

PROGRAMS = ("spatiallake", "make", "python", "torchrun", "accelerate", "uv")
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_SHELLS = ("bash", "sh", "shell", "console")
_VALUE = "VALUE"


@dataclass(frozen=True)
class CommandLine:
    """One command as it is printed; a `whole` one can be copied, others name a command and some of its options."""

    source: str
    text: str
    whole: bool

    @property
    def words(self) -> list[str]:
        """Return its words without comments, `..` and the brackets of optional ones."""
        words = shlex.split(self.text, comments=True)
        return [word for word in (raw.strip("[]") for raw in words) if word not in ("..", "...", "")]

    def __str__(self) -> str:
        return f"{self.source}: {self.text}"


def of_page(page: Path) -> Iterator[CommandLine]:
    """Yield the commands of a Markdown page: every line of its shell blocks, and spans of code that begin as one."""
    text = page.read_text(encoding="utf-8")
    prose = text
    for block in _FENCE.finditer(text):
        blank = "\n" * block[0].count("\n")
        prose = prose.replace(block[0], blank, 1)
        line = text.count("\n", 0, block.start(2)) + 1
        for number, command in _joined(block[2]):
            if block[1] in _SHELLS or (not block[1] and _begins_as_command(command)):
                yield CommandLine(f"{name_of(page)}:{line + number}", command, whole=True)
    for line, command in _spans(prose):
        yield CommandLine(f"{name_of(page)}:{line}", command, whole=False)


def of_module(module: Path) -> Iterator[CommandLine]:
    """Yield the commands that a module's texts hold; what a message fills in is a value."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(p.value) if isinstance(p, ast.Constant) else _VALUE for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            text = node.value
        else:
            continue
        source = f"{name_of(module)}:{node.lineno}"
        for _, command in _spans(text):
            yield CommandLine(source, command, whole=False)
        if re.match(r"(spatiallake|uv run) [a-z]", text):
            yield CommandLine(source, text, whole=False)


def _joined(block: str) -> Iterator[tuple[int, str]]:
    """Yield a shell block's commands with their line; a backslash continues one."""
    begun = ""
    first = 0
    for number, line in enumerate(block.splitlines()):
        first = first if begun else number
        begun += line.strip()
        if begun.endswith("\\"):
            begun = begun[:-1]
        else:
            if begun and not begun.startswith("#"):
                yield first, begun
            begun = ""


def _spans(text: str) -> Iterator[tuple[int, str]]:
    for span in _SPAN.finditer(text):
        command = " ".join(span[1].split())
        if _begins_as_command(command):
            yield text.count("\n", 0, span.start()) + 1, command


def _begins_as_command(text: str) -> bool:
    words = text.split(" ")
    return len(words) > 1 and words[0].removeprefix(".venv/bin/") in PROGRAMS
