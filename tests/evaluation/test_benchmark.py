"""`spatiallake benchmark` on a lake that says what it asks: which questions, with what truth, and what priors know."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import LakeUnreadable, UsageError
from tests.evaluation.benchmark_lake import image, write_lake
from tests.evaluation.relation_questions import KEYS, right_by_majority
from vlm.evaluation.items import Kind
from vlm.evaluation.layouts import read_items

COUNT = 300


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The relations of a lake, those of another to fit priors on, what the command said, and where it wrote."""
    folder = tmp_path_factory.mktemp("benchmark")
    relations = write_lake(folder / "lake", COUNT, 1)
    training = write_lake(folder / "training", 2000, 2, split="train")
    arguments = ["--lake", folder / "lake", "--training", folder / "training", "--out", folder / "items.parquet"]
    result = run(*arguments, "--training-out", folder / "training.parquet")
    assert result.exit_code == 0, result.output
    return relations, training, result.stdout, folder


def run(*arguments):
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


def items_of(path):
    found = read_items("spatiallake", path)
    assert found.rejected == []
    return found.items


def test_no_prior_of_training_answers_tells_more_than_half_of_what_is_kept(made):
    relations, training, said, folder = made
    kept = [relations[one.item_id] for one in items_of(folder / "items.parquet") if one.kind != Kind.NUMBER]
    known = list(training.values())
    assert len(kept) > COUNT / 3
    assert right_by_majority(list(relations.values()), known, KEYS["both"]) > 0.6
    for key in KEYS.values():
        assert right_by_majority(kept, known, key) <= 0.55
    shares = [line for line in said.splitlines() if line.startswith("Prior from type and both nouns")]
    expected = 100 * right_by_majority(kept, known, KEYS["both"])
    # Options are lettered in another order than some questions name them in, which moves a few between groups.
    assert float(shares[0].split(", ")[1].split(" %")[0]) == pytest.approx(expected, abs=4)
    assert "Text-only baseline, qualitative" in said


def test_items_say_what_the_lake_says(made):
    relations, _, _, folder = made
    items = items_of(folder / "items.parquet")
    rows = {row["qa_id"]: row for row in lake_rows(folder / "lake")}
    for one in items:
        row = rows[one.item_id]
        assert (one.type_id, one.question, one.source) == (row["type_id"], row["question"], "spatiallake")
        asked = relations.get(one.item_id)
        if one.kind == Kind.BOOL:
            assert (one.truth.yes, one.kinds) == (asked.answer, asked.kinds)
        elif one.kind == Kind.CHOICE:
            assert sorted(one.kinds) == sorted(asked.kinds)
            assert one.sides == (asked.side,)
            assert one.options == tuple(row["options"] or row["references"])
            right = row["references"][row["object_ids"].index(row["answer_object_id"])]
            assert (one.options[one.truth.choice], one.answer) == (right, "AB"[one.truth.choice])
            assert all(kind in option for kind, option in zip(one.kinds, one.options, strict=True))
        else:
            assert (one.truth.value_si, one.truth.side) == (row["value_si"], row["side"])
        assert one.image_id == row["image_id"]
        assert one.distance_m == 1.0 + min(row["object_ids"])
    assert {one.kind for one in items} == {Kind.BOOL, Kind.CHOICE, Kind.NUMBER}


def lake_rows(lake):
    (file,) = (lake / "qa_pairs").glob("*.parquet")
    return pq.read_table(file).to_pylist()


def test_what_has_no_fair_answer_is_not_asked(made):
    _, _, _, folder = made
    items = items_of(folder / "items.parquet")
    numbers = [one for one in items if one.kind == Kind.NUMBER]
    # N05 names a thing by where it is, N15 says no number, and N16 has the value 0.
    assert {one.type_id for one in numbers} == {"N01", "N17"}
    assert sum(one.type_id == "N17" for one in numbers) == 100
    angle = next(one for one in numbers if one.type_id == "N17")
    assert (angle.asked_unit, angle.sides, angle.truth.unit_si) == ("degrees", ("left", "right"), "rad")
    assert "old" not in {one.item_id for one in items}


def test_images_are_those_of_the_images_and_upright(made):
    _, _, _, folder = made
    seen = {}
    for one in items_of(folder / "items.parquet"):
        data = one.images[0].read()
        number = int(one.item_id.split("-")[2 if one.kind == Kind.NUMBER else 1]) // 2 * 2
        with Image.open(io.BytesIO(data)) as opened:
            seen[number] = np.asarray(opened.convert("RGB")).astype(int)
        assert one.size_px == seen[number].shape[1::-1]
        if number % 4 == 0:
            assert data == image(number)
    turned = [pixels for number, pixels in seen.items() if number % 4]
    assert len(turned) > 10
    for pixels in turned:
        assert pixels.shape == (40, 24, 3)
        # Stored to be turned clockwise: what is left in the file is up.
        assert pixels[:18].mean() > pixels[22:].mean() + 100


def test_the_training_answers_are_written_for_baselines_to_be_fitted_on(made):
    _, training, _, folder = made
    items = {one.item_id: one for one in items_of(folder / "training.parquet")}
    assert set(training) <= set(items)
    assert all(one.images == () for one in items.values())


def test_it_is_the_same_again_and_another_with_another_seed_or_most(made, tmp_path):
    _, _, _, folder = made
    arguments = ["--lake", folder / "lake", "--training", folder / "training"]
    assert run(*arguments, "--out", tmp_path / "same.parquet").exit_code == 0
    assert (tmp_path / "same.parquet").read_bytes() == (folder / "items.parquet").read_bytes()
    assert run(*arguments, "--out", tmp_path / "other.parquet", "--seed", 1, "--max-per-type", 5).exit_code == 0
    other = items_of(tmp_path / "other.parquet")
    assert max(sum(one.type_id == name for one in other) for name in {one.type_id for one in other}) == 5


def test_another_recipe_can_be_named(made, tmp_path):
    _, _, _, folder = made
    result = run("--lake", folder / "lake", "--recipe", "feedfacecafe0000", "--out", tmp_path / "a.parquet")
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith("None of the 1 answers of split test in ")


def test_what_cannot_be_asked_is_one_sentence(made, tmp_path):
    _, _, _, folder = made
    none = run("--lake", folder / "lake", "--split", "validation", "--out", tmp_path / "a.parquet")
    assert isinstance(none.exception, UsageError)
    assert "can be kept; use a larger lake or another --split." in str(none.exception)
    nowhere = run("--lake", tmp_path / "nowhere", "--out", tmp_path / "a.parquet")
    assert isinstance(nowhere.exception, LakeUnreadable)
    assert not (tmp_path / "a.parquet").exists()
