"""`spatiallake evaluate` as a user runs it, and what it writes."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import UsageError
from jobs.views.evaluate import Place, evaluate, place_of
from tests.evaluation.files import json_file
from tests.evaluation.layouts import LAYOUTS
from tests.evaluation.small_benchmark import COUNT, write_benchmark


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return write_benchmark(tmp_path_factory.mktemp("benchmark"))


def test_scores_predictions_beside_baselines(benchmark, tmp_path):
    items, files = benchmark
    arguments = ["evaluate", "--items", f"spatiallake:{items}", "--out", str(tmp_path / "out"), "--json"]
    for file in files:
        arguments += ["--predictions", f"jsonl:{file}"]
    result = CliRunner().invoke(app, [*arguments, "--write", f"vlmevalkit:{tmp_path / 'Ours.tsv'}"])
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    summary = json.loads(line)
    assert summary["items"] == COUNT
    models = [
        "looks-7b",
        "guesses <1b>",
        "majority per type",
        "text-only prior",
        "always the mean",
        "always the median",
    ]
    assert list(summary["scores"]) == models
    looks, guesses = summary["scores"]["looks-7b"], summary["scores"]["guesses <1b>"]
    assert looks["qualitative"] > guesses["qualitative"]
    assert looks["number_rate"] == 1.0
    assert looks["in_range[0.9,1.1]"] < looks["in_range[2/3,1.5]"] < looks["in_range[0.5,2]"]
    assert looks["unparsed"] > 0

    document = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    overall = document["models"][0]["overall"]
    assert all(one["low"] <= one["value"] <= one["high"] for one in overall.values() if one["low"] is not None)
    assert document["models"][2]["fitted_on"] == "other folds of the items"
    assert set(document["models"][0]["by_distance"]) == {"0-1 m", "1-3 m", "3-10 m", "10+ m"}

    rows = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pylist()
    assert {row["model"] for row in rows} == set(models)
    one = next(row for row in rows if row["model"] == "looks-7b" and row["kind"] == "number")
    assert one["raw"].startswith("<think>")
    assert (one["parser"], one["parser_version"], one["flags"]) == ("quantity", "3", ["conversion"])
    assert one["raw"][slice(*one["span"])].endswith("meters")
    board = (tmp_path / "out" / "leaderboard.md").read_text(encoding="utf-8")
    assert "| `in_range[0.5,2]` |" in board
    assert "| its own benchmark | `qualitative` | 75.2 % |" in board
    assert (tmp_path / "Ours.tsv").exists()


def test_its_own_predictions_are_read_again_with_the_same_scores(benchmark, tmp_path):
    items, files = benchmark
    place = Place("spatiallake", items)
    first = evaluate(place, [Place("jsonl", file) for file in files], tmp_path / "a")
    again = evaluate(place, [Place("spatiallake", tmp_path / "a" / "predictions.parquet")], tmp_path / "b")
    assert [one.model for one in again.scores[:6]] == [one.model for one in first.scores]
    for one, other in zip(first.scores[:2], again.scores[:2], strict=True):
        assert one.overall == other.overall


def test_every_layout_is_scored_with_its_answers(tmp_path):
    for name, write in LAYOUTS.items():
        path = write(tmp_path / name)
        found = evaluate(Place(name, path), [], tmp_path / f"{name}-out")
        assert found.scores, name
        assert (tmp_path / f"{name}-out" / "evaluation.html").exists()


def test_vqa_results_are_written_for_the_server(tmp_path):
    path = LAYOUTS["vqav2"](tmp_path / "vqa")
    results = json_file(tmp_path / "m.json", [{"question_id": 42000, "answer": "3."}])
    found = evaluate(Place("vqav2", path), [Place("vqa_results", results)], tmp_path / "out")
    accuracy = found.scores[0].score("vqa_official")
    assert accuracy is not None
    assert accuracy.value == 1.0
    assert json.loads((tmp_path / "out" / "m.vqa_results.json").read_text()) == [{"question_id": 42000, "answer": "3."}]
    assert "| OK-VQA" not in (tmp_path / "out" / "leaderboard.md").read_text(encoding="utf-8")


def test_baselines_are_fitted_on_training_items(benchmark, tmp_path):
    items, _ = benchmark
    found = evaluate(Place("spatiallake", items), [], tmp_path / "out", training=Place("spatiallake", items))
    assert {one.fitted_on for one in found.scores} == {"training items"}


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ({"items": "cv_bench"}, r"'cv_bench' is not FORMAT:PATH; an example is cv_bench:data/"),
        ({"items": "spatiallake:/nowhere"}, r"/nowhere does not exist\."),
        ({"items": "coco:{items}"}, r"There is no format 'coco' to read items"),
        ({"items": "blink:{items}"}, r"holds no items in the format blink\. Row 0 has no idx"),
        ({"predictions": "jsonl:{other}"}, r"No prediction of other belongs to an item: the first prediction is for x"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(benchmark, tmp_path, places, sentence):
    items, _ = benchmark
    other = json_file(tmp_path / "other.json", [{"id": "x", "text": "yes"}])
    known = {"items": f"spatiallake:{items}", "predictions": f"jsonl:{other}"}
    named = {name: text.format(items=items, other=other) for name, text in {**known, **places}.items()}
    with pytest.raises(UsageError, match=sentence):
        evaluate(place_of(named["items"]), [place_of(named["predictions"])], tmp_path / "out")


def test_models_of_one_name_have_to_be_told_apart(benchmark, tmp_path):
    items, files = benchmark
    twice = [place_of(f"jsonl:{files[0]}"), place_of(f"jsonl:{files[0]}")]
    with pytest.raises(UsageError, match="Two models are called 'looks-7b'; rename one with NAME=FORMAT:PATH"):
        evaluate(Place("spatiallake", items), twice, tmp_path / "out")
    named = [place_of(f"one=jsonl:{files[0]}"), place_of(f"two=jsonl:{files[0]}")]
    found = evaluate(Place("spatiallake", items), named, tmp_path / "out")
    assert [one.model for one in found.scores[:2]] == ["one", "two"]


def test_scoring_does_not_wait_for_torch():
    code = "import sys, jobs.views.evaluate; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
