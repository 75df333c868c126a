"""The files that the checks read: everything that git tracks, or would track."""

import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("schemas", "udfs", "jobs", "scenes", "vlm", "spatiallake", "studies", "benchmarks", "infra")


def tracked(*patterns: str) -> list[Path]:
    """Return the files under the root that match one of git's `patterns`, new ones included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in sorted({*listed} - {""}) if (ROOT / name).is_file()]


def pages() -> list[Path]:
    """Return the Markdown pages that users and contributors read."""
    return [page for page in tracked("*.md") if "tests" not in page.relative_to(ROOT).parts]


def modules() -> list[Path]:
    """Return the product's Python files."""
    return tracked(*(f"{package}/*.py" for package in PRODUCT))


def name_of(path: Path) -> str:
    """Return a path as messages name it, relative to the root."""
    return path.relative_to(ROOT).as_posix()


def cases(pending: Collection[str] = ()) -> list[Any]:
    """Return the pages as test cases; one of `pending` is known to fail, and has to leave the list once it passes."""
    wait = pytest.mark.xfail(strict=True, reason="not rewritten yet")
    return [pytest.param(page, marks=wait if name_of(page) in pending else ()) for page in pages()]
