"""A question type, a stage, a family of experts, a file layout and an export of somebody else's, each one new module.

The modules lie outside the tree and nothing else is edited: three are named in SPATIALLAKE_PLUGINS, layout and export
are found by the entry points of an installed distribution.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from scenes.crawl import write_crawl

ROOT = Path(__file__).resolve().parents[2]
TOYS = Path(__file__).with_name("toys")
NAMED = ("twice_as_far", "object_counts", "labeled_depth")
PROFILE = """
filter: {family: sensor}
context: {family: sensor}
depth: {family: labeled_depth}
"""
METADATA = "Metadata-Version: 2.1\nName: plain-lines\nVersion: 1.0\n"
ENTRY_POINTS = "[spatiallake.formats]\nplain_lines = plain_lines\n[spatiallake.exports]\nspoken = spoken\n"


class Plugged(NamedTuple):
    """A folder with the modules, rooms, a lake made with them, and how commands are run there."""

    folder: Path

    def command(self, *arguments: str) -> str:
        return self._run("-m", "spatiallake", *arguments)

    def python(self, code: str) -> str:
        return self._run("-c", code)

    def table(self, name: str) -> pa.Table:
        return DeltaTable(str(self.folder / "lake" / name)).to_pyarrow_table()

    def _run(self, *arguments: str) -> str:
        path = os.pathsep.join([str(self.folder / "site"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, "SPATIALLAKE_PLUGINS": ",".join(NAMED), "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=580,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> Plugged:
    folder = tmp_path_factory.mktemp("plugged")
    shutil.copytree(TOYS, folder / "site")
    installed = folder / "site" / "plain_lines-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(METADATA)
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "profile.yaml").write_text(PROFILE)
    write_crawl(str(folder / "rooms"), 4, 7, width=320, height=240)
    made = Plugged(folder)
    made.command("run", "--crawl", "rooms", "--lake", "lake", "--experts", "profile.yaml")
    return made


def test_the_stage_writes_its_table_as_part_of_run(plugged: Plugged) -> None:
    scenes, counts = plugged.table("scenes").to_pylist(), plugged.table("object_counts").to_pylist()
    assert counts
    assert {row["image_id"]: row["objects"] for row in counts} == {
        row["image_id"]: len(row["objects"]) for row in scenes
    }
    assert "count_objects" in plugged.table("stage_runs")["stage"].to_pylist()


def test_the_stage_has_a_command_and_a_view(plugged: Plugged) -> None:
    assert "Count the objects of each image" in plugged.command("--help")
    assert "count_objects" in plugged.command("run", "--help")
    assert "object_counts" in plugged.python("import spatiallake; print(spatiallake.open_lake('lake').tables())")


def test_the_expert_fills_its_slot(plugged: Plugged) -> None:
    assert set(plugged.table("depths")["depth_src"].to_pylist()) == {"labeled_depth"}


def test_the_question_type_is_asked_by_its_rule_and_counted(plugged: Plugged) -> None:
    asked = [row for row in plugged.table("qa_pairs").to_pylist() if row["type_id"] == "X01"]
    ranges = {
        (row["image_id"], one["object_id"]): one["range_m"]
        for row in plugged.table("scenes").to_pylist()
        for one in row["objects"]
    }
    assert asked
    for row in asked:
        a, b = (ranges[row["image_id"], number] for number in row["object_ids"])
        assert a >= 2 * b or b >= 2 * a
        assert row["answer_bool"] == (a > b)
    statistics = plugged.table("qa_statistics").to_pylist()
    assert sum(row["answers"] for row in statistics if row["type_id"] == "X01") == len(asked)


def test_the_question_type_is_on_the_pages(plugged: Plugged) -> None:
    plugged.command("preview", "--lake", "lake", "--out", "preview.html")
    plugged.command("report", "--lake", "lake", "--out", "report.html")
    assert "X01" in (plugged.folder / "report.html").read_text()
    assert "Twice as far away?" in (plugged.folder / "preview.html").read_text()


def test_the_layout_is_written(plugged: Plugged) -> None:
    plugged.command("benchmark", "--lake", "lake", "--split", "all", "--out", "items.parquet")
    items = ("--items", "spatiallake:items.parquet", "--out", "evaluation")
    plugged.command("evaluate", *items, "--write", "plain_lines:items.txt")
    lines = (plugged.folder / "items.txt").read_text().splitlines()
    assert lines
    assert all(len(line.split("\t")) == 2 for line in lines)


def test_the_export_format_is_written_and_read_back(plugged: Plugged) -> None:
    assert "spoken: a dialogue" in plugged.command("export", "--help")
    plugged.command("export", "--lake", "lake", "--format", "spoken", "--out", "spoken", "--rows-per-shard", "50")
    files = sorted((plugged.folder / "spoken").rglob("*.txt"))
    said = [tuple(line.split("\t")) for path in files for line in path.read_text().splitlines()]
    asked = plugged.table("qa_pairs").select(["question", "answer"]).to_pylist()
    assert sorted(said) == sorted((row["question"], row["answer"]) for row in asked)
    assert len(files) > 1


def test_the_tables_of_the_documentation_would_list_them(plugged: Plugged) -> None:
    layouts = "from vlm.evaluation.layouts import formats_table; print(*formats_table(), sep='\\n')"
    assert "plain_lines" in plugged.python(layouts)
    exports = "from jobs.exporting.layouts import exports_table; print(*exports_table(), sep='\\n')"
    assert "a dialogue" in plugged.python(exports)
    types = "from udfs.questions.table import types_markdown; print(types_markdown())"
    assert "X01" in plugged.python(types)
