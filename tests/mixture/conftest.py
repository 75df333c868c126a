"""General streams in the layouts that others publish, written to a folder."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vlm.mixture.settings import StreamSettings


def image(number: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (8, 6), (number * 16, 0, 0)).save(held, "PNG")
    return held.getvalue()


@pytest.fixture(scope="session")
def general(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StreamSettings]:
    folder = tmp_path_factory.mktemp("general")
    (folder / "images").mkdir()
    for number in range(6):
        (folder / "images" / f"{number}.png").write_bytes(image(number))
        (folder / "images" / f"COCO_train2014_{number:012d}.jpg").write_bytes(image(number))
    at = str(folder)
    return {
        "llava": StreamSettings(name="llava", kind="llava", uri=_llava(folder), images=f"{at}/images"),
        "vqa": StreamSettings(name="vqa", kind="vqa", images=f"{at}/images", **_vqa(folder, "v2")),
        "okvqa": StreamSettings(name="okvqa", kind="vqa", images=f"{at}/images", **_vqa(folder, "ok")),
        "messages": StreamSettings(name="messages", kind="messages", uri=_messages(folder)),
    }


def _llava(folder: Path) -> str:
    long = "A long description of what can be seen in this image. " * 12
    entries = [
        {
            "id": str(number),
            **({"image": f"{number}.png"} if number else {}),
            "conversations": [
                {"from": "human", "value": "<image>\nWhat is this?" if number else "What is two plus two?"},
                {"from": "gpt", "value": long},
                {"from": "human", "value": "And its color?"},
                {"from": "gpt", "value": f"Red, number {number}."},
            ],
        }
        for number in range(6)
    ]
    (folder / "llava.json").write_text(json.dumps(entries))
    return str(folder / "llava.json")


def _vqa(folder: Path, version: str) -> dict[str, str]:
    questions = [{"image_id": n % 6, "question": f"What is item {n}?", "question_id": 1000 + n} for n in range(12)]
    said = ["red", "dark red", "dark red", "red", "dark red"]
    answers = [{"answer": text, "answer_id": i, "raw_answer": text} for i, text in enumerate(said)]
    annotations = [{"question_id": 1000 + n, "image_id": n % 6, "answers": answers} for n in range(12)]
    if version == "v2":
        annotations = [{**row, "multiple_choice_answer": "red"} for row in annotations]
    asked, answered = folder / f"{version}_questions.json", folder / f"{version}_annotations.json"
    asked.write_text(json.dumps({"data_subtype": "train2014", "questions": questions}))
    answered.write_text(json.dumps({"data_subtype": "train2014", "annotations": annotations}))
    return {"uri": str(asked), "annotations": str(answered)}


def _messages(folder: Path) -> str:
    (folder / "messages").mkdir()
    rows = []
    for number in range(10):
        asked = [{"type": "image", "text": None}, {"type": "text", "text": f"What is on image {number}?"}]
        answer = [{"type": "text", "text": f"A chair, a table and a lamp, number {number}."}]
        images = [{"bytes": image(number % 6), "path": None}] * (2 if number == 4 else 1)
        rows.append(
            {
                "images": images,
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
            }
        )
    for part in range(2):
        table = pa.Table.from_pylist(rows[part * 5 : part * 5 + 5])
        pq.write_table(table, folder / "messages" / f"{part}.parquet", row_group_size=3)
    return str(folder / "messages")
