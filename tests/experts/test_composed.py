"""Regions of whole images: by a second implementation over transformers' own outputs, and what always holds."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pycocotools import mask as coco_mask
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine.arrow import output_type
from schemas.perception import REGIONS
from tests.experts import small_captioners, small_detectors
from tests.experts.awkward_images import SHAPES, image_row, upright
from tests.experts.references import owlv2_reference, sam_reference
from udfs.experts.expert import ExpertSpec
from udfs.experts.families.composed import ComposedRegions
from udfs.experts.images import upright_image
from udfs.experts.vocabularies import named_list
from udfs.stages.perceive import Perception, perceive, regions_row
from udfs.stages.rows import RowRejected

NAMES = ["mug", "chair", "table lamp"]
LEAST = 0.05
CORRUPT = {"image_id": "corrupt", "bytes": b"\xff\xd8\xff no image", "alt_text": None}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExpertSpec]:
    def spec(family: str, name: str, **options: Any) -> ExpertSpec:
        makers = {**vars(small_detectors), **vars(small_captioners)}
        folder = makers[name](tmp_path_factory.mktemp(name))
        return ExpertSpec(family=family, model=folder, options=options)

    return {
        "detector": spec("owlv2", "owlv2", min_score=LEAST),
        "segmenter": spec("sam", "sam"),
        "captioner": spec("image_text", "llava", max_new_tokens=6),
        "tagger": spec("image_text", "llava", max_new_tokens=12),
        "embedder": spec("clip_embedder", "clip", crops=True),
    }


def composed(parts: dict[str, ExpertSpec], *slots: str, **options: Any) -> ExpertSpec:
    chosen = {slot: parts[slot] for slot in ("detector", "segmenter", *slots)}
    return ExpertSpec(family="composed", options={"vocabulary": NAMES, **options}, parts=chosen)


def loaded(spec: ExpertSpec) -> ComposedRegions:
    expert = ComposedRegions(spec)
    expert.load("cpu")
    return expert


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Return the IoU of two boxes, or of two masks."""
    if a.ndim == 2:
        return (a & b).sum() / max(1, (a | b).sum())
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return sides.prod() / (sum(areas) - sides.prod())


def best_apart(things: list[np.ndarray], order: list[int], most: float) -> list[int]:
    kept: list[int] = []
    for one in order:
        if all(iou(things[one], things[other]) <= most for other in kept):
            kept.append(one)
    return kept


def expected_masks(parts: dict[str, ExpertSpec], row: dict[str, Any], most: float) -> list[tuple[str, float, Any]]:
    """Return label, score and mask of every region, largest first, without the code under test."""
    image = upright(row)
    found = owlv2_reference(parts["detector"].model, image, tuple(NAMES), LEAST)
    limits = np.array([*image.size, *image.size])
    boxes = [np.clip(box.numpy().astype(float), 0, limits) for box in found["boxes"]]
    real = [i for i, box in enumerate(boxes) if box[2] > box[0] and box[3] > box[1]]
    kept = best_apart(boxes, sorted(real, key=lambda i: -float(found["scores"][i])), most)
    masks = sam_reference("sam", parts["segmenter"].model, image, np.array([boxes[i] for i in kept])) if kept else []
    apart = best_apart(masks, [i for i in range(len(masks)) if masks[i].any()], most)
    regions = []
    for one in apart:
        smaller = [m for m in apart if (masks[m].sum(), m) < (masks[one].sum(), one)]
        own = masks[one] & ~np.any([masks[m] for m in smaller], axis=0) if smaller else masks[one]
        regions.append((found["text_labels"][kept[one]], float(found["scores"][kept[one]]), own))
    return sorted((r for r in regions if r[2].sum() >= 4), key=lambda r: -r[2].sum())


def test_regions_are_those_of_a_second_implementation(parts: dict[str, ExpertSpec]) -> None:
    rows = [image_row(name) for name in SHAPES if name != "thin"]
    most = 0.6
    expert = loaded(composed(parts, max_iou=most, min_area_share=1e-9, batch_size=2))
    total = 0
    for row, outcome in zip(rows, expert.predict(rows), strict=True):
        assert isinstance(outcome, dict), outcome
        regions = [region for region in outcome["regions"] if region["area_px"] >= 4]
        expected = expected_masks(parts, row, most)
        assert [region["label"] for region in regions] == [label for label, _, _ in expected]
        for region, (_, score, mask) in zip(regions, expected, strict=True):
            drawn = coco_mask.decode({"size": list(mask.shape), "counts": region["rle"]}).astype(bool)
            assert (drawn != mask).sum() <= 1
            assert region["score"] == pytest.approx(score, abs=1e-5)
        total += len(regions)
    assert total > len(rows)


def check_regions(regions: list[dict[str, Any]], size: tuple[int, int]) -> None:
    """Check what holds of any regions; `size` is height and width."""
    masks = [coco_mask.decode({"size": list(size), "counts": region["rle"]}) for region in regions]
    assert [region["region_id"] for region in regions] == list(range(1, len(regions) + 1))
    assert [region["area_px"] for region in regions] == sorted((int(mask.sum()) for mask in masks), reverse=True)
    assert np.sum(masks, axis=0).max() <= 1
    for region, mask in zip(regions, masks, strict=True):
        v, u = np.nonzero(mask)
        assert region["bbox_px"] == [u.min(), v.min(), u.max() + 1, v.max() + 1]
        assert region["label"] in NAMES
        assert region["box_3d"] is None
        assert region["front"] is None
        assert LEAST < region["score"] <= 1
        assert len(region["captions"]) <= 2
        others = [one["region_id"] for one in region["similar"]]
        assert sorted([*others, region["region_id"]]) == list(range(1, len(regions) + 1))
        likes = [one["similarity"] for one in region["similar"]]
        assert likes == sorted(likes, reverse=True)


def test_a_whole_batch_with_a_corrupt_image(parts: dict[str, ExpertSpec]) -> None:
    """Through the Arrow path of the stage: every sound image has its regions, the corrupt one a reason."""
    spec = composed(parts, "captioner", "embedder", max_iou=0.9, min_area_share=0.001, batch_size=3)
    rows = [image_row("odd"), image_row("turned"), CORRUPT, image_row("grey"), image_row("portrait")]
    for number, row in enumerate(rows):
        width, height = upright(row).size if row is not CORRUPT else (1, 1)
        row.update(width=width, height=height, ingest_shard=number, gate=None)
    batch = pa.RecordBatch.from_pylist(rows)
    schema = to_arrow_schema(output_type(REGIONS))
    out = [
        row
        for one in perceive(iter([batch]), schema, Perception("context", spec, regions_row, "recipe"))
        for row in one.to_pylist()
    ]
    assert [row["image_id"] for row in out] == [row["image_id"] for row in rows]
    for row in out:
        if row["image_id"] == "corrupt":
            assert row["regions"] is None
            assert [reject["outcome"] for reject in row["rejects"]] == ["failed"]
        else:
            assert row["rejects"] == []
            assert row["regions"]
            check_regions(row["regions"], (row["height"], row["width"]))


def test_an_image_that_breaks_a_model_breaks_alone(parts: dict[str, ExpertSpec]) -> None:
    expert = loaded(composed(parts, batch_size=8))
    rows = [image_row(name) for name in SHAPES]
    sound = expert.predict(rows)
    poison = expert.detector.processor(images=upright(rows[2]), return_tensors="pt")["pixel_values"]

    def break_on_poison(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if any((one == poison[0]).all() for one in kwargs["pixel_values"]):
            raise RuntimeError("device-side assert")

    expert.detector.model.register_forward_pre_hook(break_on_poison, with_kwargs=True)
    broken = expert.predict(rows)
    assert isinstance(broken[2], RuntimeError)
    for index in {*range(len(rows))} - {2}:
        assert [r["label"] for r in broken[index]["regions"]] == [r["label"] for r in sound[index]["regions"]]


def test_the_same_images_give_the_same_regions(parts: dict[str, ExpertSpec]) -> None:
    spec = composed(parts, "captioner", "embedder")
    rows = [image_row(name) for name in SHAPES]
    assert loaded(spec).predict(rows) == loaded(spec).predict(rows)


def test_the_alt_text_says_what_to_look_for(parts: dict[str, ExpertSpec]) -> None:
    rows = [
        image_row("odd") | {"alt_text": "A red mug beside my laptop"},
        image_row("odd") | {"alt_text": "Summer 2019!"},
        image_row("odd") | {"alt_text": None},
    ]
    found = loaded(composed(parts, vocabulary="alt_text", min_area_share=0)).predict(rows)
    assert {region["label"] for region in found[0]["regions"]} <= {"mug", "laptop"}
    for outcome in found[1:]:
        assert isinstance(outcome, RowRejected)
        assert outcome.reason == "no_regions"
    found = loaded(composed(parts, vocabulary="alt_text", fallback=["chair"], min_area_share=0)).predict(rows)
    assert {region["label"] for outcome in found[1:] for region in outcome["regions"]} == {"chair"}


def test_a_tagger_says_what_to_look_for(parts: dict[str, ExpertSpec]) -> None:
    spec = composed(parts, "tagger", vocabulary="tagger", fallback=["chair"])
    expert = loaded(spec)
    expert.tagger.answers = lambda images, question: ["- red mugs\n- laptop and lamp", "nothing!"][: len(images)]
    vocabularies = expert._vocabularies([(row, upright_image(row)) for row in map(image_row, ("odd", "grey"))])
    assert vocabularies == [("mug", "laptop", "lamp"), ("chair",)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": {}}, "lacks its part 'detector'"),
        ({"options": {"vocabulary": "tagger"}}, "tagger"),
        ({"options": {"vocabulary": "kitchen"}}, "household"),
        ({"options": {"vocabulary": []}}, "empty"),
        ({"options": {"iou": 0.5}}, "iou is not a setting; did you mean max_iou"),
        ({"options": {"fallback": "alt_text"}}, "fallback"),
    ],
)
def test_a_bad_profile_is_refused(parts: dict[str, ExpertSpec], change: dict[str, Any], message: str) -> None:
    spec = composed(parts).model_copy(update=change)
    for make in (ComposedRegions, ComposedRegions.resolved):
        with pytest.raises(ValueError, match=message):
            make(spec)


def test_the_recipe_holds_names_and_defaults(parts: dict[str, ExpertSpec]) -> None:
    plain = ComposedRegions.resolved(ExpertSpec(family="composed", parts=dict(composed(parts).parts)))
    assert "mug" in plain.options["vocabulary"]
    assert len(plain.options["vocabulary"]) > 100
    assert plain.parts["detector"].options == {
        "min_score": LEAST,
        "prompt": "a photo of a {}",
        "longest_edge_px": None,
    }
    assert plain.parts["segmenter"].options["boxes_at_once"] == 32
    assert ComposedRegions.resolved(plain) == plain


def test_the_documented_profile_is_sound() -> None:
    text = (Path(__file__).parents[2] / "docs" / "regions.md").read_text()
    profile = yaml.safe_load(text.split("```yaml")[1].split("```")[0])
    resolved = ComposedRegions.resolved(ExpertSpec.model_validate(profile["context"]))
    assert len(resolved.options["vocabulary"]) == len(named_list("household"))
    assert f"{len(named_list('household'))} things" in text


def test_parts_are_loaded_from_folders(tmp_path: Path, parts: dict[str, ExpertSpec]) -> None:
    missing = composed(parts)
    missing.parts["segmenter"] = ExpertSpec(family="sam", model=str(tmp_path))
    with pytest.raises(Exception, match="holds no sam model"):
        loaded(missing)
