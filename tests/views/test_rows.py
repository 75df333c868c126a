"""Rows of the stage without Spark: who gets which row, what is said of the others, and what a fusion is called."""

from functools import cache
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from scenes.path_rows import image_rows
from scenes.paths import PathSettings, camera_path
from schemas.sequences import FUSED_SCENES, SEQUENCE_QA_PAIRS
from udfs.experts.expert import SENSOR
from udfs.questions.sequence import SequenceSettings
from udfs.stages.fuse import ANSWERS, SCENE, fused_rows
from udfs.stages.lift import LiftSettings, lift_row
from udfs.stages.one_image import prediction_of

Row = dict[str, Any]
SETTINGS = SequenceSettings()
LINEAGE = {"recipe", "ingest_shard", "engine_version"}


@cache
def _lifted(count: int) -> tuple[Row, ...]:
    rows = []
    for image in image_rows(camera_path(1, 7, PathSettings(frames=count))):
        regions = prediction_of("context", SENSOR, image)["regions"]
        lifted = {**prediction_of("depth", SENSOR, image), **image, "regions": regions}
        scene = lift_row(lifted, LiftSettings())
        rows.append(
            {**image, "episode": image["sequence_id"], "is_new": True, "group_id": None} | _nested(scene, lifted)
        )
    return tuple(rows)


def _nested(scene: Row, lifted: Row) -> Row:
    return {"scene": scene, "depth": lifted, "region": {name: lifted[name] for name in ("width", "height", "regions")}}


def frames(count: int = 4, **changes: Any) -> list[Row]:
    return [{**row, **changes} for row in _lifted(count)]


def test_the_first_new_frame_carries_the_scene_and_the_answers() -> None:
    rows = fused_rows(frames(), SETTINGS, "r")
    assert [SCENE in row for row in rows] == [True, False, False, False]
    scene, answers = rows[0][SCENE], rows[0][ANSWERS]
    assert {row["fusion_id"] for row in rows} == {scene["fusion_id"]}
    assert set(scene) == set(FUSED_SCENES.columns)
    assert answers and all(set(row) | {"licence"} == set(SEQUENCE_QA_PAIRS.columns) for row in answers)
    # They have the types of the tables, and no null where there may be none.
    for table, made in ((FUSED_SCENES, [scene]), (SEQUENCE_QA_PAIRS, answers)):
        pa.Table.from_pylist(made, schema=to_arrow_schema(table.schema)).validate(full=True)
        required = [field.name for field in table.schema.fields if not field.nullable]
        assert all(row[name] is not None for row in made for name in required)


def test_a_sequence_that_grew_gives_rows_for_its_new_frames_alone() -> None:
    some = frames()
    before = fused_rows(some[:3], SETTINGS, "r")[0][SCENE]
    grown = [{**row, "is_new": number == 3} for number, row in enumerate(some)]
    rows = fused_rows(grown, SETTINGS, "r")
    assert [row["image_id"] for row in rows] == [some[3]["image_id"]]
    after = rows[0][SCENE]
    assert after["fused_frames"] == 4 and before["fused_frames"] == 3
    assert after["fusion_id"] != before["fusion_id"]
    assert fused_rows(some, SETTINGS, "r")[0][SCENE] == after
    assert fused_rows(some, SETTINGS, "other")[0][SCENE]["fusion_id"] != after["fusion_id"]


def test_what_cannot_be_fused_is_said() -> None:
    (alone, *_) = fused_rows(frames(sequence_id=None), SETTINGS, "r")
    assert alone["left_out"].startswith("The image is no frame of a sequence")
    without = frames()
    without[1]["pose"] = None
    rows = fused_rows(without, SETTINGS, "r")
    assert [row["left_out"] is None for row in rows] == [True, False, True, True]
    assert "has no pose" in rows[1]["left_out"] and not rows[1]["rejects"]
    (single,) = fused_rows(frames()[:1], SETTINGS, "r")
    assert single["left_out"] == "No other frame of the sequence has a scene and a pose."
    few = fused_rows(frames(), SequenceSettings(max_frames=2), "r")
    assert [row["left_out"] is None for row in few] == [True, False, False, True]


def test_a_frame_that_contradicts_the_others_is_rejected_alone() -> None:
    wrong = frames(6)
    pose = list(wrong[3]["pose"])
    pose[3] += 0.4
    wrong[3]["pose"] = pose
    rows = fused_rows(wrong, SETTINGS, "r")
    reasons = [[one["reason"] for one in row["rejects"]] for row in rows]
    assert reasons == [[], [], [], ["views_contradict"], [], []]
    assert rows[0][SCENE]["left_out_frames"] == [3]


def test_a_poisoned_sequence_is_rejected_alone() -> None:
    rows = fused_rows(frames(scene={"objects": None}), SETTINGS, "r")
    assert {row["rejects"][0]["reason"] for row in rows} == {"unexpected_error"}
