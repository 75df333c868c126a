"""Every command runs, on one small lake of rendered rooms."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from deltalake import DeltaTable
from mlflow import MlflowClient

from jobs.engine.memory import stored_book
from jobs.engine.registry import stage_definitions
from scenes.crawl import write_crawl
from tests.checks.parsing import commands
from tests.checks.tracked import ROOT
from tests.command import invoke
from tests.model.tiny import write_decoder, write_encoder

STAGES = {name: definition.table.name for name, definition in stage_definitions().items()}

# Commands whose own tests run them through the command line, and the module that does.
ELSEWHERE = {
    "ask": "tests/api/test_ask_command.py",
    "benchmark": "tests/evaluation/test_benchmark.py",
    "calibrate": "tests/experts/test_calibrate.py",
    "demo": "tests/jobs/test_demo.py",
    "episodes": "tests/rewards/test_episodes.py",
    "evaluate": "tests/evaluation/test_command.py",
    "export": "tests/exporting/test_formats.py",
    "from-lerobot": "tests/lerobot/test_crawl.py",
    "publish": "tests/jobs/test_catalog.py",
    "reason": "tests/reason/test_command.py",
    "sequence-examples": "tests/views/test_sequence_examples.py",
    "serve": "tests/serving/test_command.py",
    "view": "tests/serving/test_view.py",
    "to-lerobot": "tests/rewards/test_episodes.py",
    "tiny-model": "tests/model/test_tiny.py",
    "truth": "tests/truth/test_slots.py",
}


@dataclass(frozen=True)
class Place:
    """What a smoke test works on: a crawl, a lake with every table, and an empty folder of its own."""

    crawl: Path
    lake: Path
    out: Path


def rows(lake: Path, table: str) -> int:
    return DeltaTable(str(lake / table)).to_pyarrow_table(columns=[]).num_rows


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), count=2, seed=4, width=160, height=120)
    return folder


@pytest.fixture(scope="module")
def lake(spark: Any, crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that every stage's own command has written to, one after the other."""
    folder = tmp_path_factory.mktemp("smoke") / "lake"
    for stage, table in STAGES.items():
        source = ("--crawl", crawl) if stage == "ingest" else ("--experts", "sensor")
        invoke(stage, "--lake", folder, *source)
        assert rows(folder, table) > 0, stage
    return folder


@pytest.fixture
def place(crawl: Path, lake: Path, tmp_path: Path) -> Place:
    return Place(crawl, lake, tmp_path)


def render(place: Place) -> None:
    told = invoke("render", "--out", place.out / "c", "--count", 1, "--width", 96, "--height", 72, "--room", "kitchen")
    assert "1 rooms" in told
    assert (place.out / "c" / "manifest.jsonl").read_text().count("\n") == 1


def run(place: Place) -> None:
    before = rows(place.lake, "qa_pairs")
    invoke("run", "--lake", place.lake, "--crawl", place.crawl, "--experts", "sensor")
    assert rows(place.lake, "qa_pairs") == before


def backfill(place: Place) -> None:
    before = rows(place.lake, "regions")
    invoke("backfill", "--lake", place.lake, "--stage", "context", "--experts", "sensor")
    assert rows(place.lake, "regions") == before


def retry(place: Place) -> None:
    invoke("retry", "--lake", place.lake, "--stage", "context", "--experts", "sensor")


def recipes(place: Place) -> None:
    lines = [line.split() for line in invoke("recipes", "--lake", place.lake).splitlines()]
    assert [line[0] for line in lines if "live" in line] == list(STAGES)


def recipes_use(place: Place) -> None:
    live = stored_book(str(place.lake)).live()["synthesize"]
    assert "is live already" in invoke("recipes", "use", live[:10], "--lake", place.lake)


def takedown(place: Place) -> None:
    before = rows(place.lake, "images")
    told = invoke("takedown", "--lake", place.lake, "--licence", "CC0", "--dry-run")
    assert f"images: {before} rows" in told and rows(place.lake, "images") == before

    def counted(*named: str) -> str:
        return invoke("takedown", "--lake", place.lake, *named, "--dry-run")

    place_of_one = DeltaTable(str(place.lake / "provenance")).to_pyarrow_table().to_pylist()[0]
    one = counted("--image", place_of_one["image_id"][:12])
    assert "images: 1 rows" in one and "crawl: 1 rows" in one and "scenes: 1 rows" in one
    assert counted("--url", place_of_one["uri"]) == one
    assert not re.search(r": [1-9]", counted("--domain", "example.org"))


def setup(place: Place) -> None:
    assert "jars ready" in invoke("setup")


def plan(place: Place) -> None:
    told = json.loads(invoke("plan", "--images", 1000, "--pilot", place.lake, "--json"))
    assert told["answers"] == 1000 * rows(place.lake, "qa_pairs") / 2


def maintain(place: Place) -> None:
    before = DeltaTable(str(place.lake / "qa_pairs")).version()
    assert "qa_pairs" in invoke("maintain", "--lake", place.lake, "--dry-run")
    assert DeltaTable(str(place.lake / "qa_pairs")).version() == before


def preview(place: Place) -> None:
    page = place.out / "preview.html"
    assert str(page) in invoke("preview", "--lake", place.lake, "--out", page)
    assert page.read_text().count('<section class="sheet"') == 2


def report(place: Place) -> None:
    page = place.out / "report.html"
    assert "synthesize" in invoke("report", "--lake", place.lake, "--out", page)
    assert page.read_text().startswith("<!doctype html>")


def sql(place: Place) -> None:
    told = invoke("sql", "SELECT count(*) AS n FROM qa_pairs", "--lake", place.lake, "--format", "csv")
    assert told.split() == ["n", str(rows(place.lake, "qa_pairs"))]


def drift(place: Place) -> None:
    told = invoke("drift", place.lake, place.lake, "--fail")
    assert "yield: listed to images" in told


def train(place: Place) -> None:
    """What docs/training.md has a user do with a lake, in its order; items that ask for numbers are among those."""
    items, out = place.out / "items.parquet", place.out / "run"
    invoke("benchmark", "--lake", place.lake, "--split", "all", "--out", items)
    encoder, decoder = write_encoder(place.out / "encoder", "siglip"), write_decoder(place.out / "decoder")
    model = ("--vision-encoder", encoder, "--decoder", decoder)
    sizes = ("--steps", 4, "--batch", 2, "--workers", 0)
    settings = ("loop.sample_every=2", "loop.samples=1", f"evaluation.path={items}", "evaluation.max_items=12")
    few = ("evaluation.max_new_tokens=2", "tracking.system_metrics=false")
    overrides = [word for setting in (*settings, *few) for word in ("--set", setting)]
    told = invoke("train", "--lake", place.lake, *model, "--out", out, *sizes, *overrides)
    assert "after 4 steps" in told and "\nWarning: " not in told
    client = MlflowClient(f"sqlite:///{place.lake}/mlflow.db")
    (version,) = client.search_model_versions("name = 'spatiallake'")
    run = client.get_run(str(version.run_id))
    assert run.info.status == "FINISHED"
    for name in ("score/in_range_0.5_2", "score/in_range_2_3_1.5_blanked", "score/number_rate"):
        assert [one.step for one in client.get_metric_history(run.info.run_id, name)] == [0, 2, 4]
    mlflow.set_tracking_uri(f"sqlite:///{place.lake}/mlflow.db")
    images = [next(place.crawl.rglob("*.jpg")).read_bytes(), None]
    asked = pd.DataFrame({"image": images, "question": ["How far is the chair?", "Who are you?"]})
    answers = mlflow.pyfunc.load_model(f"models:/spatiallake/{version.version}").predict(asked, {"max_new_tokens": 2})
    assert len(answers["answer"]) == 2


def train_experts(place: Place) -> None:
    sizes = ("--steps", 2, "--names-steps", 2, "--batch", 2, "--replicas", 1, "--width", 64, "--height", 48)
    told = invoke(
        "train-experts", "--crawl", place.crawl, "--out", place.out / "run", *sizes, "--negatives", 2, "--novelty", 8
    )
    assert "builtin.safetensors" in told
    assert (place.out / "run" / "builtin.safetensors").exists()


SMOKES: dict[str, Callable[[Place], None]] = {
    "render": render,
    "run": run,
    "backfill": backfill,
    "retry": retry,
    "recipes": recipes,
    "recipes use": recipes_use,
    "takedown": takedown,
    "setup": setup,
    "plan": plan,
    "maintain": maintain,
    "preview": preview,
    "report": report,
    "sql": sql,
    "drift": drift,
    "train": train,
    "train-experts": train_experts,
}


@pytest.mark.parametrize("command", SMOKES)
def test_a_command_runs(command: str, place: Place) -> None:
    SMOKES[command](place)


def test_every_command_has_a_test_that_runs_it() -> None:
    names = {" ".join(words) for words in commands()}
    assert names == {*SMOKES, *STAGES, *ELSEWHERE}


@pytest.mark.parametrize("command", ELSEWHERE)
def test_the_module_that_is_said_to_run_a_command_does(command: str) -> None:
    source = (ROOT / ELSEWHERE[command]).read_text()
    assert any(start in source for start in ("invoke(", "spatiallake(", "running("))
    assert f'["{command}"' in source or f'"{command}",' in source
