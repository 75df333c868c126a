"""A takedown that is cut off is completed by running it again; streams that lag behind and other writers are safe."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from benchmarks.same_rows import differences
from jobs.engine.errors import LakeBusy
from jobs.engine.locks import writing
from jobs.takedown import aggregates, command, removal
from jobs.takedown.certificate import Certificate
from jobs.takedown.command import take_down
from tests.takedown.lakes import engine, named, opened, table
from tests.takedown.secret_crawl import Secret, traces, write_secret_crawl


class Killed(Exception):
    pass


def killed_before(function: Callable[..., Any], call: int) -> Callable[..., Any]:
    """Return the function, which ends the command in place of its `call`-th call."""
    calls = iter(range(1, 1_000))

    def called(*arguments: Any, **named: Any) -> Any:
        if next(calls) == call:
            raise Killed
        return function(*arguments, **named)

    return called


@pytest.fixture(scope="session")
def done(spark: SparkSession, whole: Path, secret: Secret, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake after a takedown that nothing disturbed."""
    folder = tmp_path_factory.mktemp("done") / "lake"
    shutil.copytree(whole, folder)
    take_down(opened(spark, folder), named(folder, domains=["example.net"]), vacuum=False)
    return folder


def certificates(lake: Path) -> list[Certificate]:
    rows = [row for row in table(lake, "certificates") if row["state"] == "done"]
    return [Certificate.model_validate_json(row["certificate_json"]) for row in rows]


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "name", "call", "vacuum"),
    [
        (removal, "_redact", 1, False),
        (removal, "_remove", 8, False),
        (aggregates, "_replace", 1, False),
        (command, "purge", 1, True),
    ],
)
def test_a_takedown_that_is_cut_off_is_completed(
    monkeypatch: pytest.MonkeyPatch,
    spark: SparkSession,
    lake: Path,
    done: Path,
    secret: Secret,
    module: Any,
    name: str,
    call: int,
    vacuum: bool,
) -> None:
    asked = named(lake, domains=["example.net"])
    with monkeypatch.context() as patch:
        patch.setattr(module, name, killed_before(getattr(module, name), call))
        with pytest.raises(Killed):
            take_down(opened(spark, lake), asked, vacuum)
    certificate = take_down(opened(spark, lake), asked, vacuum)
    assert differences(done, lake) == []
    assert not vacuum or traces(lake, secret.words) == []
    (whole,) = certificates(done)
    assert certificate.image_ids == whole.image_ids == (secret.image_id,)
    for name, record in whole.tables.items():
        if record.action != "kept":
            now = certificate.tables[name]
            before = (record.rows_before, record.rows_after, record.version_before)
            assert (now.rows_before, now.rows_after, now.version_before) == before, name


@pytest.mark.long
def test_a_command_that_is_killed_is_completed_by_running_it_again(lake: Path, done: Path, secret: Secret) -> None:
    words = [sys.executable, "-m", "spatiallake", "takedown", "--lake", str(lake), "--domain", "example.net"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
    # Once it has noted what is to go, while the tables are written.
    noted = lake / "takedowns" / "_delta_log" / f"{1:020}.json"
    while process.poll() is None and not noted.exists():
        time.sleep(0.05)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    out = lake.parent / "certificate.json"
    again = subprocess.run([*words, "--out", str(out)], capture_output=True, text=True, check=True)
    assert differences(done, lake) == []
    assert json.loads(out.read_text())["image_ids"] == [secret.image_id]
    assert "Near-duplicates that remain: 1" in again.stdout and "Removed: 1 image, 1 entry of crawls" in again.stdout


@pytest.mark.long
def test_stages_that_lag_behind_go_on_after_old_files_are_deleted(
    spark: SparkSession, lake: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    late = write_secret_crawl(more, rooms=3, seed=8, secret_row=1)
    engine(spark, lake, "ingest", crawl=str(more))
    engine(spark, lake, "duplicates", "filter")
    take_down(opened(spark, lake), named(lake, images=[late.image_id]), vacuum=True)
    engine(spark, lake)
    engine(spark, lake, "examples")
    left = {row["image_id"] for row in table(lake, "images")}
    assert late.image_id not in left and len(left) == 7 + 3
    for name in ("near_duplicates", "image_scores"):
        assert {row["image_id"] for row in table(lake, name)} == left
    answered = {row["image_id"] for row in table(lake, "qa_pairs")}
    refused = {row["image_id"] for row in table(lake, "quarantine") if row["stage"] != "ingest"}
    assert answered | refused == left and len(answered) == 6 + 2
    assert {row["image_id"] for row in table(lake, "training_examples")} == answered


@pytest.mark.long
def test_a_takedown_waits_for_no_other_command(spark: SparkSession, lake: Path, secret: Secret) -> None:
    asked = named(lake, images=[secret.image_id])
    with writing(str(lake), ["lift"]), pytest.raises(LakeBusy, match="is writing to stage lift"):
        take_down(opened(spark, lake), asked, vacuum=True)
    assert not (lake / "takedowns").exists()
