"""Benchmarks and predictions read from files in their published layouts; a bad row is left out alone."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from jobs.cli.options import app
from schemas.plugins import PLUGINS_VARIABLE
from tests.evaluation.files import image, json_file
from tests.evaluation.layouts import LAYOUTS
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import formats_table, names_of, read_items, read_predictions, write_items
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.rows import Unreadable
from vlm.evaluation.scores.table import scored

ROOT = Path(__file__).parents[2]

# id, kind, what the truth says, options, images; and what the bad row is told.
EXPECTED: dict[str, tuple[list[tuple[str, str, dict[str, Any], int, int]], str]] = {
    "q_spatial": (
        [
            ("0", "number", {"value_si": 0.3, "unit_si": "m"}, 0, 1),
            ("1", "number", {"value_si": 0.6096}, 0, 1),
        ],
        "Row 2 has the true value 0 cm, to which no answer has a ratio.",
    ),
    "spatialrgpt": (
        [
            ("1", "number", {"value_si": 1.0287}, 0, 1),
            ("2", "clock", {"clock_h": 3.0}, 0, 1),
            ("3", "bool", {"yes": False}, 0, 1),
            ("4", "choice", {"choice": 1}, 2, 1),
        ],
        "Row 4 has the answer 'Tall.', which gives no length above 0.",
    ),
    "blink": (
        [("val_1", "choice", {"choice": 1}, 2, 2), ("val_2", "choice", {"choice": 0}, 2, 1)],
        "Row 2 has a hidden answer, as the test split does; use the validation split.",
    ),
    "cv_bench": (
        [(str(place), "choice", {"choice": "AB".index(letter)}, 2, 1) for place, letter in enumerate("ABAAABB")],
        "Row 7 has the answer '(F)', which is none of its 2 options.",
    ),
    "three_dsr_bench": (
        [
            ("ABCD1234", "choice", {"choice": 0}, 2, 1),
            ("ABCD1234-1", "choice", {"choice": 1}, 2, 1),
            ("ABCD1234-flip", "choice", {"choice": 1}, 2, 1),
        ],
        "Row 3 has 1 options.",
    ),
    "embspatial": (
        [("mp3d_0", "choice", {"choice": 2}, 4, 1)],
        "Row 1 has the answer 7, which is none of its 4 options.",
    ),
    "vsi_bench": (
        [
            ("1", "number", {"value_si": 1.5, "unit_si": "m"}, 0, 0),
            ("2", "number", {"value_si": 0.85, "unit_si": "m"}, 0, 0),
            ("3", "number", {"value_si": 20.5, "unit_si": "m2"}, 0, 0),
            ("4", "number", {"value_si": 4.0, "unit_si": "count"}, 0, 0),
            ("5", "choice", {"choice": 1}, 2, 0),
        ],
        "Row 5 does not fit the layout: ValueError: could not convert string to float: 'many'.",
    ),
    "spar_bench": (
        [("0", "number", {"value_si": 0.9}, 0, 1), ("1", "choice", {"choice": 1}, 4, 2)],
        "Row 2 is of task view_change_infer, whose answers are camera movements that none of our scores fits.",
    ),
    "mmsi_bench": ([("7", "choice", {"choice": 2}, 4, 2)], "Row 1 has 0 options."),
    "robospatial": (
        [
            ("0", "bool", {"yes": True}, 0, 1),
            ("1", "point", {"polygon": ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))}, 0, 1),
            ("2", "point", {"polygon": ()}, 0, 1),
        ],
        "Row 3 has the answer 'nowhere', which is neither yes, no nor a polygon, and no mask.",
    ),
    "vqav2": ([("42000", "text", {"texts": ("2",) * 4 + ("3",) * 6}, 0, 1)], "Row 1 has no answers of humans."),
    "ok_vqa": ([("42000", "text", {"texts": ("2",) * 4 + ("3",) * 6}, 0, 1)], "Row 1 has no answers of humans."),
    "llava": (
        [
            ("a#0", "number", {"value_si": 0.6096}, 0, 1),
            ("a#1", "bool", {"yes": False}, 0, 1),
            ("b", "choice", {"choice": 1}, 2, 1),
            ("c", "text", {"texts": ("red",)}, 0, 0),
        ],
        "Row 3 has no turn of a human that a model answers.",
    ),
    "hf_messages": (
        [("0", "clock", {"clock_h": 3.0}, 0, 1)],
        "Row 1 has no user message that an assistant answers.",
    ),
    "vlmevalkit": (
        [
            ("5", "choice", {"choice": 0}, 2, 1),
            ("1000005", "choice", {"choice": 1}, 2, 1),
            ("6", "number", {"value_si": 2.0}, 0, 1),
        ],
        "Row 3 has the answer 'Z', which is none of its 2 options.",
    ),
}


def items_of(name: str, folder) -> list[Item]:
    return read_items(name, LAYOUTS[name](folder / name)).items


def test_every_format_is_tested():
    assert set(EXPECTED) | {"spatiallake"} == set(names_of("items"))
    assert set(names_of("predictions")) == {"lmms_eval", "vlmevalkit", "vqa_results", "jsonl", "spatiallake"}


def test_the_documentation_and_the_help_list_every_format():
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8").splitlines()
    table = formats_table()
    start = page.index(table[0])
    assert page[start : start + len(table)] == table
    assert not page[start + len(table)].startswith("|")
    shown = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).output
    assert all(name in shown for part in ("items", "predictions", "write") for name in names_of(part))


TOY = """
from vlm.evaluation.item_builders import bool_item
from vlm.evaluation.layouts import Format, ItemReader


def _items(row):
    return [bool_item(row, item_id=row.text("key"), source="toy", type_id="all", question=row.text("q"), answer="yes")]


def _write(items, path):
    path.write_text("".join(item.question for item in items))
    return []


FORMAT = Format(name="toy", title="a toy", items=ItemReader(_items), write=_write)
"""


def test_a_format_of_a_plugin_is_read_written_and_shown(tmp_path, monkeypatch):
    (tmp_path / "toy_format.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(PLUGINS_VARIABLE, "toy_format")
    rows = json_file(tmp_path / "rows.json", [{"key": "a", "q": "Is it red?"}])
    items = read_items("toy", rows).items
    assert [(item.item_id, item.source, item.truth.yes) for item in items] == [("a", "toy", True)]
    assert write_items("toy", items, tmp_path / "out.txt") == []
    assert (tmp_path / "out.txt").read_text() == "Is it red?"
    assert "| `toy` | yes |  | yes | a toy |" in formats_table()
    assert "toy" in CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).output


@pytest.mark.parametrize("name", LAYOUTS)
def test_items(name, tmp_path):
    expected, reason = EXPECTED[name]
    found = read_items(name, LAYOUTS[name](tmp_path / name))
    assert [row.reason for row in found.rejected] == [reason]
    assert [item.item_id for item in found.items] == [one[0] for one in expected]
    for item, (_, kind, truth, options, images) in zip(found.items, expected, strict=True):
        assert (item.kind, len(item.options), len(item.images), item.source) == (kind, options, images, name)
        for field, value in truth.items():
            held = getattr(item.truth, field)
            assert held == (pytest.approx(value) if isinstance(value, float) else value)
        for one in item.images:
            with Image.open(io.BytesIO(one.read())) as opened:
                assert opened.size == (32, 24)


def test_images_of_a_row_are_its_own(tmp_path):
    shades = [[one.read() for one in item.images] for item in items_of("blink", tmp_path)]
    assert shades == [[image(), image(20)], [image()]]
    many = items_of("mmsi_bench", tmp_path)[0].images
    assert [one.read() for one in many] == [image(), image(40)]


def test_what_single_formats_tell(tmp_path):
    inches = items_of("q_spatial", tmp_path)[1]
    assert inches.asked_unit == "inches"
    turned = items_of("three_dsr_bench", tmp_path)
    assert [item.circular_group for item in turned] == ["ABCD1234", "ABCD1234", "ABCD1234-flip"]
    assert [item.flip_group for item in turned] == ["ABCD1234", "ABCD1234-1", "ABCD1234"]
    assert items_of("embspatial", tmp_path)[0].kinds == ("sofa", "lamp")
    assert items_of("vsi_bench", tmp_path)[1].asked_unit == "cm"
    assert items_of("mmsi_bench", tmp_path)[0].options == ("Northeast", "Southwest", "East", "West")
    assert items_of("spar_bench", tmp_path)[1].options[:2] == ("the chair", "the table")
    assert items_of("robospatial", tmp_path)[2].truth.mask is not None
    assert {item.circular_group for item in items_of("vlmevalkit", tmp_path)[:2]} == {"5"}
    assert items_of("llava", tmp_path)[0].asked_unit == "feet"


@pytest.mark.parametrize(
    ("question", "answer", "kind"),
    [
        ("Is the mug to the left or to the right of the desk?", "Right.", "text"),
        ("Is the mug to the left or to the right of the desk?", "right of it", "text"),
        ("Is the mug on the desk?", "Right.", "bool"),
        ("How is the mug next to the desk?", "right higher farther same taller 0.4", "text"),
    ],
)
def test_a_side_agrees_to_nothing(question: str, answer: str, kind: str, tmp_path) -> None:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    rows = json_file(tmp_path / "rows.json", [{"id": "a", "conversations": turns}])
    (item,) = read_items("llava", rows).items
    assert (item.kind.value, item.answer) == (kind, answer)


def test_cv_bench_total(tmp_path):
    items = items_of("cv_bench", tmp_path)
    results = json_file(tmp_path / "m.json", [{"idx": item.item_id, "prediction": "(A)"} for item in items])
    (answers,) = read_predictions("jsonl", results)
    total = scored(predictions_of(items, answers)).score("cv_bench")
    assert total is not None
    assert total.value == pytest.approx(((1 / 2 + 1) / 2 + 2 / 4) / 2)


def test_predictions_of_lmms_eval(tmp_path):
    items = items_of("q_spatial", tmp_path)
    folder = tmp_path / "results" / "llava__v1"
    folder.mkdir(parents=True)
    lines = [
        {
            "doc_id": 1,
            "target": "2 feet",
            "input": "..",
            "filtered_resps": "24",
            "resps": [["<think>..</think>24 inches"]],
        },
        {"doc_id": 0, "target": "30 cm", "input": "..", "filtered_resps": ["30 cm"]},
        {"target": "no number of a row"},
    ]
    path = folder / "20260101_000000_samples_q_spatial.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (answers,) = read_predictions("lmms_eval", folder)
    assert answers.model == "llava__v1"
    assert [row.reason for row in answers.rejected] == ["Row 2 has no doc_id."]
    predictions = predictions_of(items, answers)
    assert [one.raw for one in predictions] == ["30 cm", "<think>..</think>24 inches"]
    assert [one.reading.value for one in predictions] == pytest.approx([0.3, 0.6096])
    assert {(one.reading.parser, one.reading.parser_version) for one in predictions} == {("quantity", "3")}


def test_predictions_of_vlmevalkit(tmp_path):
    items = items_of("vlmevalkit", tmp_path)
    path = tmp_path / "GPT_Ours.tsv"
    path.write_text("index\tquestion\tprediction\n5\tWhich?\tA. lamp\n6\tHow far?\t2 m\n", encoding="utf-8")
    (answers,) = read_predictions("vlmevalkit", path)
    predictions = predictions_of(items, answers)
    assert [one.reading.value for one in predictions] == [0, None, 2.0]
    with pytest.raises(Unreadable, match=r"is none of .*PRED_FORMAT=tsv"):
        (tmp_path / "GPT_Ours.xlsx").write_bytes(b"PK")
        read_predictions("vlmevalkit", tmp_path / "GPT_Ours.xlsx")


def test_vqa_results(tmp_path):
    items = items_of("vqav2", tmp_path)
    path = json_file(tmp_path / "results.json", [{"question_id": 42000, "answer": "Two"}, {"question_id": 1}])
    (answers,) = read_predictions("vqa_results", path)
    assert [row.reason for row in answers.rejected] == ["Row 1 has no answer."]
    accuracy = scored(predictions_of(items, answers)).score("vqa_official")
    assert accuracy is not None
    assert accuracy.value == 1.0


def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(Unreadable, match="There is no format 'cvbench' to read items; choose one of blink"):
        read_items("cvbench", tmp_path)
    with pytest.raises(Unreadable, match="does not exist"):
        read_items("cv_bench", tmp_path / "gone")
    with pytest.raises(Unreadable, match=r"holds no file of \.parquet"):
        read_items("cv_bench", tmp_path)
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(Unreadable, match=r"a\.json is not JSON"):
        read_items("llava", tmp_path / "a.json")
