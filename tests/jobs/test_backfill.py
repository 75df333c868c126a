"""A backfill of some images of a lake, and what a plan or a dry run says of the rest."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.lake import Lake
from jobs.engine.memory import remembered_settings, stored_book
from jobs.engine.pipeline import backfill_stages, lacking_by_stage, run
from jobs.engine.selection import Selection, selected_images
from jobs.engine.settings import RunSettings, load_settings
from jobs.views.planning import Fleet, Load, ModelRate, Pilot, pilot_of, plan_of, work_of
from jobs.views.rates import measured_rates
from jobs.views.reader import LakeReader
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.jobs.engine import NO_JAVA, spatiallake, table, versions
from udfs.experts.expert import PROFILES, ExpertSpec

CHANGED = "disambiguate.seed=7"
OF_CHAIN = ("disambiguate", "synthesize", "statistics")


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("crawls")
    for name, seed, count in (("first", 5, 3), ("second", 9, 2)):
        write_crawl(str(folder / name), count=count, seed=seed, width=256, height=192)
    return folder / "first", folder / "second"


@pytest.fixture(scope="module")
def made(spark: SparkSession, crawls: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that has all of the first crawl, and of the second one the images alone."""
    folder = tmp_path_factory.mktemp("lake")
    first, second = (load_settings({"lake": str(folder), "crawl": str(crawl)}, None, []) for crawl in crawls)
    run(first)
    run(second, ["ingest"])
    return folder


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lake"))


def opened(spark: SparkSession, folder: Path) -> Lake:
    return Lake(spark, str(folder), str(folder / "_checkpoints"))


def changed(lake: Path) -> RunSettings:
    return load_settings({"lake": str(lake)}, None, [CHANGED], remembered_settings(str(lake)))


def images_of(lake: Path, crawl: Path) -> set[str]:
    entries = {row["entry_id"] for row in table(lake, "crawl").to_pylist() if row["crawl_uri"] == str(crawl)}
    return {row["image_id"] for row in table(lake, "provenance").to_pylist() if row["entry_id"] in entries}


def by_recipe(lake: Path, name: str, column: str = "image_id") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in table(lake, name).to_pylist():
        found.setdefault(row["recipe"], set()).add(row[column])
    return found


def content(lake: Path) -> dict[str, Counter[str]]:
    return {
        name: Counter(json.dumps(row, sort_keys=True, default=str) for row in table(lake, name).to_pylist())
        for name in ("references", "qa_pairs", "qa_statistics")
    }


def test_a_backfill_of_some_images_makes_their_rows_and_a_whole_one_the_rest(
    spark: SparkSession, lake: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(lake, tmp_path / "other"))
    old, before = stored_book(str(lake)).live(), versions(lake)
    some = sorted(by_recipe(lake, "scenes")[old["lift"]])[:2]
    only = Selection(where=f"image_id IN ('{some[0]}', '{some[1]}')")
    counts = lacking_by_stage(changed(lake), "disambiguate", only, lake=opened(spark, lake))
    assert counts == {"disambiguate": 2, "synthesize": 2, "statistics": 2}
    assert versions(lake) == before

    backfill_stages(changed(lake), "disambiguate", lake=opened(spark, lake), selection=only)
    assert stored_book(str(lake)).live() == old
    (new,) = set(by_recipe(lake, "references")) - {old["disambiguate"]}
    assert by_recipe(lake, "references")[new] == set(some)

    backfill_stages(changed(lake), "disambiguate", lake=opened(spark, lake))
    backfill_stages(changed(other), "disambiguate", lake=opened(spark, other))
    assert content(lake) == content(other)


def test_images_are_selected_by_day_crawl_and_condition(
    spark: SparkSession, made: Path, crawls: tuple[Path, Path]
) -> None:
    lake, today = opened(spark, made), datetime.now(UTC).date()

    def selected(selection: Selection) -> set[str]:
        return {row[0] for row in selected_images(lake, selection).collect()}

    everything = images_of(made, crawls[0]) | images_of(made, crawls[1])
    one = min(everything)
    # The lake may have been made before midnight.
    assert selected(Selection(first=today - timedelta(1), last=today)) == everything
    assert not selected(Selection(first=today + timedelta(1)))
    assert not selected(Selection(last=today - timedelta(2)))
    assert selected(Selection(where=f"width = 256 AND image_id = '{one}'")) == {one}
    assert selected(Selection(crawl=str(crawls[0]))) == images_of(made, crawls[0])
    with pytest.raises(UsageError, match=r"--where 'licens = 1' cannot be used.*licence"):
        selected(Selection(where="licens = 1"))
    with pytest.raises(UsageError, match=r"'/no/crawl'.*first"):
        selected(Selection(crawl="/no/crawl"))
    with pytest.raises(UsageError, match="Stage ingest has no images yet"):
        backfill_stages(changed(made), "ingest", lake=lake, selection=Selection(where="width = 1"))


def test_a_plan_holds_what_the_pilot_shows(made: Path) -> None:
    with pytest.raises(LakeUnreadable, match="shows no yields yet"):
        pilot_of(LakeReader(str(made)))
    pilot, images = pilot_of(LakeReader(str(made)), finished=False), 10_000
    on_disk = {name: sum(file_sizes(made, name)) for name in ("images", "scenes", "qa_pairs")}
    assert pilot.listed == 5
    assert {name: pilot.bytes_per_image[name] for name in on_disk} == {
        name: pytest.approx(size / 5) for name, size in on_disk.items()
    }
    assert pilot.answers_per_image == table(made, "qa_pairs").num_rows / 5
    plan = plan_of(images, PROFILES["sensor"], Fleet(), pilot)
    rates = measured_rates().spark
    known = {**rates.cpu_ms_per_image, **rates.expert_cpu_ms_per_image["sensor"]}
    assert {load.stage: load.core_hours for load in plan.loads} == {
        name: pytest.approx(images * pilot.reach[name] * known[name] / 3.6e6) for name in pilot.reach
    }
    assert plan.bottleneck == max(plan.loads, key=lambda load: load.core_hours or 0).stage
    assert not plan.unknown
    with pytest.raises(UsageError, match=r"did you mean m7i\.4xlarge"):
        plan_of(images, PROFILES["sensor"], Fleet(cpu="m7i.4xlarg"), pilot)


def test_a_plan_has_the_rates_of_the_engine_that_will_do_the_work() -> None:
    held = measured_rates()
    for images, rates in ((500, held.without_spark), (2_000, held.spark)):
        plan = json.loads(invoke("plan", "--images", images, "--experts", "sensor", "--json"))
        wanted = {**rates.cpu_ms_per_image, **rates.expert_cpu_ms_per_image["sensor"]}
        assert {load["stage"]: load["ms_per_image"] for load in plan["loads"]} == wanted
        hours = sum(images * milliseconds for milliseconds in wanted.values()) / 3.6e6 + rates.start_cpu_s / 3600
        machines = 1 if rates is held.without_spark else 4
        assert plan["days"] == pytest.approx(hours / 16 / machines / 24)
        assert any("without Spark;" in note for note in plan["notes"]) == (rates is held.without_spark)


def model_pilot(device: str | None, lake: Path) -> Pilot:
    return replace(pilot_of(LakeReader(str(lake)), finished=False), models={"filter": ModelRate(0.25, device)})


def test_a_models_rate_is_one_of_the_device_that_it_was_on(made: Path) -> None:
    model = ExpertSpec(family="clip", model="some/model")
    profile = PROFILES["sensor"].model_copy(update={"filter": model})
    images = 10_000

    def of(device: str | None, without_spark: bool = False) -> Load:
        plan = plan_of(images, profile, Fleet(without_spark=without_spark), model_pilot(device, made))
        return next(load for load in plan.loads if load.stage == "filter")

    on_gpu, on_cpus = of("cuda:0"), of("cpu")
    assert on_gpu.core_hours is None and on_gpu.gpu_hours == pytest.approx(on_gpu.images * 0.25 / 3600)
    assert on_cpus.gpu_hours is None and on_cpus.core_hours == on_gpu.gpu_hours
    assert of("cpu", without_spark=True).core_hours == on_cpus.core_hours
    assert of("cuda:0", without_spark=True).ms_per_image is None
    notes = plan_of(images, profile, Fleet(), model_pilot("cpu", made)).notes
    assert any("models of filter worked on CPUs" in note for note in notes)


def test_work_that_is_left_has_the_sizes_of_the_lake(made: Path) -> None:
    pilot = pilot_of(LakeReader(str(made)), finished=False)
    plan = work_of({"disambiguate": 5, "synthesize": 5}, PROFILES["sensor"], Fleet(), pilot)
    assert set(plan.bytes_by_table) == {"references", "qa_pairs"}
    size = sum(file_sizes(made, "references"))
    assert plan.bytes_by_table["references"] == pytest.approx(size / table(made, "references").num_rows * 5)


def test_a_dry_run_prints_the_work_writes_nothing_and_needs_no_java(made: Path, crawls: tuple[Path, Path]) -> None:
    before = versions(made)
    some = ("--stage", "disambiguate", "--crawl", str(crawls[0]), "--dry-run")
    done = spatiallake("backfill", "--lake", str(made), "--set", CHANGED, *some, environment=NO_JAVA)
    assert re.search(r"disambiguate +3 ", done.stdout) and "core-hours" in done.stdout
    assert versions(made) == before


def test_work_is_counted_alike_with_and_without_spark(
    spark: SparkSession, made: Path, crawls: tuple[Path, Path]
) -> None:
    held, today = opened(spark, made), datetime.now(UTC).date()
    unchanged = load_settings({"lake": str(made)}, None, [], remembered_settings(str(made)))
    first, second = (Selection(crawl=str(crawl)) for crawl in crawls)
    tomorrow = Selection(first=today + timedelta(1))
    for settings, selection, stage, lacks in (
        (unchanged, None, None, {"filter": 2, "lift": 2}),
        (unchanged, first, None, {"filter": 0, "lift": 0}),
        (unchanged, second, None, {"filter": 2, "lift": 2}),
        (unchanged, tomorrow, None, {"filter": 0}),
        (changed(made), Selection(crawl=str(crawls[0]), last=today), "disambiguate", {"disambiguate": 3}),
        (changed(made), None, "context", {"context": 0, "disambiguate": 3}),
    ):
        counts = lacking_by_stage(settings, stage, selection)
        assert counts == lacking_by_stage(settings, stage, selection, lake=held)
        assert {name: counts[name] for name in lacks} == lacks
    with pytest.raises(UsageError, match=r"'/no/crawl'.*first"):
        lacking_by_stage(unchanged, None, Selection(crawl="/no/crawl"))


@pytest.mark.long
def test_ten_interrupted_backfills_end_equal_to_an_undisturbed_one(
    spark: SparkSession, lake: Path, crawls: tuple[Path, Path], tmp_path: Path
) -> None:
    run(load_settings({"lake": str(lake), "crawl": str(crawls[1])}, None, []), lake=opened(spark, lake))
    whole = Path(shutil.copytree(lake, tmp_path / "whole"))
    old, draws = stored_book(str(lake)).live(), random.Random(4)
    command = [sys.executable, "-m", "spatiallake", "backfill", "--lake", str(lake), "--set", CHANGED]
    for _ in range(10):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert process.stderr is not None
        for line in process.stderr:
            if "stage_started" in line:
                break
        time.sleep(draws.uniform(0, 6))
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
        assert stored_book(str(lake)).live() == old
    backfill_stages(changed(lake), lake=opened(spark, lake))
    backfill_stages(changed(whole), lake=opened(spark, whole))
    assert content(lake) == content(whole)
    new = stored_book(str(lake)).live()
    assert [name for name in new if new[name] != old[name]] == list(OF_CHAIN)
    spatiallake("recipes", "use", old["synthesize"], "--lake", str(lake))
    assert stored_book(str(lake)).live() == old


def file_sizes(lake: Path, name: str) -> list[int]:
    return [Path(one).stat().st_size for one in DeltaTable(str(lake / name)).file_uris()]
