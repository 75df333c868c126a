"""Boxes, scores and names are those that transformers' own processors and post-processing give."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    GroundingDinoForObjectDetection,
    GroundingDinoProcessor,
)

from tests.experts import small_detectors
from tests.experts.awkward_images import SHAPES, image_row, upright
from tests.experts.references import owlv2_reference
from udfs.experts.expert import ExpertSpec, expert_class

NAMES = ("mug", "chair", "table lamp")


@pytest.fixture(scope="module")
def owlv2(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_detectors.owlv2(tmp_path_factory.mktemp("owlv2"))


@pytest.fixture(scope="module")
def grounding_dino(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_detectors.grounding_dino(tmp_path_factory.mktemp("grounding_dino"))


def loaded(family: str, folder: str, **options: object):
    spec = ExpertSpec(family=family, model=folder, options=options)
    part = expert_class("detector", spec)(spec)
    part.load("cpu")
    return part


def grounding_dino_reference(folder: str, image, names: tuple[str, ...], least: float):
    processor = GroundingDinoProcessor.from_pretrained(folder)
    model = GroundingDinoForObjectDetection.from_pretrained(folder).eval()
    inputs = processor(images=image, text=". ".join(names) + ".", return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    found = processor.post_process_grounded_object_detection(
        outputs, inputs.input_ids, threshold=least, text_threshold=0.0, target_sizes=[image.size[::-1]]
    )[0]
    # the name whose tokens, of those between two full stops, hold the highest score
    ends = [0, *(torch.nonzero(inputs.input_ids[0] == 1012)[:, 0] + 1).tolist()]
    scores = outputs.logits[0].sigmoid()
    scores = scores[scores.max(dim=-1).values > least]
    by_name = torch.stack([scores[:, a:b].max(dim=-1).values for a, b in pairwise(ends)], dim=-1)
    found["text_labels"] = [names[i] for i in by_name.argmax(dim=-1).tolist()]
    return found


@pytest.mark.parametrize("family", ["owlv2", "grounding_dino"])
def test_boxes_are_those_of_transformers(family: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(family)
    reference = {"owlv2": owlv2_reference, "grounding_dino": grounding_dino_reference}[family]
    detector = loaded(family, folder, min_score=0.3)
    images = [upright(image_row(name)) for name in SHAPES]
    kept = 0
    for image, found in zip(images, detector.detect(images, [NAMES] * len(images)), strict=True):
        expected = reference(folder, image, NAMES, 0.3)
        np.testing.assert_allclose(found.boxes_px, expected["boxes"].numpy(), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(found.scores, expected["scores"].numpy(), rtol=1e-4, atol=1e-5)
        assert list(found.labels) == expected["text_labels"]
        kept += len(found.labels)
    assert kept > len(images)


def test_grounding_dino_on_an_8k_image(grounding_dino: str) -> None:
    image = upright(image_row("huge"))
    found = loaded("grounding_dino", grounding_dino, min_score=0.3).detect([image], [NAMES])[0]
    expected = grounding_dino_reference(grounding_dino, image, NAMES, 0.3)
    np.testing.assert_allclose(found.boxes_px, expected["boxes"].numpy(), rtol=1e-4, atol=0.5)
    assert found.boxes_px[:, 2].max() > 1000


def test_owlv2_on_an_8k_image_that_is_shrunk_first(owlv2: str) -> None:
    image = upright(image_row("huge"))
    found = loaded("owlv2", owlv2, min_score=0.0, longest_edge_px=128).detect([image], [NAMES])[0]
    small = image.copy()
    small.thumbnail((128, 128))
    expected = owlv2_reference(owlv2, small, NAMES, 0.0)
    np.testing.assert_allclose(found.boxes_px, 60 * expected["boxes"].numpy(), rtol=1e-4, atol=0.1)
    assert found.boxes_px.max() > 1000


@pytest.mark.parametrize("family", ["owlv2", "grounding_dino"])
def test_each_image_has_its_own_vocabulary(family: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(family)
    detector = loaded(family, folder, min_score=0.0)
    images = [upright(image_row(name)) for name in ("odd", "portrait", "odd")]
    vocabularies = [("mug",), ("chair", "lamp"), ("mug",)]
    together = detector.detect(images, vocabularies)
    assert set(together[0].labels) == {"mug"}
    assert set(together[1].labels) <= {"chair", "lamp"}
    np.testing.assert_array_equal(together[0].boxes_px, together[2].boxes_px)
    alone = detector.detect(images[1:2], vocabularies[1:2])[0]
    np.testing.assert_allclose(together[1].boxes_px, alone.boxes_px, rtol=1e-5, atol=1e-4)


def test_a_vocabulary_longer_than_the_prompt_is_asked_in_parts(tmp_path: Path) -> None:
    folder = small_detectors.grounding_dino(tmp_path, max_text_len=16)
    detector = loaded("grounding_dino", folder, min_score=0.0)
    image = upright(image_row("odd"))
    names = ("mug", "chair", "table lamp", "laptop", "cup")
    found = detector.detect([image], [names])[0]
    parts = [detector.detect([image], [some])[0] for some in (names[:2], names[2:3], names[3:])]
    np.testing.assert_allclose(found.boxes_px, np.concatenate([part.boxes_px for part in parts]), rtol=1e-5)
    assert found.labels == tuple(label for part in parts for label in part.labels)


@pytest.mark.parametrize("family", ["owlv2", "grounding_dino"])
def test_half_precision_finds_nearly_the_same(family: str, request: pytest.FixtureRequest) -> None:
    detector = loaded(family, request.getfixturevalue(family), min_score=0.0)
    image = upright(image_row("odd"))
    single = detector.detect([image], [NAMES])[0]
    detector.model.half()
    half = detector.detect([image], [NAMES])[0]
    assert half.boxes_px.shape == single.boxes_px.shape
    assert np.median(np.abs(half.boxes_px - single.boxes_px)) < 1.0


@pytest.mark.parametrize("family", ["owlv2", "grounding_dino"])
def test_nan_is_an_error(family: str, request: pytest.FixtureRequest) -> None:
    detector = loaded(family, request.getfixturevalue(family))
    with torch.no_grad():
        for parameter in detector.model.parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        detector.detect([upright(image_row("odd"))], [NAMES])
