"""Items and predictions in other tools' layouts, read back by readers that are not ours."""

import base64
import csv
import importlib.util
import io
import json
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from tests.evaluation.files import image
from tests.evaluation.layouts import LAYOUTS
from tests.evaluation.made import item, length, said
from vlm.evaluation.formats import vqa_results
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Kind, Truth
from vlm.evaluation.layouts import names_of, read_items, write_items
from vlm.evaluation.rows import Unreadable


@pytest.fixture
def items():
    red, blue = ItemImage(data=image(200)), ItemImage(data=image(20))
    return [
        length("n1", 1.5, number=0, question="How far?", answer="1.5 m", images=(red,), type_id="N01"),
        item(
            "c1",
            Kind.CHOICE,
            Truth(choice=1),
            number=1,
            question="Which?",
            answer="B",
            options=("lamp", "door"),
            images=(red, blue),
            circular_group="c1",
        ),
        item("t1", Kind.BOOL, Truth(yes=True), number=2, question="Left? Ü", answer="yes"),
    ]


def shown(data: bytes) -> tuple[int, int, int]:
    with Image.open(io.BytesIO(data)) as opened:
        colour = opened.convert("RGB").getpixel((5, 5))
    assert isinstance(colour, tuple)
    return colour


def test_llava(items, tmp_path):
    assert write_items("llava", items, tmp_path / "ours.jsonl") == []
    rows = [json.loads(line) for line in (tmp_path / "ours.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["n1", "c1", "t1"]
    assert rows[0]["conversations"] == [
        {"from": "human", "value": "<image>\nHow far?"},
        {"from": "gpt", "value": "1.5 m"},
    ]
    assert rows[1]["conversations"][0]["value"] == "<image>\n<image>\nWhich?\nA. lamp\nB. door"
    assert shown((tmp_path / rows[0]["image"]).read_bytes()) == (200, 100, 55)
    assert rows[1]["image"][0] == rows[0]["image"]
    assert "image" not in rows[2]


def test_hf_messages(items, tmp_path):
    write_items("hf_messages", items, tmp_path / "ours.parquet")
    table = pq.read_table(tmp_path / "ours.parquet")
    rows = table.to_pylist()
    assert [shown(one["bytes"]) for one in rows[1]["images"]] == [(200, 100, 55), (20, 10, 235)]
    user, assistant = rows[1]["messages"]
    assert [part["type"] for part in user["content"]] == ["image", "image", "text"]
    assert (user["role"], assistant["role"], assistant["content"][0]["text"]) == ("user", "assistant", "B")


def test_webdataset(items, tmp_path):
    write_items("webdataset", items, tmp_path / "ours.tar")
    with tarfile.open(tmp_path / "ours.tar") as tar:
        names = tar.getnames()
        about = json.load(tar.extractfile("00000001.json"))
        colour = shown(tar.extractfile("00000001.1.png").read())
    assert names[:2] == ["00000000.png", "00000000.json"]
    assert names[-1] == "00000002.json"
    assert (about["question"], about["answer"]) == ("Which?\nA. lamp\nB. door", "B")
    assert colour == (20, 10, 235)
    first = (tmp_path / "ours.tar").read_bytes()
    write_items("webdataset", items, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == first


def test_vlmevalkit(items, tmp_path):
    write_items("vlmevalkit", items, tmp_path / "Ours.tsv")
    csv.field_size_limit(sys.maxsize)
    with (tmp_path / "Ours.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert [row["index"] for row in rows] == ["0", "1", "2"]
    assert shown(base64.b64decode(rows[0]["image"])) == (200, 100, 55)
    assert len(json.loads(rows[1]["image"])) == 2
    assert (rows[1]["A"], rows[1]["B"], rows[1]["answer"], rows[0]["A"]) == ("lamp", "door", "B", "")


def test_lmms_eval_task(items, tmp_path):
    folder = tmp_path / "ours_task"
    write_items("lmms_eval", items, folder)
    text = (folder / "ours_task.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text.replace("!function ", ""))
    assert config["task"] == "ours_task"
    assert config["process_results"] == "utils.process_results"
    assert config["metric_list"][0]["metric"] == "success"
    docs = pq.read_table(config["dataset_kwargs"]["data_files"][config["test_split"]]).to_pylist()
    spec = importlib.util.spec_from_file_location("ours_utils", folder / "utils.py")
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    assert [one.size for one in utils.doc_to_visual(docs[1])] == [(32, 24), (32, 24)]
    assert utils.doc_to_text(docs[1], {"post_prompt": " Letter."}) == "Which?\nA. lamp\nB. door Letter."
    assert utils.process_results(docs[0], ["5 feet"]) == {"success": 1.0}
    assert utils.process_results(docs[0], ["5 m"]) == {"success": 0.0}
    assert utils.process_results(docs[1], ["(B)"]) == {"success": 1.0}


@pytest.mark.parametrize("name", LAYOUTS)
def test_our_own_table_keeps_every_field(name, tmp_path):
    read = read_items(name, LAYOUTS[name](tmp_path / name)).items
    write_items("spatiallake", read, tmp_path / "ours.parquet")
    again = read_items("spatiallake", tmp_path / "ours.parquet").items
    assert len(again) == len(read)
    for one, other in zip(read, again, strict=True):
        for field in ("item_id", "source", "kind", "type_id", "question", "answer", "options", "kinds", "size_px"):
            assert getattr(one, field) == getattr(other, field), field
        for field in ("value_si", "unit_si", "yes", "choice", "clock_h", "texts", "polygon", "box"):
            assert getattr(one.truth, field) == getattr(other.truth, field), field
        assert (one.circular_group, one.flip_group, one.part) == (other.circular_group, other.flip_group, other.part)
        assert [p.read() for p in one.images] == [p.read() for p in other.images]
        assert (one.truth.mask is None) == (other.truth.mask is None)


@pytest.mark.parametrize("name", names_of("write"))
def test_an_item_whose_image_is_gone_is_left_out_alone(name, items, tmp_path):
    broken = [
        length("gone", 1.0, number=7, images=(ItemImage(path=Path("nowhere.png")),)),
        length("text", 1.0, number=8, images=(ItemImage(data=b"no image"),)),
    ]
    rejected = write_items(name, [*items, *broken], tmp_path / "out")
    assert [row.number for row in rejected] == [7, 8]
    assert rejected[0].reason.startswith("Item gone has an image that cannot be read: ")


def test_an_unknown_layout_is_refused(items, tmp_path):
    with pytest.raises(Unreadable, match="There is no format 'coco' to write items; choose one of hf_messages"):
        write_items("coco", items, tmp_path / "x")


def test_vqa_results(tmp_path):
    asked = item("42000", Kind.TEXT, Truth(texts=("2",) * 10))
    vqa_results.write_predictions(said([(asked, "<think>hm</think> Two")]), tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text()) == [{"question_id": 42000, "answer": "Two"}]
