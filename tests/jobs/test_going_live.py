"""A lake of small rooms remembers how it was made, and shows a new recipe once its whole chain has caught up."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.going_live import use
from jobs.engine.lake import Lake
from jobs.engine.memory import remembered_settings, stored_book
from jobs.engine.pipeline import backfill_stages, retry_stages, run
from jobs.engine.progress import Reporter
from jobs.engine.settings import RunSettings, load_settings
from jobs.views.pages.tally import tally_of
from jobs.views.reader import LakeReader
from jobs.views.recipes import listed
from scenes.crawl import write_crawl
from schemas.operations import RECIPES
from schemas.plugins import PLUGINS_VARIABLE
from tests.jobs.engine import spatiallake, table, versions

ROOMS = 4
# Not the default experts, and without a network, whose start would take longer than all that is tested here.
PROFILE = {
    "filter": {"family": "sensor"},
    "context": {"family": "sensor"},
    "depth": {"family": "sensor", "options": {"sigma_rel": 0.004}},
}


class Told(Reporter):
    """Keeps what a user is told."""

    def __init__(self) -> None:
        super().__init__()
        self.interactive = False
        self.sentences: list[str] = []

    def say(self, text: str) -> None:
        self.sentences.append(text)

    def log(self, event: str, **fields: Any) -> None:
        pass


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crawl = tmp_path_factory.mktemp("rooms")
    write_crawl(str(crawl), count=ROOMS, seed=5, width=256, height=192)
    return crawl


@pytest.fixture(scope="module")
def first(spark: SparkSession, rooms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with experts and a setting of its own; copied by tests that change it."""
    folder = tmp_path_factory.mktemp("lake")
    profile = folder.with_suffix(".yaml")
    profile.write_text(json.dumps(PROFILE))
    flags = {"lake": str(folder), "crawl": str(rooms), "experts": str(profile)}
    run(load_settings(flags, None, ["synthesize.short_share=0.7"]))
    return folder


@pytest.fixture
def lake(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "lake"))


def opened(spark: SparkSession, folder: Path) -> Lake:
    return Lake(spark, str(folder), str(folder / "_checkpoints"))


def settings_of(lake: Path, *overrides: str, recipe: str | None = None, **flags: str) -> RunSettings:
    """Return the settings of a command that names only `overrides` and `flags`."""
    return load_settings({"lake": str(lake), **flags}, None, overrides, remembered_settings(str(lake), recipe))


def shown(lake: Path) -> list[str]:
    return sorted(row["qa_id"] for row in LakeReader(str(lake)).query("qa_pairs", "SELECT qa_id FROM t"))


def live(lake: Path) -> dict[str, str]:
    return stored_book(str(lake)).live()


def test_a_lake_keeps_its_settings_without_being_told_again(spark: SparkSession, rooms: Path, lake: Path) -> None:
    recipes, answers = live(lake), shown(lake)
    assert set(recipes) >= {"ingest", "filter", "synthesize", "statistics"} and len(answers) > ROOMS
    remembered = remembered_settings(str(lake))
    assert remembered["synthesize"]["short_share"] == 0.7
    assert remembered["experts"]["depth"]["options"]["sigma_rel"] == 0.004
    before = versions(lake)

    spark_lake, told = opened(spark, lake), Told()
    run(settings_of(lake, crawl=str(rooms)), reporter=told, lake=spark_lake)
    retry_stages(settings_of(lake), reporter=told, lake=spark_lake)
    assert versions(lake) == before
    assert told.sentences[-1] == "No failed rows to retry."
    assert not any("live" in sentence for sentence in told.sentences)

    run(settings_of(lake), ["examples"], lake=spark_lake)
    examples = table(lake, "training_examples").to_pylist()
    assert sorted(qa for row in examples for qa in json.loads(row["qa_ids"])) == answers == shown(lake)
    assert {name: recipe for name, recipe in live(lake).items() if name != "examples"} == recipes
    assert live(lake)["examples"] == examples[0]["recipe"]


def test_a_backfill_that_is_killed_shows_the_old_answers_and_one_that_ends_the_new(
    spark: SparkSession, lake: Path
) -> None:
    old, old_answers = live(lake), shown(lake)
    command = [sys.executable, "-m", "spatiallake", "backfill", "--lake", str(lake), "--set", "disambiguate.seed=7"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "stage_finished" and event["stage"] == "disambiguate":
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    pending = [one for one in listed(LakeReader(str(lake))) if one.state.startswith("pending")]
    assert [one.stage for one in pending] == ["disambiguate", "synthesize", "statistics"]
    assert pending[0].settings == "seed=7" and pending[1].settings == f"reads {pending[0].recipe[:8]}"
    assert live(lake) == old and shown(lake) == old_answers
    spark_lake = opened(spark, lake)
    with pytest.raises(
        UsageError, match=rf"has not caught up.*backfill --lake {lake} --recipe {pending[1].recipe[:8]}"
    ):
        use(spark_lake, pending[1].recipe)

    told = Told()
    backfill_stages(settings_of(lake, recipe=pending[0].recipe[:8]), reporter=told, lake=spark_lake)
    new = live(lake)
    assert [name for name in new if new[name] != old[name]] == ["disambiguate", "synthesize", "statistics"]
    assert told.sentences[-1].startswith("Live now: disambiguate ")
    new_answers = shown(lake)
    assert new_answers and not set(new_answers) & set(old_answers)
    assert remembered_settings(str(lake))["disambiguate"]["seed"] == 7

    before = versions(lake)
    use(spark_lake, old["synthesize"])
    assert live(lake) == old and shown(lake) == old_answers
    assert {name for name, version in versions(lake).items() if version != before[name]} == {"recipes"}
    use(spark_lake, new["statistics"])
    assert live(lake) == new and shown(lake) == new_answers


def test_one_stage_under_a_new_setting_waits_for_those_after_it(spark: SparkSession, lake: Path) -> None:
    old, old_answers, spark_lake, told = live(lake), shown(lake), opened(spark, lake), Told()
    changed = settings_of(lake, "synthesize.short_share=0.1")
    run(changed, ["synthesize"], told, spark_lake)
    assert live(lake) == old and shown(lake) == old_answers
    assert "is not live yet: statistics" in told.sentences[-1] and "backfill --lake" in told.sentences[-1]
    run(changed, ["statistics"], told, spark_lake)
    assert live(lake)["synthesize"] != old["synthesize"] and not set(shown(lake)) & set(old_answers)


def test_a_stage_whose_input_another_recipe_made_says_which_and_what_was_meant(spark: SparkSession, lake: Path) -> None:
    spark_lake, before = opened(spark, lake), versions(lake)
    there = live(lake)["disambiguate"][:8]
    for name, settings in {
        "synthesize": settings_of(lake, experts="sensor"),
        "examples": settings_of(lake, "synthesize.seed=3"),
        "statistics": settings_of(lake, "synthesize.seed=3"),
    }.items():
        with pytest.raises(LakeUnreadable, match=f"Stage {name} needs recipe") as failure:
            run(settings, [name], lake=spark_lake)
        assert f"spatiallake {name} --lake {lake}" in str(failure.value)
        assert name != "synthesize" or there in str(failure.value)
    with pytest.raises(LakeUnreadable, match="Stage disambiguate needs recipe"):
        backfill_stages(settings_of(lake, "lift.min_points=60"), "disambiguate", lake=spark_lake)
    assert versions(lake) == before


@pytest.mark.long
def test_recipes_of_an_earlier_version_are_live_and_are_kept(spark: SparkSession, lake: Path) -> None:
    """Its rows have no configuration and no time of registration, and its column `activated_at` may not be null."""
    rows = spark.read.format("delta").load(str(lake / "recipes")).where("activated_at IS NOT NULL").collect()
    shutil.rmtree(lake / "recipes")
    fields = ", ".join(f"{name} STRING NOT NULL" for name in ("stage", "recipe", "settings_json", "engine_version"))
    columns = f"{fields}, upstream_recipe STRING, activated_at TIMESTAMP NOT NULL"
    spark.sql(f"CREATE TABLE delta.`{lake}/recipes` ({columns}) USING delta")
    names = [name.split()[0] for name in columns.split(", ")]
    older = spark.createDataFrame([[row[name] for name in names] for row in rows], columns.replace(" NOT NULL", ""))
    older.write.format("delta").mode("append").save(str(lake / "recipes"))
    old, answers = live(lake), shown(lake)

    run(settings_of(lake), lake=opened(spark, lake))
    assert live(lake) == old and shown(lake) == answers
    assert set(table(lake, "recipes").column_names) == set(RECIPES.columns)
    assert remembered_settings(str(lake))["synthesize"]["short_share"] == 0.7


@pytest.mark.long
def test_a_stage_outside_the_tree_writes_its_table_and_is_in_the_report(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = {PLUGINS_VARIABLE: "tests.jobs.toy_stage"}
    spatiallake("measure_questions", "--lake", str(lake), "--set", "measure_questions.factor=2", environment=plugin)
    rows = table(lake, "question_lengths").to_pylist()
    lengths = {row["qa_id"]: row["length"] for row in rows}
    assert len(rows) == len(lengths)
    assert lengths == {row["qa_id"]: 2 * len(row["question"]) for row in table(lake, "qa_pairs").to_pylist()}
    monkeypatch.setenv(PLUGINS_VARIABLE, plugin[PLUGINS_VARIABLE])
    tally = tally_of(LakeReader(str(lake)))
    (own,) = [one for one in tally.yields if one.stage == "measure_questions"]
    assert own.current and own.rows_out == len(rows)
    assert [one.rows for one in tally.tables if one.name == "question_lengths"] == [len(lengths)]
