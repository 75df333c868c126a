"""Chains of thought as training rows: beside the answers of their image, exactly once, where they are wanted."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.engine.lake import Lake
from jobs.engine.pipeline import run, stages_of
from jobs.engine.settings import RunSettings, load_settings
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.reason.recomputing import Checker
from udfs.stages.examples import ExamplesSettings
from vlm.examples import example_of
from vlm.reason.composing import STYLE, Composed, rows_of

COUNT = 3


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of three rooms with training rows as they are, and with composed questions."""
    folder = tmp_path_factory.mktemp("reasoning")
    write_crawl(str(folder / "crawl"), 3, 11, width=160, height=120)
    lake = folder / "lake"
    invoke("run", "--lake", lake, "--crawl", folder / "crawl", "--experts", "sensor")
    invoke("examples", "--lake", lake)
    invoke("examples", "--lake", lake, "--reasoning", "--set", f"examples.reasoning={COUNT}")
    return lake


def table(lake: Path, name: str) -> list[dict[str, Any]]:
    return DeltaTable(str(lake / name)).to_pyarrow_table().to_pylist()


def by_recipe(lake: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The training rows without and with composed questions, in order of image and part."""
    rows = sorted(table(lake, "training_examples"), key=lambda row: (row["image_id"], row["part"]))
    thinking = {row["recipe"] for row in rows if is_composed(row)}
    assert len(thinking) == 1
    return [one for one in rows if one["recipe"] not in thinking], [one for one in rows if one["recipe"] in thinking]


def is_composed(row: dict[str, Any]) -> bool:
    return json.loads(row["type_ids"])[0].startswith("reasoning.")


def test_they_come_behind_the_answers_and_change_no_other_row(lake: Path) -> None:
    plain, thinking = by_recipe(lake)
    same = ("part", "conversations", "qa_ids", "split")
    answered = [[row[name] for name in same] for row in thinking if not is_composed(row)]
    assert answered == [[row[name] for name in same] for row in plain]
    places = [(row["image_id"], row["part"]) for row in thinking]
    assert len(set(places)) == len(places)
    assert sum(map(is_composed, thinking)) == COUNT * len({row["image_id"] for row in thinking})


def test_every_number_is_recomputed_from_the_tables(lake: Path) -> None:
    scenes = {row["image_id"]: row for row in table(lake, "scenes")}
    named = {row["image_id"]: row["references"] for row in table(lake, "references")}
    checked = 0
    for row in filter(is_composed, by_recipe(lake)[1]):
        scene, references = scenes[row["image_id"]], named[row["image_id"]]
        (turn,) = example_of(row).turns
        assert turn.question.endswith(STYLE) and row["turns"] == 1
        checked += Checker(scene, references).check(Composed("", turn.question, turn.answer, ()))
        again = rows_of(scene, references, 0, COUNT)
        assert (turn.question, turn.answer) in [(one.question, one.answer) for one in again]
    assert checked >= 20


def test_a_rerun_writes_nothing(lake: Path) -> None:
    before = table(lake, "training_examples")
    invoke("examples", "--lake", lake, "--set", f"examples.reasoning={COUNT}")
    assert len(table(lake, "training_examples")) == len(before)


def test_rows_are_those_of_a_run_in_spark(lake: Path, spark: SparkSession, tmp_path: Path) -> None:
    copy = tmp_path / "lake"
    shutil.copytree(lake, copy)
    shutil.rmtree(copy / "training_examples")
    given = {"lake": str(copy), "experts": "sensor"}
    settings = load_settings(given, None, [f"examples.reasoning={COUNT}"])
    run(settings, ("examples",), lake=Lake(spark, str(copy), str(copy / "_checkpoints")))
    made = by_recipe(copy)[1]
    small = by_recipe(lake)[1]
    compared = ("example_id", "part", "conversations", "qa_ids", "recipe")
    assert [[row[name] for name in compared] for row in made] == [[row[name] for name in compared] for row in small]


def test_settings_that_compose_nothing_leave_the_recipe_as_it_was() -> None:
    def recipe(**settings: Any) -> str:
        return dict(stages_of(RunSettings(lake="lake", examples=ExamplesSettings(**settings))))["examples"].recipe

    assert recipe() == recipe(reasoning_seed=9)
    assert len({recipe(), recipe(reasoning=2), recipe(reasoning=3), recipe(reasoning=3, reasoning_seed=9)}) == 4
