"""Files of predictions as Windows, Excel and killed harnesses write them, and columns that hold no prediction."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import UsageError
from jobs.views.evaluate import Place, evaluate, place_of
from tests.evaluation.files import json_file
from vlm.evaluation.layouts import read_items, read_predictions
from vlm.evaluation.rows import Unreadable

TRUTH = "ABABBA"
SAID = [{"id": f"q{place}", "prediction": letter} for place, letter in enumerate(TRUTH)]
NOT_UTF8 = "Row 6 holds bytes that are not UTF-8: "
LINES = "".join(json.dumps(row) + "\n" for row in SAID)


@pytest.fixture
def items(tmp_path):
    rows = [
        {"idx": f"q{place}", "sub_task": "Depth", "question": "Which is closer to the camera?", "answer": f"({letter})"}
        | {"choices": ["A is closer", "B is closer"]}
        for place, letter in enumerate(TRUTH)
    ]
    return Place("blink", json_file(tmp_path / "items.json", rows))


def table(delimiter: str, rows=SAID) -> str:
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue()


def score(items: Place, path: Path, name: str = "jsonl") -> tuple[float, list[str]]:
    found = evaluate(items, [Place(name, path, "m")], path.parent / "out")
    accuracy = found.scores[0].score("choice_accuracy")
    assert accuracy is not None
    return accuracy.value, [row.reason for row in found.rejected]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bom.jsonl", b"\xef\xbb\xbf" + LINES.encode()),
        ("crlf.jsonl", LINES.replace("\n", "\r\n").encode()),
        ("powershell.jsonl", LINES.encode("utf-16")),
        ("big-endian.jsonl", b"\xfe\xff" + LINES.encode("utf-16-be")),
        ("no-mark.jsonl", LINES.encode("utf-16-le")),
        ("list.jsonl", json.dumps(SAID, indent=1).encode()),
        ("lines.json", LINES.encode()),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(SAID).encode()),
        ("utf16.json", json.dumps(SAID).encode("utf-16")),
        ("bom.csv", b"\xef\xbb\xbf" + table(",").encode()),
        ("excel.csv", b"\xef\xbb\xbf" + table(";").encode()),
        ("named.csv", b"\xef\xbb\xbfsep=;\r\n" + table(";").encode()),
        ("utf16.csv", table("\t").encode("utf-16")),
        ("bom.tsv", b"\xef\xbb\xbf" + table("\t").encode()),
        ("comma.tsv", table(",").encode()),
    ],
)
def test_every_encoding_and_delimiter_is_read(items, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert score(items, tmp_path / name) == (1.0, [])


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("cut.jsonl", LINES.encode() + b'{"id": "q9"', "Row 6 is not JSON, perhaps cut off: '{\"id\": \"q9\"'."),
        ("cut.json", json.dumps(SAID).encode()[:-1] + b', {"id": "q9", "pr', "Row 6 is not JSON, perhaps cut off: "),
        ("cut.csv", table(",").encode() + b"q9", "Row 6 is cut off: it has 1 of 2 cells."),
        ("cut16.jsonl", LINES.encode("utf-16") + '{"id": "q9'.encode("utf-16-le")[:-1], "Row 6 is not JSON"),
        ("latin.jsonl", LINES.encode() + '{"id": "q9", "prediction": "größer"}'.encode("latin-1"), NOT_UTF8),
        ("latin.csv", table(",").encode() + "q9,größer\r\n".encode("latin-1"), NOT_UTF8),
    ],
)  # fmt: skip
def test_a_damaged_line_costs_that_line(items, tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    accuracy, rejected = score(items, tmp_path / name)
    assert accuracy == 1.0
    assert len(rejected) == 1
    assert rejected[0].startswith(reason)


def test_what_holds_no_rows_is_one_sentence(tmp_path):
    for name, data in (("a.parquet", b"PAR1cut"), ("b.json", b"\xff\xfe{\x00"), ("c.jsonl", b""), ("d.csv", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable, match=name):
            read_predictions("jsonl", tmp_path / name)
    (tmp_path / "e.jsonl").write_bytes(b"<html>\n<body>\n")
    with pytest.raises(Unreadable, match=r"holds no predictions in the format jsonl\. Row 0 is not JSON"):
        read_predictions("jsonl", tmp_path / "e.jsonl")


def test_damaged_items_cost_a_row(tmp_path):
    rows = "index\tquestion\tA\tB\tanswer\n0\tWhich?\tlamp\tdoor\tA\n1\tWhich?\tla"
    (tmp_path / "Ours.tsv").write_text("\ufeff" + rows, encoding="utf-8")
    found = read_items("vlmevalkit", tmp_path / "Ours.tsv")
    assert [item.item_id for item in found.items] == ["0"]
    assert [row.reason for row in found.rejected] == ["Row 1 is cut off: it has 3 of 5 cells."]


@pytest.mark.parametrize("column", ["model_answer", "Response", "generated_text", "pred_answer", "model_output"])
def test_known_columns_are_read_beside_the_true_answers(items, tmp_path, column):
    wrong = {"A": "B", "B": "A"}
    rows = [
        {"id": f"q{place}", "answer": f"({letter})", "gt": letter, column: wrong[letter]}
        for place, letter in enumerate(TRUTH)
    ]
    assert score(items, json_file(tmp_path / "dump.json", rows))[0] == 0.0


def test_a_file_without_a_known_column_names_its_columns(items, tmp_path):
    rows = [{"id": f"q{place}", "utterance": letter} for place, letter in enumerate(TRUTH)]
    path = json_file(tmp_path / "m.json", rows)
    with pytest.raises(
        UsageError, match=r"no column of predictions.* its columns id, utterance\. .*--prediction-column"
    ):
        evaluate(items, [Place("jsonl", path)], tmp_path / "out")
    named = place_of(f"jsonl:{path}", "utterance")
    accuracy = evaluate(items, [named], tmp_path / "out").scores[0].score("choice_accuracy")
    assert accuracy is not None
    assert accuracy.value == 1.0
    with pytest.raises(UsageError, match=r"has no text in a column said; its columns are id, utterance\."):
        evaluate(items, [place_of(f"jsonl:{path}", "said")], tmp_path / "out")
    (tmp_path / "m.tsv").write_text("index\tsaid\n0\tA\n", encoding="utf-8")
    with pytest.raises(Unreadable, match="no prediction is among its columns index, said"):
        read_predictions("vlmevalkit", tmp_path / "m.tsv")


def test_a_column_of_true_answers_is_not_the_models(items, tmp_path):
    beside = [{"id": f"q{place}", "answer": letter, "utterance": "A"} for place, letter in enumerate(TRUTH)]
    path = json_file(tmp_path / "dump.json", beside)
    with pytest.raises(UsageError, match=r"the column answer, which often holds the true answer, beside utterance"):
        evaluate(items, [Place("jsonl", path)], tmp_path / "out")
    assert evaluate(items, [place_of(f"jsonl:{path}", "utterance")], tmp_path / "out").scores
    alone = json_file(tmp_path / "gold.json", [{"id": row["id"], "answer": f"({row['answer']})"} for row in beside])
    with pytest.raises(
        UsageError, match=r"The column answer of gold equals the true answer in all 6 rows.*--prediction-column"
    ):
        evaluate(items, [Place("jsonl", alone)], tmp_path / "out")
    assert evaluate(items, [place_of(f"jsonl:{alone}", "answer")], tmp_path / "out").scores
    only = json_file(tmp_path / "only.json", [{"id": row["id"], "ground_truth": row["answer"]} for row in beside])
    with pytest.raises(UsageError, match="has no column of predictions"):
        evaluate(items, [Place("jsonl", only)], tmp_path / "out")
    asked = json_file(
        tmp_path / "asked.json", [{"id": row["id"], "text": "Which is closer to the camera?"} for row in beside]
    )
    with pytest.raises(UsageError, match="The column text of asked repeats the question in all 6 rows"):
        evaluate(items, [Place("jsonl", asked)], tmp_path / "out")


def test_answers_that_are_the_models_own_are_read(items, tmp_path):
    rows = [
        {"id": f"q{place}", "question": "Which?", "answer": "Point A is closer.", "gt": letter}
        for place, letter in enumerate(TRUTH)
    ]
    assert score(items, json_file(tmp_path / "m.json", rows))[0] == 0.5


def test_the_command_takes_the_column(items, tmp_path):
    path = json_file(tmp_path / "m.json", [{"id": f"q{place}", "utterance": one} for place, one in enumerate(TRUTH)])
    places = ["--items", f"blink:{items.path}", "--predictions", f"jsonl:{path}", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["evaluate", *places, "--prediction-column", "utterance", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["scores"]["m"]["choice_accuracy"] == 1.0


def test_words_that_name_points_are_scored_right(items, tmp_path):
    other = {"A": "B", "B": "A"}
    rows = [
        {"id": f"q{place}", "prediction": f"Point {letter} is closer to the camera than point {other[letter]}."}
        for place, letter in enumerate(TRUTH)
    ]
    assert score(items, json_file(tmp_path / "m.json", rows)) == (1.0, [])
