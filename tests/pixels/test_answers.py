"""One room, stored in all eight ways: the same measures and the same answers as from its upright copy."""

import io
import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jobs.engine.settings import load_settings
from scenes.crawl import manifest_row
from scenes.room_images import images_of_rooms
from scenes.settings import RenderSettings
from schemas.manifest import ManifestRow
from tests.pixels import turned
from tests.pixels.depth_in_colors import colors
from udfs.crawl.fetch import Fetched
from udfs.crawl.limits import IngestSettings
from udfs.experts.expert import BUILTIN, SENSOR, ExpertSpec
from udfs.stages.ingest import ingest_row
from udfs.stages.one_image import prediction_of, question_image

ENTRY = {"entry_id": "e", "uri": "a.png", "member": None, "ingest_shard": 0}
COLORS = ExpertSpec(family="tests.pixels.depth_in_colors")
FORMATS = {1: "PNG", 2: "PNG", 3: "WEBP", 4: "PNG", 5: "PNG", 6: "WEBP", 7: "PNG", 8: "PNG"}
SETTINGS = load_settings({"lake": "."}, None, [])


@cache
def room() -> dict[str, Any]:
    """The room upright; its image holds the depth in its colors, or shows the room."""
    settings = RenderSettings(out=".", seed=7, width=320, height=240)
    (view,) = images_of_rooms(settings, 5, 6)
    depth_mm = np.clip(np.rint(view.frame.depth_m * 1000), 0, 65535).astype(np.uint16)
    row = manifest_row(view, settings)
    kept = {name: row[name] for name in ("camera", "gravity", "pose", "objects")}
    return {**kept, "rgb": view.frame.rgb, "depth_mm": depth_mm, "ids": view.instances}


def ingested(tag: int, gravity: bool, boxes: bool, rgb: np.ndarray) -> dict[str, Any]:
    """The row of `images` of the room as stored in one way; every way gets the same id, which draws the questions."""
    held = room()
    size = (rgb.shape[1], rgb.shape[0])
    things = [one if boxes else {**one, "box_3d": None, "front": None} for one in held["objects"]]
    manifest = {
        "image": "a.png",
        "camera": turned.camera(tag, held["camera"], size),
        "objects": [turned.thing(tag, one) for one in things],
        "gravity": turned.vector(tag, held["gravity"]) if gravity else None,
    }
    maps = {
        name: turned.png(turned.pixels(tag, held[key])) for name, key in (("depth", "depth_mm"), ("instances", "ids"))
    }
    data = turned.file(tag, rgb, FORMATS[tag])
    # As a manifest on disk would be read.
    listed = ManifestRow.model_validate(json.loads(json.dumps(manifest)))
    row = ingest_row(Fetched(ENTRY, listed, data, **maps), IngestSettings())
    assert row["rejects"] == [] and row["bytes"] == data and row["exif_orientation"] == tag
    return {**row, "image_id": "room"}


def asked(image: dict[str, Any], regions: ExpertSpec, depth: ExpertSpec) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    found = prediction_of("context", regions, image)["regions"]
    given = prediction_of("depth", depth, image)
    sections = (SETTINGS.lift, SETTINGS.disambiguate, SETTINGS.synthesize)
    done = question_image(image, found, given, sections)
    return done.scene, done.answers


def words(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if not isinstance(value, float)}


def numbers(answer: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in answer.items() if isinstance(value, float)}


@pytest.mark.parametrize("tag", turned.TAGS)
def test_a_lake_holds_what_the_upright_copy_would_hold(tag: int) -> None:
    first, other = ingested(1, True, True, room()["rgb"]), ingested(tag, True, True, room()["rgb"])
    assert (other["width"], other["height"]) == (320, 240)
    assert other["phash"] == first["phash"]
    for name in ("camera", "gravity"):
        assert other[name] == pytest.approx(first[name], rel=1e-12), name
    assert np.array_equal(decoded(other["depth"]), room()["depth_mm"])
    assert np.array_equal(decoded(other["instances"]), room()["ids"])
    for ours, theirs in zip(other["objects"], first["objects"], strict=True):
        assert ours.get("front") == pytest.approx(theirs.get("front"))
        assert ours["box_3d"]["center"] == pytest.approx(theirs["box_3d"]["center"])
        assert ours["box_3d"]["size"] == theirs["box_3d"]["size"]


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(
    ("depth", "gravity", "boxes"),
    [
        ("sensor", True, True),
        ("sensor", False, True),
        ("sensor", True, False),
        ("sensor", False, False),
        ("colors", True, False),
        ("colors", False, False),
        ("builtin", True, True),
        ("builtin", False, False),
    ],
)
def test_the_same_answers_in_all_eight_orientations(depth: str, gravity: bool, boxes: bool) -> None:
    rgb = colors(room()["depth_mm"]) if depth == "colors" else room()["rgb"]
    spec = {"sensor": SENSOR, "colors": COLORS, "builtin": BUILTIN}[depth]
    regions = BUILTIN if depth == "builtin" else SENSOR
    first_scene, first = asked(ingested(1, gravity, boxes, rgb), regions, spec)
    assert len(first) > 10 and {one["type_id"] for one in first} & {"Q01", "Q02", "Q03"}
    for tag in turned.TAGS:
        scene, answers = asked(ingested(tag, gravity, boxes, rgb), regions, spec)
        assert [words(one) for one in answers] == [words(one) for one in first], tag
        for ours, theirs in zip(answers, first, strict=True):
            assert numbers(ours) == pytest.approx(numbers(theirs), nan_ok=True), tag
        assert scene["gravity_c"] == pytest.approx(first_scene["gravity_c"], abs=1e-9)
        assert scene["has_plane"] == first_scene["has_plane"]
        if depth != "builtin":
            off_deg = np.degrees(np.arccos(np.clip(np.dot(scene["gravity_c"], room()["gravity"]), -1, 1)))
            assert off_deg < 5, "a wall is not taken for the floor"


@pytest.mark.parametrize("tag", [5, 6, 7, 8])
def test_maps_of_the_upright_size_are_refused_with_the_way_out(tag: int) -> None:
    held = room()
    data = turned.file(tag, held["rgb"])
    maps = {"depth": turned.png(held["depth_mm"]), "instances": turned.png(held["ids"])}
    row = ingest_row(Fetched(ENTRY, ManifestRow(image="a.png"), data, **maps), IngestSettings())
    assert [one["reason"] for one in row["rejects"]] == ["instances_size_mismatch", "depth_size_mismatch"]
    assert all("turn the" in one["error"] and "240 x 320 px" in one["error"] for one in row["rejects"])
    assert (row["depth"], row["instances"], row["width"], row["height"]) == (None, None, 320, 240)


def test_a_map_of_half_the_size_stays_refused() -> None:
    held = room()
    half = turned.png(np.ascontiguousarray(turned.pixels(6, held["depth_mm"])[::2, ::2]))
    row = ingest_row(
        Fetched(ENTRY, ManifestRow(image="a.png"), turned.file(6, held["rgb"]), depth=half), IngestSettings()
    )
    assert [one["reason"] for one in row["rejects"]] == ["depth_size_mismatch"]


def test_maps_of_an_upright_file_are_kept_byte_by_byte() -> None:
    held = room()
    maps = {"depth": turned.png(held["depth_mm"]), "instances": turned.png(held["ids"])}
    objects = [{"id": one["id"]} for one in held["objects"]]
    listed = ManifestRow(image="a.png", objects=objects)
    row = ingest_row(Fetched(ENTRY, listed, turned.file(1, held["rgb"]), **maps), IngestSettings())
    assert (row["depth"], row["instances"]) == (maps["depth"], maps["instances"])
