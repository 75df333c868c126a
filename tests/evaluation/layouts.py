"""Small files in the layout of every benchmark, written the way its authors publish them, each with one bad row."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Rows = list[dict[str, Any]]


def picture(shade: int = 90, size: tuple[int, int] = (32, 24)) -> bytes:
    """An encoded PNG of one shade."""
    held = io.BytesIO()
    Image.new("RGB", size, (shade, shade // 2, 255 - shade)).save(held, "PNG")
    return held.getvalue()


def cell(shade: int = 90) -> dict[str, Any]:
    """A picture as `datasets` keeps it in Parquet."""
    return {"bytes": picture(shade), "path": None}


def parquet(path: Path, rows: Rows) -> Path:
    """Rows in one Parquet file of two row groups, in a folder as the hub has it."""
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path / "test-00000-of-00001.parquet", row_group_size=2)
    return path


def json_file(path: Path, document: Any) -> Path:
    """A JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def q_spatial(folder: Path) -> Path:
    """Q-Spatial Bench."""
    known = {"question_type": "direct_distance", "image_path": "a.jpg"}
    return parquet(
        folder,
        [
            {**known, "question": "How far?", "answer_value": 30.0, "answer_unit": "cm", "image": cell()},
            {
                **known,
                "question": "How wide, in inches?",
                "answer_value": 2.0,
                "answer_unit": "feet",
                "image": cell(10),
            },
            {**known, "question": "How far?", "answer_value": 0.0, "answer_unit": "cm", "image": cell()},
        ],
    )


def _region(name: str, kind: str, category: str, question: str, answer: str) -> dict[str, Any]:
    return {
        "id": name,
        "image_info": {"file_path": "images/0.png", "height": 24, "width": 32},
        "text_q": question,
        "qa_info": {"type": kind, "category": category},
        "bbox": [[1, 2, 10, 12]],
        "rle": [{"size": [24, 32], "counts": "abc"}],
        "conversations": [{"from": "human", "value": "<mask>?"}, {"from": "gpt", "value": answer}],
    }


def spatialrgpt(folder: Path) -> Path:
    """SpatialRGPT-Bench."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "images" / "0.png").write_bytes(picture())
    rows = [
        _region("1", "quantitative", "width_data", "How wide is Region [0]?", "Region [0] is 40.5 inches wide."),
        _region("2", "quantitative", "direction", "Where is Region [1]?", "At the 3 o'clock direction."),
        _region("3", "qualitative", "left_predicate", "Is it left?", "Incorrect, Region [0] is to the right."),
        _region(
            "4",
            "qualitative",
            "tall_choice",
            "Who is taller, Region [0] or Region [1]?",
            "With more height is Region [1].",
        ),
        _region("5", "quantitative", "height_data", "How tall is it?", "Tall."),
    ]
    return json_file(folder / "SpatialRGPT-Bench_v1.json", rows)


def blink(folder: Path) -> Path:
    """BLINK."""
    known = {"sub_task": "Relative_Depth", "question": "Which point is closer?", "choices": ["A is", "B is"]}
    pictures = {"image_1": cell(), "image_2": None, "image_3": None, "image_4": None}
    two = {**pictures, "image_2": cell(20)}
    return parquet(
        folder,
        [
            {"idx": "val_1", **known, **two, "answer": "(B)"},
            {"idx": "val_2", **known, **pictures, "answer": "(A)"},
            {"idx": "test_1", **known, **pictures, "answer": "hidden"},
        ],
    )


def cv_bench(folder: Path) -> Path:
    """CV-Bench: 1 of 2 of ADE20K, 1 of 1 of COCO, 2 of 4 of Omni3D have the answer A."""
    rows = []
    for idx, (part, answer) in enumerate(
        [("ADE20K", "A"), ("ADE20K", "B"), ("COCO", "A"), *[("Omni3D", x) for x in "AABB"]]
    ):
        rows.append(
            {
                "idx": idx,
                "type": "3D" if part == "Omni3D" else "2D",
                "task": "Depth" if part == "Omni3D" else "Count",
                "question": "Which?",
                "choices": ["lamp", "door"],
                "answer": f"({answer})",
                "source": part,
                "image": cell(),
            }
        )
    rows.append({**rows[0], "idx": 99, "answer": "(F)"})
    return parquet(folder, rows)


def three_dsr_bench(folder: Path) -> Path:
    """3DSRBench with a rotation and a mirror image."""
    known = {"question": "Which is higher?", "category": "height_higher", "C": "nan", "D": None, "image": cell()}
    return parquet(
        folder,
        [
            {"qid": "ABCD1234", **known, "A": "dog", "B": "cat", "answer": "A"},
            {"qid": "ABCD1234-1", **known, "A": "cat", "B": "dog", "answer": "B"},
            {"qid": "ABCD1234-flip", **known, "A": "dog", "B": "cat", "answer": "B"},
            {"qid": "EFGH5678", **known, "A": "dog", "B": "", "answer": "A"},
        ],
    )


def embspatial(folder: Path) -> Path:
    """EmbSpatial-Bench."""
    objects = [{"bbox": [1, 2, 3, 4], "name": "sofa"}, {"bbox": [5, 6, 7, 8], "name": "lamp"}]
    known = {"relation": "close", "question": "Which is closest?", "data_source": "mp3d", "objects": objects}
    options = ["sofa", "lamp", "door", "bed"]
    return parquet(
        folder,
        [
            {"question_id": "mp3d_0", **known, "answer_options": options, "answer": 2, "image": cell()},
            {"question_id": "mp3d_1", **known, "answer_options": options, "answer": 7, "image": cell()},
        ],
    )


def vsi_bench(folder: Path) -> Path:
    """VSI-Bench."""
    known = {"dataset": "scannet", "scene_name": "scene0", "question": "?"}
    rows = [
        {"id": 1, **known, "question_type": "object_abs_distance", "options": None, "ground_truth": "1.5"},
        {"id": 2, **known, "question_type": "object_size_estimation", "options": None, "ground_truth": "85"},
        {"id": 3, **known, "question_type": "room_size_estimation", "options": None, "ground_truth": "20.5"},
        {"id": 4, **known, "question_type": "object_counting", "options": None, "ground_truth": "4"},
        {"id": 5, **known, "question_type": "route_planning", "options": ["A. left", "B. right"], "ground_truth": "B"},
        {"id": 6, **known, "question_type": "object_counting", "options": None, "ground_truth": "many"},
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def spar_bench(folder: Path) -> Path:
    """SPAR-Bench."""
    known = {"img_type": "single_view", "source": "scannet"}
    asked = "Which is closer?\nA. the chair\nB. the table\nC. both\nD. none"
    return parquet(
        folder,
        [
            {
                "id": 0,
                "task": "depth_prediction_oc",
                "question": "How deep?",
                "answer": "0.9",
                "image": [cell()],
                **known,
            },
            {
                "id": 1,
                "task": "obj_spatial_relation_oo",
                "question": asked,
                "answer": "B",
                "image": [cell(), cell(9)],
                **known,
            },
            {
                "id": 2,
                "task": "view_change_infer",
                "question": "?",
                "answer": "move_left:1",
                "image": [cell()],
                **known,
            },
        ],
    )


def mmsi_bench(folder: Path) -> Path:
    """MMSI-Bench, its pictures bare bytes."""
    asked = "Where is it?\nOptions: A: Northeast, B: Southwest, C: East, D: West"
    known = {"question": asked, "question_type": "Positional Relationship (Cam.-Obj.)"}
    return parquet(
        folder,
        [
            {"id": 7, "images": [picture(), picture(40)], "answer": "C", **known},
            {"id": 8, "images": [picture()], "answer": "C", **{**known, "question": "Where is it?"}},
        ],
    )


def robospatial(folder: Path) -> Path:
    """RoboSpatial-Home."""
    return parquet(
        folder,
        [
            {"category": "configuration", "question": "Is it left?", "answer": "yes", "img": cell(), "mask": None},
            {
                "category": "context",
                "question": "Point at free space.",
                "answer": "[(0.1, 0.1), (0.5, 0.1), (0.5, 0.5)]",
                "img": cell(),
                "mask": None,
            },
            {"category": "context", "question": "Point.", "answer": "see mask", "img": cell(), "mask": cell(255)},
            {"category": "context", "question": "Point.", "answer": "nowhere", "img": cell(), "mask": None},
        ],
    )


def vqa(folder: Path) -> Path:
    """VQAv2 and OK-VQA: questions and annotations apart, photographs named as COCO names them."""
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
    (folder / "val2014" / "COCO_val2014_000000000042.jpg").write_bytes(picture())
    return folder


def llava(folder: Path) -> Path:
    """LLaVA JSON, one row of two turns."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "images" / "a.png").write_bytes(picture())
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
    """VLMEvalKit's TSV with a rotation that borrows its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = base64.b64encode(picture()).decode()
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


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "q_spatial": q_spatial,
    "spatialrgpt": spatialrgpt,
    "blink": blink,
    "cv_bench": cv_bench,
    "three_dsr_bench": three_dsr_bench,
    "embspatial": embspatial,
    "vsi_bench": vsi_bench,
    "spar_bench": spar_bench,
    "mmsi_bench": mmsi_bench,
    "robospatial": robospatial,
    "vqav2": vqa,
    "ok_vqa": vqa,
    "llava": llava,
    "hf_messages": hf_messages,
    "vlmevalkit": vlmevalkit,
}
