"""Stages register themselves: their order follows from what each reads, and a clash is refused in one sentence."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from jobs.engine.errors import UsageError
from jobs.engine.outlines import Outline, stage_outlines
from jobs.engine.registry import downstream_of, in_order, run_stages, sections, stage_definitions
from jobs.engine.stage import StageDefinition, StageInputs
from jobs.views.reader import known_tables, stage_of_table
from schemas.plugins import PLUGINS_VARIABLE
from schemas.table import Table
from tests.jobs.toy_stage import QUESTION_LENGTHS, ToySettings
from tests.jobs.toy_stage import STAGE as TOY


def made(name: str, *reads: str, in_run: bool = True) -> StageDefinition:
    def table(stage: str) -> Table:
        return replace(QUESTION_LENGTHS, name=f"{stage}_table", stage=stage)

    def build(inputs: StageInputs) -> object:
        raise NotImplementedError

    tables = tuple(map(table, reads)) or (table(name),)
    return StageDefinition(table(name), tables, "A stage.", build, in_run=in_run)  # pyright: ignore[reportArgumentType]


def names(definitions: list[StageDefinition]) -> list[str]:
    return [definition.name for definition in definitions]


def test_our_stages_come_in_the_order_of_the_data() -> None:
    order = [
        "ingest",
        "duplicates",
        "filter",
        "context",
        "depth",
        "lift",
        "disambiguate",
        "synthesize",
        "statistics",
        "examples",
        "fuse",
        "reward",
    ]
    assert list(stage_definitions()) == order
    assert list(run_stages()) == order[:-3]
    assert list(downstream_of("lift")) == order[5:]
    for definition in stage_definitions().values():
        before = order[: order.index(definition.name) + 1]
        assert all(table.stage in before for table in definition.reads)


def test_a_stage_follows_every_stage_that_it_reads_however_they_are_listed() -> None:
    stages = [made("c", "b", "a"), made("b", "a"), made("d", "a", in_run=False), made("a")]
    assert names(in_order(stages)) == ["a", "b", "c", "d"]
    assert names(in_order(stages[::-1])) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ([made("a"), made("a")], "Two stages are called 'a'"),
        ([made("a"), made("b", "nobody")], "Stage b reads table nobody_table, which no stage writes"),
        ([made("a", "b"), made("b", "a")], "a, b read each other's tables, which is a cycle"),
        ([made("a"), made("b", "a", in_run=False), made("c", "b")], "Stage c is part of `run` and reads b_table"),
    ],
)
def test_stages_that_do_not_fit_together_are_refused(stages: list[StageDefinition], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        in_order(stages)


def test_a_table_without_a_stage_is_refused() -> None:
    orphan = replace(TOY, table=replace(QUESTION_LENGTHS, stage=None))
    with pytest.raises(UsageError, match=r"Table question_lengths names no stage.*Table\(stage=\.\.\.\)"):
        in_order([orphan])


def test_a_stage_outside_the_tree_gets_its_place_its_settings_and_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "measure_questions" not in stage_definitions()
    monkeypatch.setenv(PLUGINS_VARIABLE, "tests.jobs.toy_stage")
    assert list(stage_definitions())[-1] == "measure_questions"
    assert sections()["measure_questions"] is ToySettings
    assert known_tables()["question_lengths"] is QUESTION_LENGTHS
    assert stage_of_table()["question_lengths"] == "measure_questions"
    assert "measure_questions" in downstream_of("synthesize")


def test_the_commands_of_our_stages_say_what_the_stages_declare() -> None:
    declared = [Outline(one.name, one.help, one.in_run, one.is_source) for one in stage_definitions().values()]
    assert list(stage_outlines()) == declared, "jobs/engine/outlines.py has to name every stage, in this order"


def test_a_stage_outside_the_tree_gets_a_command_with_its_help_and_a_settings_section() -> None:
    script = (
        "import json; from typer.main import get_command; from jobs.cli.options import app;"
        "from jobs.engine.settings import load_settings;"
        "settings = load_settings({'lake': 'x'}, None, ['measure_questions.factor=3']);"
        "group = get_command(app); command = group.get_command(None, 'measure_questions');"
        "print(json.dumps([command.help, settings.measure_questions.factor]))"
    )
    environment = {**os.environ, PLUGINS_VARIABLE: "tests.jobs.toy_stage"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == ["Measure the length of every question.", 3]
