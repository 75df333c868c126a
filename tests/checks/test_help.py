"""The help and the completion of the command line."""

import os
import subprocess
import sys
from pathlib import Path

from jobs.engine.outlines import stage_outlines
from tests.checks.parsing import application


def test_commands_stand_in_panels_and_stages_in_one_of_their_own() -> None:
    group = application()
    panels: dict[str, list[str]] = {}
    for name in group.list_commands(None):
        panels.setdefault(group.commands[name].rich_help_panel, []).append(name)
    assert next(iter(panels)) == "Start" and panels["Start"][0] == "setup"
    assert set(panels["Stages, one by one"]) == {outline.name for outline in stage_outlines()}


def test_commands_and_options_are_completed(tmp_path: Path) -> None:
    for words, found in (("spatiallake pre", {"preview"}), ("spatiallake preview --lim", {"--limit"})):
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        environment = {**os.environ, "_SPATIALLAKE_COMPLETE": "complete_bash", **asked}
        script = Path(sys.executable).with_name("spatiallake")
        done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert set(done.stdout.split()) == found, done.stderr
