"""The demo: the images alone through the built-in experts, and their ground truth beside it."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from jobs.demo.story import next_steps
from jobs.demo.training import STEPS
from tests.checks.command_lines import CommandLine
from tests.checks.parsing import fault
from tests.command import invoke
from tests.jobs.engine import table

_KNOWN = ("depth", "camera", "gravity", "pose", "instances", "objects", "alt_text")


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_bare_images_stand_beside_their_truth(tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    printed = invoke("demo", "--lake", folder, "--rooms", 1, "--seed", 4)
    bare, truth = (table(lake, "images").to_pylist() for lake in (folder, folder / "truth"))
    assert [row["image_id"] for row in bare] == [row["image_id"] for row in truth] and len(bare) == 1
    assert all(bare[0][name] is None for name in _KNOWN)
    assert all(truth[0][name] is not None for name in _KNOWN)
    # what the experts make of it may change with their weights; what becomes of an image may not be left open
    assert table(folder, "depths").num_rows + table(folder, "quarantine").num_rows >= 1
    assert table(folder / "truth", "qa_pairs").num_rows > 0
    html = (folder / "preview.html").read_text(encoding="utf-8")
    assert html.count('<section class="sheet"') == 1 and html.count('class="share-of"') == 1
    assert "rooms beside truth" in html
    for page in ("report.html", "thought.html"):
        assert (folder / page).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert table(folder, "training_examples").num_rows > 0
    first, last = map(float, re.findall(rf"loss (\S+) at step 1, (\S+) at step {STEPS}", printed)[0])
    assert 0 < last < first
    for line, step in zip(printed.splitlines()[-4:], next_steps(str(folder)), strict=True):
        assert line.startswith(step.about) and line.endswith(step.text)
    again = invoke("demo", "--lake", folder, "--rooms", 1, "--seed", 4)
    assert re.findall("loss .*", again) == re.findall("loss .*", printed)


def test_the_commands_that_the_demo_prints_work_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = tmp_path / "a b" / ".venv" / "bin"
    environment.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(environment / "python"))
    assert shlex.split(next_steps("lake")[0].text)[1:4] == ["-m", "spatiallake", "sql"]
    script = environment / "spatiallake"
    script.symlink_to("/bin/echo")
    for folder, program in (
        (tmp_path / "a b", ".venv/bin/spatiallake"),
        (environment, str(script)),
        (Path("/usr"), str(script)),
    ):
        monkeypatch.chdir(folder)
        for step in next_steps("my lake"):
            words = shlex.split(step.text)
            assert words[0] == program and os.access(words[0], os.X_OK)
            text = shlex.join([".venv/bin/spatiallake", *words[1:]])
            assert fault(CommandLine("the demo", text, whole=True)) is None
        assert shlex.split(next_steps("my lake")[0].text)[-2:] == ["--lake", "my lake"]
