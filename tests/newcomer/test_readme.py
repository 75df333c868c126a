"""README as a newcomer follows it: a clone, no uv, no browser, an empty home, and every command as it is printed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks.command_lines import of_page
from tests.checks.tracked import ROOT

_PASSED_ON = re.compile(r"(PIP|UV|SSL|REQUESTS|HTTPS?|NO|JAVA)_", re.IGNORECASE)
_OWN = ("UV_PROJECT_ENVIRONMENT", "PIP_TARGET")
# `make demo` comes first, and `make test` is what runs this.
_APART = ("make demo", "make test")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("newcomer") / "spatiallake"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), place], check=True)
    return place


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An empty home, and the programs of a plain machine: git, make, Python, and Java if there is one."""
    home, programs = (tmp_path_factory.mktemp(name) for name in ("home", "programs"))
    python = Path(sys.base_prefix, "bin", "python3")
    for name in ("git", "make", "java", "bash", "sh", "env", "test", "rm", "mkdir", "uname", "dirname", "tar"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    (programs / "python3").symlink_to(python)
    assert all(shutil.which(name, path=str(programs)) is None for name in ("uv", "chromium", "spatiallake"))
    passed = {name: value for name, value in os.environ.items() if _PASSED_ON.match(name) and name not in _OWN}
    # Where packages come from is this machine's; only what was fetched before is used again.
    fetched = {"XDG_CONFIG_HOME": str(Path.home() / ".config"), "UV_CACHE_DIR": str(Path.home() / ".cache/uv")}
    return {**fetched, **passed, "HOME": str(home), "PATH": str(programs), "LANG": "C.UTF-8"}


def printed() -> Iterator[str]:
    """Yield the commands of README's shell blocks that a newcomer copies, in order, after the demo."""
    for line in of_page(ROOT / "README.md"):
        if line.whole and not line.text.startswith(_APART):
            yield line.text


@pytest.mark.long
def test_every_command_of_readme_works_as_printed(clone: Path, environment: dict[str, str]) -> None:
    def follow(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=clone, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        assert "Traceback" not in done.stdout + done.stderr, f"{command}\n{done.stderr[-4000:]}"
        return done.stdout

    demo = follow("make demo")
    pages = re.findall(r"(\S+\.(?:html|png))(?:\s|$)", demo)
    assert [Path(page).name for page in pages] == ["preview.html", "report.html", "thought.html", "loss.png"]
    assert all(Path(page).stat().st_size > 10_000 for page in pages)
    for step in re.findall(r"(\S*spatiallake (?:sql|plan) .*)$", demo, re.MULTILINE):
        assert follow(step)
    commands = list(printed())
    assert len(commands) > 12
    names = {"CRAWL": "demo-lake/crawl-60-1", "LAKE": "lake"}
    for command in commands:
        if "RECIPE" in command:
            rows = follow(".venv/bin/spatiallake recipes --lake lake").splitlines()
            names["RECIPE"] = next(row for row in rows if "synthesize" in row and "old" in row).split("│")[1].strip()
        names["MODEL"] = "tiny" if "train" in command else "RUN/model"
        follow(re.sub("|".join(rf"\b{name}\b" for name in names), lambda found: names[found[0]], command))
    for name in ("preview.html", "report.html", "scores/evaluation.html"):
        assert (clone / name).stat().st_size > 10_000
