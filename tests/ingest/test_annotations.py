import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from schemas.manifest import ManifestRow
from tests.ingest.pictures import CAMERA, OBJECTS, POSE
from udfs.crawl.annotations import annotations, episode_json, fixed_text, texts
from udfs.crawl.entries import manifest_entry, manifest_row, parsed
from udfs.crawl.limits import IngestSettings
from udfs.crawl.part_rejects import PartRejects
from udfs.stages.rows import RowRejected

LIMITS = IngestSettings()
BOX = {"center": [0, 0, 2], "size": [1, 2, 3], "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
NAN, INF = math.nan, math.inf


def checked(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    rejects = PartRejects()
    row = ManifestRow.model_validate({"image": "a.jpg", **fields})
    return annotations(row, LIMITS, rejects), [reject["reason"] for reject in rejects.rows()]


def test_a_sound_row() -> None:
    objects = [{**OBJECTS[0], "box_3d": BOX, "front": [0, 0, -1]}, OBJECTS[1]]
    row, reasons = checked(camera=CAMERA, gravity=[0, 1, 0], pose=POSE, objects=objects)
    assert reasons == []
    assert (row["camera"], row["gravity"]) == (CAMERA, [0, 1, 0])
    assert row["pose"] == np.ravel(POSE).tolist()
    assert row["objects"][0]["box_3d"] == {
        "center": [0, 0, 2],
        "size": [1, 2, 3],
        "rotation": np.eye(3).ravel().tolist(),
    }
    assert row["objects"][1] == {**OBJECTS[1], "box_3d": None, "front": None}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("camera", {**CAMERA, "fx": NAN}, "bad_intrinsics"),
        ("camera", {**CAMERA, "cx": INF}, "bad_intrinsics"),
        ("camera", {**CAMERA, "fy": 0}, "bad_intrinsics"),
        ("camera", {**CAMERA, "fx": -60}, "bad_intrinsics"),
        ("camera", {"fx": 60, "fy": 60}, "bad_intrinsics"),
        ("camera", [60, 60, 31, 23], "bad_intrinsics"),
        ("camera", {**CAMERA, "fx": 10**400}, "bad_intrinsics"),
        ("pose", [[NAN] * 4] * 4, "bad_pose"),
        ("pose", POSE[:3], "bad_pose"),
        ("pose", [[2 * v for v in row] for row in POSE[:3]] + POSE[3:], "bad_pose"),
        ("pose", [POSE[1], POSE[0], POSE[2], POSE[3]], "bad_pose"),
        ("pose", [*POSE[:3], [0, 0, 0, 2]], "bad_pose"),
        ("pose", [[1, 2, 3, 4], 5, 6, 7], "bad_pose"),
        ("pose", "identity", "bad_pose"),
        ("gravity", [0, NAN, 0], "bad_gravity"),
        ("gravity", [0, 0, 0], "bad_gravity"),
        ("gravity", [0, 9.81, 0], "bad_gravity"),
        ("gravity", [0, 1], "bad_gravity"),
    ],
)
def test_an_invalid_part_is_left_out(field: str, value: Any, reason: str) -> None:
    row, reasons = checked(**{field: value})
    assert row[field] is None
    assert reasons == [reason]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"box_3d": {**BOX, "size": [1, 0, 3]}}, "bad_box"),
        ({"box_3d": {**BOX, "center": [0, NAN, 2]}}, "bad_box"),
        ({"box_3d": {**BOX, "rotation": [[1, 0, 0]]}}, "bad_box"),
        ({"front": [0, 0, 0]}, "bad_box"),
    ],
)
def test_an_invalid_box_keeps_its_object(change: dict[str, Any], reason: str) -> None:
    row, reasons = checked(objects=[{**OBJECTS[0], **change}, OBJECTS[1]])
    assert [one["id"] for one in row["objects"]] == [1, 2]
    assert row["objects"][0]["box_3d"] is None and row["objects"][0]["front"] is None
    assert reasons == [reason]


@pytest.mark.parametrize("bad", [{"label": "no id"}, {"id": 0}, {"id": 2**31}, {"id": "one"}, {"id": 2}, 7, None])
def test_an_invalid_object_keeps_the_others(bad: Any) -> None:
    row, reasons = checked(objects=[*OBJECTS, bad])
    assert [one["id"] for one in row["objects"]] == [1, 2]
    assert reasons == ([] if bad is None else ["bad_manifest_row"])


@given(
    st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 1e-3),
    st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3),
)
def test_every_rigid_pose_passes_and_its_mirror_fails(quaternion: list[float], position: list[float]) -> None:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_quat(quaternion).as_matrix(), position
    assert checked(pose=pose.tolist()) == ({**checked()[0], "pose": pose.ravel().tolist()}, [])
    assert checked(pose=pose.ravel().tolist())[1] == []
    pose[:3, 0] *= -1
    assert checked(pose=pose.tolist())[1] == ["bad_pose"]


@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 1e-2), st.floats(0.5, 1.5)
)
def test_gravity_is_normalised_within_one_percent(direction: list[float], length: float) -> None:
    unit = np.array(direction) / np.linalg.norm(direction)
    row, reasons = checked(gravity=(length * unit).tolist())
    if abs(length - 1) < 0.0099:
        assert np.allclose(row["gravity"], unit) and reasons == []
    elif abs(length - 1) > 0.0101:
        assert row["gravity"] is None and reasons == ["bad_gravity"]


def test_texts_over_the_limit_are_refused_one_by_one() -> None:
    rejects = PartRejects()
    row = ManifestRow(image="a.jpg", alt_text="x" * 11, licence="MIT", source="y" * 12)
    words = texts(row, IngestSettings(max_text_chars=10), rejects)
    assert (words["alt_text"], words["source"], words["licence"]) == (None, None, "MIT")
    (reject,) = rejects.rows()
    assert (reject["outcome"], reject["reason"]) == ("refused", "text_too_long")
    assert "alt_text" in reject["error"] and "source" in reject["error"]


def test_mojibake_is_mended() -> None:
    original = "Café à l’étage – naïve façade"
    found = fixed_text(original.encode("utf-8").decode("windows-1252")) or ""
    assert found.replace("'", "’") == original


def test_episodes_travel_as_json() -> None:
    rejects = PartRejects()
    row = ManifestRow(image="a.jpg", instruction="put the cup down", action=[0.1, 1], state={"arm": [0.5]})
    episode = json.loads(episode_json(row, row.instruction, rejects) or "")
    assert episode == {"instruction": "put the cup down", "action": [0.1, 1], "state": {"arm": [0.5]}}
    assert episode_json(ManifestRow(image="a.jpg"), None, rejects) is None and not rejects.items
    assert episode_json(ManifestRow(image="a.jpg", action=[NAN]), None, rejects) is None
    assert [reject.reason for reject in rejects.items] == ["bad_manifest_row"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '"a.jpg"',
        "{}",
        '{"image": ""}',
        '{"image": null}',
        '{"image": ["a.jpg"]}',
        '{"image": "a.jpg", "frame_index": 3000000000}',
        '{"image": "a.jpg", "frame_index": "first"}',
        '{"image": "a.jpg", "alt_text": {"en": "a"}}',
        "[" * 100_000,
    ],
)
def test_malformed_rows_are_listed_and_rejected(text: str) -> None:
    listed = manifest_entry(text, "/crawl/manifest.jsonl", "/crawl/manifest.jsonl", 3)
    assert listed["uri"] in ("/crawl/manifest.jsonl#row=3", "/crawl/a.jpg")
    with pytest.raises(RowRejected) as caught:
        manifest_row(listed)
    assert caught.value.reason == "bad_manifest_row"


def test_blank_and_nan_texts_are_none() -> None:
    row = manifest_row(
        {"kind": "manifest", "row_json": '{"image": "a", "licence": NaN, "depth": "", "frame_index": NaN}'}
    )
    assert (row.licence, row.depth, row.frame_index) == (None, None, None)


def test_robots_may_be_a_list_and_numbers_are_texts() -> None:
    row = ManifestRow.model_validate({"image": "a", "robots": ["noai", "nofollow"], "crawl_id": 7})
    assert (row.robots, row.crawl_id) == ("noai, nofollow", "7")


@given(st.text(st.characters(categories=("Lu", "Cs")), max_size=20))
def test_halves_of_surrogate_pairs_are_mended(text: str) -> None:
    value = parsed(json.dumps({"image": "a.jpg", "alt_text": text}))
    assert value["alt_text"].encode("utf-8") is not None
    assert ManifestRow.model_validate(value).image == "a.jpg"
