"""Small files in the layout of every benchmark, written the way its authors publish them, each with one bad row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.evaluation.files import cell, image, json_file, parquet
from tests.evaluation.tool_layouts import hf_messages, llava, vlmevalkit, vqa


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
    (folder / "images" / "0.png").write_bytes(image())
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
    images = {"image_1": cell(), "image_2": None, "image_3": None, "image_4": None}
    two = {**images, "image_2": cell(20)}
    return parquet(
        folder,
        [
            {"idx": "val_1", **known, **two, "answer": "(B)"},
            {"idx": "val_2", **known, **images, "answer": "(A)"},
            {"idx": "test_1", **known, **images, "answer": "hidden"},
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
    """MMSI-Bench, its images bare bytes."""
    asked = "Where is it?\nOptions: A: Northeast, B: Southwest, C: East, D: West"
    known = {"question": asked, "question_type": "Positional Relationship (Cam.-Obj.)"}
    return parquet(
        folder,
        [
            {"id": 7, "images": [image(), image(40)], "answer": "C", **known},
            {"id": 8, "images": [image()], "answer": "C", **{**known, "question": "Where is it?"}},
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
