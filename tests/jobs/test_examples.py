"""Training rows from answers and images: whole, exactly once, and laid out for readers of plain Parquet."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from PIL import Image
from pyspark.sql import SparkSession
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from jobs.engine.batches import StreamOptions
from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.pipeline import stages_of
from jobs.engine.settings import RunSettings
from jobs.engine.stage import Stage
from jobs.engine.stream import run_stage
from jobs.stages.examples import STAGE as EXAMPLES
from schemas.answers import QA_PAIRS
from schemas.images import IMAGES
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import ENGINE_VERSION
from schemas.training import TRAINING_EXAMPLES
from tests.jobs.image_rows import image_row
from udfs.language.tokens import counted_tokens, token_counter
from udfs.stages.examples import ExamplesSettings, shared_out

ANSWERS = 11


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), str(tmp_path / "lake" / "_checkpoints"))


@pytest.fixture
def stage() -> Stage:
    stages = stages_of(RunSettings(lake="lake", examples=ExamplesSettings(max_side_px=64, turns=4, parts=3)))
    small = replace(EXAMPLES, table=replace(TRAINING_EXAMPLES, rows_per_file=4))
    return replace(stages["examples"], files_per_batch=1, definition=small)


def shown_row(number: int, **changes: Any) -> dict[str, Any]:
    exif, held = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6 if number == 1 else 1
    Image.new("RGB", (200, 100), (number * 8 % 256, 90, 90)).save(held, "JPEG", exif=exif)
    return image_row(number, **{"bytes": held.getvalue(), "exif_orientation": exif[0x0112], **changes})


def answer_rows(image: dict[str, Any], recipe: str) -> list[dict[str, Any]]:
    row = dict.fromkeys(QA_PAIRS.columns)
    fixed = {
        "image_id": image["image_id"],
        "ingest_shard": image["ingest_shard"],
        "family": "qualitative",
        "answer_kind": "bool",
        "answer_form": "sentence",
        "reference_form": "caption",
        "frame": "viewer",
        "question_template": "t",
        "answer_template": "t",
        "references": ["a", "b"],
        "needs": [],
        "scene_recipe": "s",
        "seed": 1,
        "licence": "CC0",
        "split": "test" if image["image_id"] < "4" else "train",
        "recipe": recipe,
        "engine_version": ENGINE_VERSION,
    }
    return [
        {
            **row,
            **fixed,
            "qa_id": f"{image['image_id'][:8]}-{n}",
            "type_id": f"Q{n % 9 + 1:02d}",
            "object_ids": [1, 2 + n % 3],
            "question": f"Is chair {n} left of the box?",
            "answer": "Yes, it is.",
        }
        for n in range(ANSWERS)
    ]


def add(lake: Lake, stage: Stage, images: list[dict[str, Any]], version: int, files: int = 2) -> None:
    lake.ensure(IMAGES)
    lake.ensure(QA_PAIRS)
    lake.append(IMAGES, lake.session.createDataFrame(images, IMAGES.schema), "test", version)
    answers = [row for image in images for row in answer_rows(image, stage.upstream_recipe)]
    # Round robin: the answers of one image come to the stage in several files.
    frame = lake.session.createDataFrame(answers, QA_PAIRS.schema).repartition(files)
    lake.append(QA_PAIRS, frame, "test", version)


def rows_of(lake: Lake) -> list[dict[str, Any]]:
    return DeltaTable(lake.location(TRAINING_EXAMPLES)).to_pyarrow_table().to_pylist()


def test_every_answer_is_in_one_row_beside_its_picture_and_a_rerun_adds_nothing(lake: Lake, stage: Stage) -> None:
    broken = shown_row(9, bytes=b"no picture")
    images = [shown_row(n, ingest_shard=n // 4) for n in range(9)]
    add(lake, stage, [*images, broken], version=0)
    summary = run_stage(lake, stage, StreamOptions())
    assert summary.rows_in == 10
    rows = rows_of(lake)
    assert summary.rows_out == len(rows)
    asked = Counter(qa_id for row in rows for qa_id in json.loads(row["qa_ids"]))
    assert asked == Counter(a["qa_id"] for image in images for a in answer_rows(image, ""))
    for row in rows:
        turns = json.loads(row["conversations"])
        texts = [turn["value"] for turn in turns]
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * row["turns"]
        assert len(json.loads(row["type_ids"])) == row["turns"] <= 4
        assert row["text_tokens"] == sum(map(counted_tokens, texts))
        assert row["answer_tokens"] == 5 * row["turns"]
        with Image.open(io.BytesIO(row["jpeg"])) as picture:
            upright = (32, 64) if row["image_id"] == images[1]["image_id"] else (64, 32)
            assert picture.size == (row["width"], row["height"]) == upright
    table = DeltaTable(lake.location(TRAINING_EXAMPLES))
    assert table.metadata().configuration["delta.enableDeletionVectors"] == "false"
    for uri in table.file_uris():
        file = pq.ParquetFile(uri)
        held = file.read(columns=["image_id"])["image_id"].to_pylist()
        assert len(held) == len(set(held)) <= 4
        assert file.metadata.num_row_groups == 1

    (left_out,) = lake.read(QUARANTINE).collect()
    assert (left_out["image_id"], left_out["reason"]) == (broken["image_id"], "unreadable_image")

    runs = lake.read(STAGE_RUNS).count()
    for commit in Path(lake.checkpoint_uri).glob("examples-*/commits/*1*"):
        commit.unlink()
    run_stage(lake, stage, StreamOptions())
    assert sorted(row["example_id"] for row in rows_of(lake)) == sorted(row["example_id"] for row in rows)
    assert (lake.read(QUARANTINE).count(), lake.read(STAGE_RUNS).count()) == (1, runs)
    add(lake, stage, [shown_row(10)], version=1, files=1)
    assert run_stage(lake, stage, StreamOptions()).rows_in == 1
    assert {row["image_id"] for row in rows_of(lake)} - {row["image_id"] for row in rows} == {shown_row(10)["image_id"]}


def test_turns_about_the_same_objects_are_kept_apart_while_rows_allow() -> None:
    answers = [{"qa_id": f"{n:02d}", "object_ids": [1, 2] if n < 3 else [3, n]} for n in range(10)]
    rows = shared_out(answers, turns=4, parts=8)
    assert sorted(len(row) for row in rows) == [3, 3, 4]
    for row in rows:
        assert sum(answer["object_ids"] == [1, 2] for answer in row) == 1
    assert len(shared_out([{"qa_id": str(n), "object_ids": [1, 2]} for n in range(40)], turns=8, parts=3)) == 5
    assert len(shared_out([{"qa_id": str(n), "object_ids": [1, 2]} for n in range(9)], turns=8, parts=3)) == 3


def test_a_tokenizer_that_is_not_pinned_is_refused() -> None:
    upstream = stages_of(RunSettings(lake="lake"))
    with pytest.raises(UsageError, match=r"tokenizer_revision is 'main'.*40 digits"):
        EXAMPLES.made(upstream, ExamplesSettings(tokenizer="some/model", tokenizer_revision="main"))


def test_tokens_are_words_digits_and_signs() -> None:
    found = ["About", "1", ".", "2", "5", "meters", ",", "naïve", "_", "x", "!"]
    assert counted_tokens("About 1.25 meters, naïve_x!") == len(found)


def test_a_named_tokenizer_counts_and_its_content_is_in_the_recipe(tmp_path: Path) -> None:
    words = {"[UNK]": 0, "Is": 1, "it": 2, "red": 3, "?": 4}
    upstream = stages_of(RunSettings(lake="lake"))
    recipes = []
    for extra in ({}, {"blue": 5}):
        tokenizer = Tokenizer(WordLevel({**words, **extra}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = Whitespace()
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(tmp_path)
        recipes.append(EXAMPLES.made(upstream, ExamplesSettings(tokenizer=str(tmp_path))).recipe)
    assert token_counter(str(tmp_path))("Is it unbelievable?") == 4
    assert len({EXAMPLES.made(upstream, ExamplesSettings()).recipe, *recipes}) == 3
