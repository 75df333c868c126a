"""The Arrow adaptor: the same answers as scene by scene, and one bad scene costs no other."""

import random
from typing import Any

import pyarrow as pa
import pytest

from schemas.answers import QA_PAIRS
from tests.questions.shapes import INPUT, OUTPUT
from tests.questions.worlds import Row, random_scene, solid_scene
from udfs.questions.flattening import scenes_of
from udfs.questions.scene import scene_of
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_batches, synthesize_scene


def _batch(scenes: list[tuple[Row, list[Row]]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{**scene, "references": names} for scene, names in scenes], schema=INPUT)


def _run(batch: pa.RecordBatch, **fixed: Any) -> list[Row]:
    made = list(synthesize_batches(iter([batch]), SynthesizeSettings(**fixed), "recipe", OUTPUT))
    for out in made:
        out.validate(full=True)
        assert out.schema == OUTPUT
    return [row for out in made for row in out.to_pylist()]


def _scenes(seed: int, count: int) -> list[tuple[Row, list[Row]]]:
    rng = random.Random(seed)
    return [random_scene(rng) for _ in range(count)]


def _spoil(scene: Row, **values: Any) -> Row:
    first, *others = scene["objects"]
    return {**scene, "objects": [{**first, **values}, *others]}


@pytest.mark.parametrize("part", [slice(0, 60), slice(17, 43)])
def test_flat_columns_give_the_same_scenes_as_dicts(part: slice) -> None:
    scenes = _scenes(31, 60)
    batch = _batch(scenes).slice(part.start, part.stop - part.start)
    for (keys, made), (scene, names) in zip(scenes_of(batch), scenes[part], strict=True):
        assert keys["image_id"] == scene["image_id"]
        assert made == scene_of(scene, names)


def test_batches_give_the_rows_of_every_scene() -> None:
    scenes = _scenes(32, 40)
    out = QaColumns("recipe")
    for scene, names in scenes:
        synthesize_scene(scene, names, SynthesizeSettings(), out)
    rows = [row for row in _run(_batch(scenes)) if not row["rejects"]]
    assert len(rows) == len(out)
    for row, expected in zip(rows, out.rows(), strict=True):
        assert {name: row[name] for name in expected} == expected


def test_every_required_column_is_filled() -> None:
    required = [f.name for f in QA_PAIRS.schema if not f.nullable]
    rows = [row for row in _run(_batch(_scenes(33, 40))) if not row["rejects"]]
    assert rows
    assert all(row[name] is not None for row in rows for name in (*required, "margin_actual", "witness_ok"))


def test_a_scene_without_an_answer_says_which_gates_are_closed() -> None:
    scene, names = random_scene(
        random.Random(34), 1, gravity_src="none", gravity_sigma_deg=None, scale_ok=False, has_plane="none"
    )
    (row,) = _run(_batch([(scene, names)]), solo_numbers=0)
    (reject,) = row["rejects"]
    assert (reject["outcome"], reject["reason"]) == ("filtered", "no_questions")
    assert all(word in reject["error"] for word in ("gravity", "metric scale", "floor"))
    assert row["image_id"] == scene["image_id"]
    assert row["ingest_shard"] == scene["ingest_shard"]
    assert row["question"] is None


@pytest.mark.parametrize("spoilt", [{"center_m": [1.0, 2.0]}, {"size_m": [1.0]}, {"center_c_m": [0.0] * 4}])
def test_a_poisoned_scene_is_rejected_alone(spoilt: Row) -> None:
    rng = random.Random(35)
    (one, names), (two, other_names), (three, third_names) = (solid_scene(rng) for _ in range(3))
    alone = _run(_batch([(one, names), (three, third_names)]))
    rows = _run(_batch([(one, names), (_spoil(two, **spoilt), other_names), (three, third_names)]))
    assert [row for row in rows if not row["rejects"]] == alone
    (rejected,) = [row for row in rows if row["rejects"]]
    assert rejected["image_id"] == two["image_id"]
    (reject,) = rejected["rejects"]
    assert (reject["outcome"], reject["reason"]) == ("failed", "unexpected_error")
    assert "ValueError" in reject["error"]


@pytest.mark.parametrize("name", ["center_m", "range_m", "sigma_m", "u_norm", "size_m", "volume_m3", "size_ok"])
def test_an_unknown_primitive_silences_the_questions_that_need_it(name: str) -> None:
    scene, names = solid_scene(random.Random(36))
    unknown = scene["objects"][0]["object_id"]
    spoilt = _spoil(scene, **{name: None})
    rows = _run(_batch([(spoilt, names)]))
    assert rows
    assert not any(row["rejects"] for row in rows)
    about = [row for row in rows if unknown in row["object_ids"]]
    assert all(row["value_si"] is None or row["value_si"] == row["value_si"] for row in about)
    needing = {"center_m": {"Q01", "Q04", "N02"}, "range_m": {"Q09", "N13", "N14"}, "size_ok": {"Q10", "N08", "N09"}}
    assert not {row["type_id"] for row in about} & needing.get(name, set())


def test_no_scene_gives_no_batch() -> None:
    assert _run(_batch([])) == []
