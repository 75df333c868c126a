"""Small files in the layouts of VQA and of training and evaluation tools, each with one bad row."""

import base64
from pathlib import Path
from typing import Any

from tests.evaluation.files import cell, image, json_file, parquet


def vqa(folder: Path) -> Path:
    """VQAv2 and OK-VQA: questions and annotations apart, images named as COCO names them."""
    questions = [{"image_id": 42, "question": "How many?", "question_id": number} for number in (42000, 42001)]
    people = [
        {"answer": "2" if place < 4 else "3", "answer_confidence": "yes", "answer_id": place + 1} for place in range(10)
    ]
    annotations = [
        {
            "question_id": 42000,
            "image_id": 42,
            "question_type": "how many",
            "answer_type": "number",
            "multiple_choice_answer": "3",
            "answers": people,
        }
    ]
    json_file(
        folder / "v2_OpenEnded_mscoco_val2014_questions.json", {"data_subtype": "val2014", "questions": questions}
    )
    json_file(folder / "v2_mscoco_val2014_annotations.json", {"annotations": annotations})
    (folder / "val2014").mkdir()
    (folder / "val2014" / "COCO_val2014_000000000042.jpg").write_bytes(image())
    return folder


def llava(folder: Path) -> Path:
    """LLaVA JSON, one row of two turns."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "images" / "a.png").write_bytes(image())
    turns = [
        {"from": "human", "value": "<image>\nHow far is it in feet?"},
        {"from": "gpt", "value": "About 2 feet."},
        {"from": "human", "value": "Is it left?"},
        {"from": "gpt", "value": "No, it is right."},
    ]
    lettered = [
        {"from": "human", "value": "<image>\nWhich?\nA. lamp\nB. door"},
        {"from": "gpt", "value": "B"},
    ]
    rows = [
        {"id": "a", "image": "images/a.png", "conversations": turns},
        {"id": "b", "image": "images/a.png", "conversations": lettered},
        {"id": "c", "conversations": [{"from": "human", "value": "What colour?"}, {"from": "gpt", "value": "red"}]},
        {"id": "d", "conversations": [{"from": "human", "value": "Silence?"}]},
    ]
    return json_file(folder / "train.json", rows)


def hf_messages(folder: Path) -> Path:
    """Hugging Face messages."""

    def turn(role: str, *parts: tuple[str, str | None]) -> dict[str, Any]:
        return {"role": role, "content": [{"type": kind, "text": text} for kind, text in parts]}

    asked = turn("user", ("image", None), ("text", "Where is it on the clock?"))
    return parquet(
        folder,
        [
            {"images": [cell()], "messages": [asked, turn("assistant", ("text", "At 3 o'clock."))]},
            {"images": [cell()], "messages": [asked]},
        ],
    )


def vlmevalkit(folder: Path) -> Path:
    """VLMEvalKit's TSV with a rotation that borrows its image."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = base64.b64encode(image()).decode()
    lines = [
        ["index", "image", "question", "A", "B", "answer", "category"],
        ["5", encoded, "Which?", "lamp", "door", "A", "depth"],
        ["1000005", "5", "Which?", "door", "lamp", "B", "depth"],
        ["6", encoded, "How far?", "", "", "2 m", "distance"],
        ["7", encoded, "Which?", "lamp", "door", "Z", "depth"],
    ]
    path = folder / "Ours.tsv"
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n", encoding="utf-8")
    return path
