"""An export goes on when it was killed, is the same every time, and refuses what it should not touch."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from webdataset.compat import WebDataset

from jobs.engine.errors import RuleBroken, UsageError
from jobs.engine.exports import noted_exports
from jobs.exporting.command import export
from jobs.exporting.settings import ExportSettings
from tests.command import invoke
from tests.exporting.truth import SPLITS, answers, digests, looks_like, pixels, table
from tests.pages.small_lake import write_lake

LINES = {"format": "llava", "images": "none"}


def settings(**changes: Any) -> ExportSettings:
    return ExportSettings.model_validate({"format": "hf_messages", "rows_per_shard": 100, **changes})


def exported(lake: Path, out: Path, **changes: Any) -> dict[str, str]:
    export(str(lake), str(out), settings(**changes))
    return digests(out)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(out.rglob("*-of-*.json")) for row in json.loads(path.read_text())]


def test_the_same_lake_and_options_give_the_same_bytes(lake: Path, tmp_path: Path) -> None:
    assert exported(lake, tmp_path / "a") == exported(lake, tmp_path / "b")


def test_the_tasks_of_spark_write_the_same_bytes(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    export(str(lake), str(tmp_path / "spark"), settings(), spark)
    assert digests(tmp_path / "spark") == exported(lake, tmp_path / "here")


def test_an_object_store_gets_the_same_bytes(s3: str, lake: Path, tmp_path: Path) -> None:
    from udfs.storage.clients import filesystem_of, path_of

    export(str(lake), f"{s3}/export", settings())
    files, root = filesystem_of(f"{s3}/export"), path_of(f"{s3}/export")
    here = exported(lake, tmp_path / "here")
    for name in here:
        with files.open_input_stream(f"{root}/{name}", compression=None) as stream:
            assert stream.read() == (tmp_path / "here" / name).read_bytes(), name
    assert [one.kind for one in noted_exports(str(lake)) if one.path == f"{s3}/export"] == ["export hf_messages"]


def test_a_killed_export_goes_on_where_it_was(lake: Path, tmp_path: Path) -> None:
    whole, out = exported(lake, tmp_path / "whole", rows_per_shard=40), tmp_path / "killed"
    options = ["--format", "hf_messages", "--images", "inside", "--rows-per-shard", "40"]
    command = [sys.executable, "-m", "spatiallake", "export", "--lake", str(lake), "--out", str(out), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    records = out / ".export"
    while not list(records.glob("*.json")):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    written = {path: os.stat(path).st_mtime_ns for path in out.glob("data/*.parquet")}
    noted = {path.name for path in records.glob("*.json")}
    assert 0 < len(noted) < sum(name.endswith(".parquet") for name in whole)
    assert [one.image_ids for one in noted_exports(str(lake)) if one.path == str(out)] == [None]
    told = invoke("export", "--lake", lake, "--out", out, *options)
    assert f"{len(noted)} of " in told and "are there already" in told
    kept = [path for path, written_at in written.items() if os.stat(path).st_mtime_ns == written_at]
    assert len(kept) >= len(noted)
    assert digests(out) == whole


def test_a_finished_export_is_left_as_it_is(lake: Path, tmp_path: Path) -> None:
    before = exported(lake, tmp_path / "out")
    written = (tmp_path / "out" / "export.json").stat().st_mtime_ns
    done = export(str(lake), str(tmp_path / "out"), settings())
    assert done.found == done.shards and done.totals.rows.total() == len(answers(lake))
    assert digests(tmp_path / "out") == before
    assert (tmp_path / "out" / "export.json").stat().st_mtime_ns == written
    next((tmp_path / "out" / "data").iterdir()).unlink()
    with pytest.raises(UsageError, match="is missing or was changed"):
        export(str(lake), str(tmp_path / "out"), settings())


def test_the_manifest_tells_the_digest_of_every_file(lake: Path, tmp_path: Path) -> None:
    found = exported(lake, tmp_path / "out", format="llava", images="files")
    shards = json.loads((tmp_path / "out" / "export.json").read_text())["shards"]
    told = {name: held["sha256"] for shard in shards for name, held in shard["files"].items()}
    assert told == {name: digest for name, digest in found.items() if "-of-" in name}
    assert sum(shard["image_files"]["count"] for shard in shards) == sum(name.endswith(".jpg") for name in found)


def test_a_lake_that_has_changed_is_exported_anew(changed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(changed, out)
    manifest = json.loads((out / "export.json").read_text())
    (out / "export.json").write_text(json.dumps({**manifest, "state": "writing"}))
    gone = next(iter(answers(changed).values()))["image_id"]
    for name in ("qa_pairs", "images"):
        DeltaTable(str(changed / name)).delete(f"image_id = '{gone}'")
    told = []
    export(str(changed), str(out), settings(), say=told.append)
    assert any("begins anew" in one for one in told)
    assert gone not in "".join(path.read_text() for path in out.glob("*.json"))
    assert digests(out) == exported(changed, tmp_path / "other")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"format": "nonsense"}, "no export format 'nonsense'"),
        ({"images": "files"}, "takes --images inside or none, not files"),
        ({"format": "vlmevalkit", "table": "training_examples"}, "takes qa_pairs, not training_examples"),
        ({"table": "training_examples", "types": ("N01",)}, "leave out --type"),
        ({"format": "hf", "turns": 4}, "leave out --turns"),
        ({"licences": ("proprietary",)}, "no row of qa_pairs to export .*license proprietary"),
        ({**LINES, "images": "urls"}, "has 0 rows.*names no address"),
    ],
)
def test_what_cannot_be_exported_is_said(options: dict[str, Any], reason: str, lake: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=reason):
        export(str(lake), str(tmp_path / "out"), settings(**options))


def test_a_folder_with_something_else_is_refused(lake: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no export"):
        export(str(lake), str(mine), settings())
    assert digests(mine).keys() == {"thesis.txt"}
    exported(lake, tmp_path / "out", **LINES)
    with pytest.raises(UsageError, match="holds another export"):
        export(str(lake), str(tmp_path / "out"), settings(**LINES, types=("N01",)))


def test_filters_choose_rows(lake: Path, tmp_path: Path) -> None:
    exported(lake, tmp_path / "out", **LINES, types=("N01", "Q01"), forms=("sentence",), splits=("test",))
    expected = {
        row["qa_id"]
        for row in answers(lake, "test").values()
        if row["type_id"] in ("N01", "Q01") and row["answer_form"] == "sentence"
    }
    assert {row["id"] for row in rows_of(tmp_path / "out")} == expected != set()


def test_only_the_current_recipe_is_exported(changed: Path, tmp_path: Path) -> None:
    rows = DeltaTable(str(changed / "qa_pairs")).to_pyarrow_table()
    other = rows.set_column(rows.schema.get_field_index("recipe"), "recipe", pa.array(["old"] * len(rows)))
    write_deltalake(str(changed / "qa_pairs"), other, mode="append")
    exported(changed, tmp_path / "out", **LINES)
    assert len(rows_of(tmp_path / "out")) == len(rows)


def test_turns_about_the_same_objects_are_kept_apart(lake: Path, tmp_path: Path) -> None:
    exported(lake, tmp_path / "out", **LINES, turns=8)
    true, found = answers(lake), []
    for row in rows_of(tmp_path / "out"):
        said = [one["value"] for one in row["conversations"]]
        own = [one for one in true.values() if one["image_id"] == row["image_id"]]
        texts = {(one["question"], one["answer"]): one for one in own}
        turns = [texts[pair] for pair in zip(said[::2], said[1::2], strict=True)]
        assert len(turns) <= 8
        found += [one["qa_id"] for one in turns]
    assert len(rows_of(tmp_path / "out")) < len(true) / 3
    assert len(set(found)) > 0.99 * len(true) and len(found) == len(true)


def test_training_examples_are_exported_with_their_jpegs(lake: Path, tmp_path: Path) -> None:
    exported(lake, tmp_path / "out", format="webdataset", table="training_examples")
    true = {row["example_id"]: row for row in table(lake, "training_examples")}
    tars = [str(path) for path in sorted((tmp_path / "out").rglob("*.tar"))]
    samples = {one["__key__"]: one for one in WebDataset(tars, shardshuffle=False)}
    assert set(samples) == set(true)
    for key, sample in samples.items():
        said = [one["value"] for one in json.loads(true[key]["conversations"])]
        turns = [{"question": q, "answer": a} for q, a in zip(said[::2], said[1::2], strict=True)]
        assert json.loads(sample["json"])["turns"] == turns
        assert sample["jpg"] == true[key]["jpeg"]


def test_images_are_upright_and_no_larger_than_asked(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    assert {row["exif_orientation"] for row in table(lake, "images")} >= {6}
    exported(lake, tmp_path / "out", format="llava", images="files", max_side_px=256)
    shown = pixels(lake, 256)
    paths = list((tmp_path / "out" / "images").rglob("*.jpg"))
    assert len(paths) == len({row["image_id"] for row in answers(lake).values()}) == 3
    for path in paths:
        assert looks_like(path.read_bytes(), shown[path.stem])


def test_urls_are_those_of_the_crawl(changed: Path, tmp_path: Path) -> None:
    DeltaTable(str(changed / "provenance")).update(updates={"image_url": "concat('https://example.org/', image_id)"})
    exported(changed, tmp_path / "out", format="llava", images="urls")
    rows = rows_of(tmp_path / "out")
    assert len(rows) == len(answers(changed))
    assert all(row["image"] == f"https://example.org/{row['image_id']}" for row in rows)


def test_an_image_that_cannot_be_decoded_is_left_out_and_said(changed: Path, tmp_path: Path) -> None:
    broken = next(iter(answers(changed).values()))["image_id"]
    DeltaTable(str(changed / "images")).update(updates={"bytes": "X'78'"}, predicate=f"image_id = '{broken}'")
    done = export(str(changed), str(tmp_path / "out"), settings(format="llava", images="files"))
    assert dict(done.totals.left_out) == {"images that cannot be decoded": 1}
    expected = {row["qa_id"] for row in answers(changed).values() if row["image_id"] != broken}
    assert {row["id"] for row in rows_of(tmp_path / "out")} == expected


@pytest.mark.parametrize(("name", "column"), [("near_duplicates", "cluster_id"), ("images", "sequence_id")])
def test_a_leak_between_splits_ends_the_export(name: str, column: str, changed: Path, tmp_path: Path) -> None:
    splits = {row["split"]: row["image_id"] for row in answers(changed).values()}
    two = f"image_id IN ('{splits['train']}', '{splits['test']}')"
    DeltaTable(str(changed / name)).update(updates={column: "'same'"}, predicate=two)
    with pytest.raises(RuleBroken, match="same lies in the splits test and train"):
        export(str(changed), str(tmp_path / "out"), settings(**LINES))
    assert not (tmp_path / "out").exists()
    export(str(changed), str(tmp_path / "train"), settings(**LINES, splits=("train",)))


def test_an_image_in_two_splits_ends_the_export(changed: Path, tmp_path: Path) -> None:
    one = next(iter(answers(changed, "train")))
    DeltaTable(str(changed / "qa_pairs")).update(updates={"split": "'test'"}, predicate=f"qa_id = '{one}'")
    with pytest.raises(RuleBroken, match=r"Image .* lies in the splits test and train"):
        export(str(changed), str(tmp_path / "out"), settings(**LINES))


def test_the_lake_notes_the_images_of_an_export(lake: Path, tmp_path: Path) -> None:
    exported(lake, tmp_path / "out", **LINES, splits=("train",))
    (note,) = [one for one in noted_exports(str(lake)) if one.path == str(tmp_path / "out")]
    assert note.kind == "export llava"
    assert set(note.image_ids or ()) == {row["image_id"] for row in answers(lake, "train").values()}


def test_every_split_is_exported_unless_one_is_named(lake: Path, tmp_path: Path) -> None:
    invoke("export", "--lake", lake, "--format", "llava", "--images", "none", "--out", tmp_path / "all")
    assert {path.name for path in (tmp_path / "all").iterdir() if path.is_dir()} == set(SPLITS)
    shutil.rmtree(tmp_path / "all")
    told = invoke("export", "--lake", lake, "--format", "hf", "--split", "test", "--out", tmp_path / "one")
    assert f"{len(answers(lake, 'test'))} rows" in told
    assert [path.name[:5] for path in (tmp_path / "one" / "data").iterdir()] == ["test-"]
