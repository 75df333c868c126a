"""Questions about several images become rows that `datasets` and chat templates read as they are."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.exports import noted_exports
from jobs.views.reader import LakeReader
from jobs.views.sequence_examples import write_sequence_examples
from tests.command import invoke
from tests.pages.small_lake import write_table
from vlm.examples import decoded, images_first
from vlm.mixture.messages import open_messages
from vlm.mixture.settings import MixtureSettings, StreamSettings

OWN = {"ingest_shard": 0, "engine_version": "0", "recipe": "r", "upstream_recipe": "u"}
COMMON = {"family": "quantitative", "answer_kind": "number", "answer_form": "sentence", "question_template": "q",
          "answer_template": "a", "seed": 1, "frames": [0, 1], "object_ids": [], "references": [],
          "needs": [], "distance_kind": "gap", "value_text": "1", "unit_text": "m"}  # fmt: skip


def picture(number: int) -> bytes:
    """A wide image that a camera stored lying on its side: upright it is 40 x 30 px, of one gray."""
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.fromarray(np.full((40, 30, 3), 50 * number, np.uint8)).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def id_of(number: int) -> str:
    return hashlib.sha256(picture(number)).hexdigest()


def asked(number: int, images: tuple[int, ...], fusion: str, split: str = "train") -> dict[str, Any]:
    return {
        **OWN, **COMMON, "qa_id": f"q{number}", "fusion_id": fusion, "sequence_id": "s", "type_id": "V02",
        "question": f"How far did the camera move ({number})?", "answer": f"{number} m.", "split": split,
        "image_ids": [id_of(one) for one in images], "licence": "CC0-1.0", "value_si": float(number), "unit_si": "m",
    }  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> LakeReader:
    folder = tmp_path / "lake"
    images = [
        {**OWN, "image_id": id_of(n), "bytes": picture(n), "format": "jpeg", "width": 40, "height": 30}
        for n in range(4)
    ]
    write_table(folder, "images", images)
    scene = {"image_ids": [], "frames": [], "left_out_frames": [], "fused_from_world": [0.0] * 12, "objects": [],
             "moved": [], "seen_through": 0.0, "has_gravity": True, "has_floor": True, "scale_ok": True}  # fmt: skip
    scenes = [{**OWN, **scene, "fusion_id": n, "sequence_id": "s", "fused_frames": k} for n, k in (("a", 2), ("b", 4))]
    write_table(folder, "fused_scenes", scenes)
    rows = [asked(1, (0, 1), "a"), asked(2, (3, 1), "b"), asked(3, (0, 2, 3), "b"), asked(4, (0, 1), "b", "test")]
    write_table(folder, "sequence_qa_pairs", rows)
    return LakeReader(str(folder))


def test_rows_have_their_images_in_the_order_of_the_question(lake: LakeReader, tmp_path: Path) -> None:
    out = tmp_path / "sequences.parquet"
    # The question about the smaller fused scene is not among them.
    assert write_sequence_examples(lake, out, "train", 20) == 2
    rows: list[Any] = list(Dataset.from_parquet(str(out), cache_dir=str(tmp_path / "cache")))
    assert [row["qa_id"] for row in rows] == ["q2", "q3"]
    for row, numbers in zip(rows, ((3, 1), (0, 2, 3)), strict=True):
        user, assistant = row["messages"]
        assert [part["type"] for part in user["content"]] == ["image"] * len(numbers) + ["text"]
        assert user["content"][-1]["text"].startswith("How far") and assistant["role"] == "assistant"
        assert [one.size for one in row["images"]] == [(20, 15)] * len(numbers)
        assert [round(np.asarray(one).mean() / 50) for one in row["images"]] == list(numbers)
    (note,) = noted_exports(lake.uri)
    assert note.kind == "sequence examples" and set(note.image_ids or ()) == {id_of(n) for n in range(4)}


def test_training_reads_them_with_all_of_their_images(lake: LakeReader, tmp_path: Path) -> None:
    out = tmp_path / "sequences.parquet"
    write_sequence_examples(lake, out, "train", 20)
    feed = open_messages(StreamSettings(name="views", kind="messages", uri=str(out)), MixtureSettings())
    examples = {one.turns[0].answer: one for one in feed.examples(range(2))}
    shown = {answer: [decoded(one) for one in example.images] for answer, example in examples.items()}
    assert {answer: [round(one.mean() / 50) for one in own] for answer, own in shown.items()} == {
        "2 m.": [3, 1],
        "3 m.": [0, 2, 3],
    }
    assert all(example.turns[0].question.startswith("How far") for example in examples.values())


def test_the_command_says_how_many_questions_it_wrote(lake: LakeReader, tmp_path: Path) -> None:
    told = invoke("sequence-examples", "--lake", lake.uri, "--out", tmp_path / "out.parquet", "--max-side", 20)
    assert "out.parquet: 2 questions" in told and (tmp_path / "out.parquet").exists()


def test_rows_whose_images_come_later_are_told_from_others() -> None:
    image, text = {"type": "image", "text": None}, {"type": "text", "text": "Which?"}
    assert images_first([("user", [image, image, text]), ("assistant", "B")], 2)
    assert images_first([("human", "<image>\n<image>\nWhich?"), ("gpt", "B")], 2)
    assert images_first([("user", "Which?"), ("assistant", "B")], 2)
    assert not images_first([("user", [image, text, image]), ("assistant", "B")], 2)
    assert not images_first([("user", [image, text]), ("assistant", "B"), ("user", [image, text])], 2)
    assert not images_first([("user", [image, text]), ("assistant", "B")], 2)


def test_a_view_counts_them(lake: LakeReader) -> None:
    rows = lake.view("sequence_answers_by_type").to_pylist()
    found = {row["split"]: (row["type_id"], row["answers"], row["sequences"], row["value_max"]) for row in rows}
    assert found == {"train": ("V02", 3, 1, 3.0), "test": ("V02", 1, 1, 4.0)}


def test_what_is_not_there_is_refused(lake: LakeReader, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="of split validation"):
        write_sequence_examples(lake, tmp_path / "out.parquet", "validation", 512)
    write_table(tmp_path / "empty", "images", [])
    with pytest.raises(LakeUnreadable, match="sequence_qa_pairs"):
        write_sequence_examples(LakeReader(str(tmp_path / "empty")), tmp_path / "out.parquet", "train", 512)
    assert not (tmp_path / "out.parquet").exists()
