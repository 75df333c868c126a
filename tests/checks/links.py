"""Find the links of Markdown pages and the paths that pages and docstrings name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.checks.tracked import PRODUCT, ROOT, name_of, pages, tracked

_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)
_FOLDERS = ("docs", "tests", *PRODUCT)
_PATH = re.compile(rf"(?<![\w./:-])((?:{'|'.join(_FOLDERS)})/[\w./-]*[\w/]|[\w-]+\.md)(?![\w*{{<])")
_WRITTEN = ("leaderboard.md",)  # what a command writes, and not a file of this repository


def broken_links(page: Path) -> Iterator[str]:
    """Yield each relative link of a page that leads nowhere."""
    text = page.read_text(encoding="utf-8")
    prose = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
    for link in _LINK.finditer(prose):
        target, _, anchor = link[1].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        place = f"{name_of(page)}:{prose.count(chr(10), 0, link.start()) + 1}"
        file = page if not target else (page.parent / target).resolve()
        if not file.exists():
            yield f"{place}: no file {target}"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{place}: {name_of(file)} has no heading #{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub forms them."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in _HEADING.findall(prose):
        words = re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = next(n for n in range(100) if (f"{anchor}-{n}" if n else anchor) not in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def missing_paths() -> Iterator[str]:
    """Yield each path of this repository that a page or a docstring names and that does not exist."""
    files = tracked()
    known = {name_of(path) for path in files} | {name_of(path.with_suffix("")) for path in files}
    known |= {name_of(parent) for path in files for parent in path.parents if parent.is_relative_to(ROOT)}
    names = {path.name for path in files} | set(_WRITTEN)
    for source, text in _texts():
        for path in _PATH.findall(text):
            if path not in names and path.rstrip("/") not in known:
                yield f"{source}: {path}"


def _texts() -> Iterator[tuple[str, str]]:
    for page in pages():
        if page.name != "CHANGELOG.md":  # what it tells of may be gone since
            yield name_of(page), _FENCE.sub("", page.read_text(encoding="utf-8"))
    for module in tracked("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text:
                    yield f"{name_of(module)}:{getattr(node, 'lineno', 1)}", text
