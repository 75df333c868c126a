import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.ingest.conftest import ingest
from tests.ingest.crawls import write, write_manifest
from tests.ingest.pictures import HEIGHT, OBJECTS, WIDTH, bomb_png, depth_png, encoded, instance_png, photo, pixels
from udfs.crawl.maps import valid_depth, valid_instances
from udfs.crawl.part_rejects import PartRejects

SIZE = (WIDTH, HEIGHT)
LABELS = np.kron(np.array([[0, 1], [2, 3]]), np.ones((24, 32))).astype(np.uint8)


def reasons(rejects: PartRejects) -> list[str]:
    return [row["reason"] for row in rejects.rows()]


def test_a_sound_depth_map_passes_untouched() -> None:
    rejects = PartRejects()
    depth = valid_depth(depth_png(), SIZE, rejects)
    assert depth is not None and depth.png == depth_png() and depth.values[0, 0] == 1500
    assert rejects.rows() == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (depth_png(WIDTH // 2), "depth_size_mismatch"),
        (depth_png(HEIGHT, WIDTH), "depth_size_mismatch"),
        (encoded(np.zeros((HEIGHT, WIDTH), np.uint8), "PNG"), "depth_unreadable"),
        (photo(1, "PNG"), "depth_unreadable"),
        (photo(1), "depth_unreadable"),
        (b"", "depth_unreadable"),
        (encoded(pixels(1)[..., 0].astype(np.uint16) * 17, "PNG")[:-900], "depth_unreadable"),
    ],
)
def test_invalid_depth_is_rejected(data: bytes, reason: str) -> None:
    rejects = PartRejects()
    assert valid_depth(data, SIZE, rejects) is None
    assert reasons(rejects) == [reason]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_sound_instances_pass_untouched(dtype: type) -> None:
    rejects = PartRejects()
    data = instance_png((1, 2), dtype)
    instances, objects = valid_instances(data, SIZE, OBJECTS, rejects)
    assert instances is not None and (instances.png, objects) == (data, OBJECTS)
    assert rejects.rows() == []


def test_an_unknown_mask_id_is_reported_and_the_rest_kept() -> None:
    rejects = PartRejects()
    data, objects = valid_instances(instance_png((1, 2, 9)), SIZE, OBJECTS, rejects)
    assert data is not None and (data.png, objects) == (instance_png((1, 2, 9)), OBJECTS)
    assert reasons(rejects) == ["mask_without_object"]
    assert "9" in rejects.rows()[0]["error"]


def test_an_object_without_pixels_is_removed() -> None:
    rejects = PartRejects()
    _, objects = valid_instances(instance_png((2,)), SIZE, OBJECTS, rejects)
    assert objects == OBJECTS[1:]
    assert reasons(rejects) == ["object_without_mask"]


def test_an_empty_mask_leaves_nothing_to_lift() -> None:
    rejects = PartRejects()
    assert valid_instances(instance_png(()), SIZE, OBJECTS, rejects) == (None, None)
    assert reasons(rejects) == ["object_without_mask"]


def test_one_reject_per_reason_however_many_objects() -> None:
    rejects = PartRejects()
    valid_instances(instance_png((5, 6, 7)), SIZE, OBJECTS, rejects)
    assert sorted(reasons(rejects)) == ["mask_without_object", "object_without_mask"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(np.zeros((8, 8), np.uint8), "PNG"), "instances_size_mismatch"),
        (photo(1, "PNG"), "instances_unreadable"),
        (encoded(LABELS > 0, "PNG"), "instances_unreadable"),
        (instance_png()[:-30], "instances_unreadable"),
    ],
)
def test_invalid_instances_keep_the_objects(data: bytes, reason: str) -> None:
    rejects = PartRejects()
    assert valid_instances(data, SIZE, OBJECTS, rejects) == (None, OBJECTS)
    assert reasons(rejects) == [reason]


def test_a_wrong_checksum_is_found_at_ingest_and_not_by_a_later_stage() -> None:
    rejects = PartRejects()
    assert valid_depth(with_wrong_checksum(depth_png()), SIZE, rejects) is None
    assert valid_instances(with_wrong_checksum(instance_png()), SIZE, OBJECTS, rejects) == (None, OBJECTS)
    assert reasons(rejects) == ["depth_unreadable", "instances_unreadable"]


def with_wrong_checksum(png: bytes) -> bytes:
    # The last byte of the pixels' checksum stands before the 12 bytes of IEND.
    return png[:-13] + bytes([png[-13] ^ 1]) + png[-12:]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_palette_png_keeps_its_indices_for_other_readers(bits: int) -> None:
    image = Image.fromarray(LABELS, "L").convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=bits)
    objects = [{"id": one, "label": "thing"} for one in (1, 2, 3)]
    data, kept = valid_instances(buffer.getvalue(), SIZE, objects, PartRejects())
    assert data is not None and kept == objects
    read = cv2.imdecode(np.frombuffer(data.png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None and np.array_equal(read, LABELS)


def test_maps_of_too_many_pixels_and_rows_of_too_many_objects_are_cut_before_they_are_decoded(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", photo(1))
    write(tmp_path / "bomb.png", bomb_png(10_000, 9_980))
    objects = [{"id": number, "label": "cup"} for number in range(1, 1_200)]
    write_manifest(tmp_path, [{"image": "a.jpg", "depth": "bomb.png", "instances": "bomb.png", "objects": objects}])
    result = ingest(tmp_path)
    (image,) = result.images
    assert (image["depth"], image["instances"], len(image["objects"])) == (None, None, 1_000)
    said = {row["reason"]: row["error"] for row in result.quarantine}
    assert said.keys() == {"too_many_pixels", "too_many_objects"}
    for name in ("depth", "instance"):
        pixels_said = f"The {name} map has 10000 x 9980 = 99,800,000 px, over the limit of 36,000,000;"
        assert pixels_said in said["too_many_pixels"]
    assert "The row lists 1,199 objects, over the limit of 1,000" in said["too_many_objects"]
