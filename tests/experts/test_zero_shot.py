"""CLIP and SigLIP filters against transformers' own zero-shot pipeline and models."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoProcessor, pipeline

from schemas.reasons import Reason
from tests.experts.image_rows import image_row, named, upright
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.pinning import pinned
from udfs.experts.vocabularies import LabelSet, label_set
from udfs.stages.rows import RowRejected

LABELS = {"wanted": {"room": ["a room"], "street": ["the street"]}, "unwanted": {"text": ["a page of text"]}}
PROMPTS = ["a room", "the street", "a page of text"]
NAMES = ["odd", "portrait", "one pixel wide", "one pixel high", "one pixel", "grey", "palette", "jpeg", "8k"]


def filter_of(models: Path, family: str, **options: Any) -> Any:
    spec = ExpertSpec(family=family, model=str(models / family), options={"labels": LABELS, **options})
    return loaded_expert("filter", spec)


def expected(models: Path, family: str, rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    classify = pipeline("zero-shot-image-classification", model=str(models / family))
    answers = [classify(upright(row), PROMPTS, hypothesis_template="{}") for row in rows]
    names = dict(zip(PROMPTS, ("room", "street", "text"), strict=True))
    return [{names[one["label"]]: one["score"] for one in answer} for answer in answers]


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_every_label_scores_as_in_transformers(models: Path, family: str) -> None:
    rows = [named(name) for name in NAMES] + [image_row(45, 31, seed, orientation=6) for seed in range(3)]
    scores = [done["scores"] for done in filter_of(models, family, batch_size=4).predict(rows)]
    for score, wanted in zip(scores, expected(models, family, rows), strict=True):
        assert {name: score[name] for name in wanted} == pytest.approx(wanted, abs=1e-6)
        both = score["room"] + score["street"]
        spatial = both if family == "clip" else both / (both + score["text"])
        assert score["spatial"] == pytest.approx(spatial, rel=1e-4)
    assert len({round(score["spatial"], 7) for score in scores}) > 6, "the model tells the images apart"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_seen_upright(models: Path, orientation: int) -> None:
    taken = image_row(45, 31, orientation=orientation)
    (done,) = filter_of(models, "clip").predict([taken])
    (wanted,) = expected(models, "clip", [taken])
    assert {name: done["scores"][name] for name in wanted} == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_several_prompts_of_a_label_are_averaged_as_embeddings(models: Path, family: str) -> None:
    labels = {"wanted": {"room": ["a room", "the inside of a kitchen"]}, "unwanted": {"text": ["a page of text"]}}
    taken = image_row(45, 31)
    (done,) = filter_of(models, family, labels=labels).predict([taken])
    model, processor = (auto.from_pretrained(models / family) for auto in (AutoModel, AutoProcessor))
    padding: Any = "max_length" if family == "siglip" else True
    texts = [*labels["wanted"]["room"], *labels["unwanted"]["text"]]
    inputs = processor(text=texts, images=upright(taken), return_tensors="pt", padding=padding)
    with torch.no_grad():
        out = model(**inputs)
    room = out.text_embeds[:2].mean(0)
    embeddings = torch.stack([room / room.norm(), out.text_embeds[2]])
    logits = (out.image_embeds @ embeddings.T)[0] * model.logit_scale.exp()
    scores = (logits + model.logit_bias).sigmoid() if family == "siglip" else logits.softmax(-1)
    assert [done["scores"]["room"], done["scores"]["text"]] == pytest.approx(scores.tolist(), abs=1e-6)


def test_sigmoids_that_all_vanish_still_share_out(models: Path) -> None:
    expert = filter_of(models, "siglip")
    logits = torch.tensor([[-200.0, -201.0, -202.0]]) - expert.model.logit_bias.detach()
    with torch.no_grad():
        scores, spatial = expert.scores(logits, 2)
    assert scores.max() < 1e-40
    shares = torch.tensor([0.0, -1.0, -2.0]).softmax(0)
    assert float(spatial[0]) == pytest.approx(float(shares[:2].sum()), rel=1e-4)


def test_a_score_that_is_no_number_rejects_that_image_alone(models: Path) -> None:
    expert = filter_of(models, "clip", batch_size=3)
    rows = [image_row(45, 31, seed) for seed in range(3)]
    prepared = [expert.prepared(row) for row in rows]
    prepared[1].inputs["pixel_values"].fill_(float("nan"))
    results = expert.predict_prepared(prepared)
    assert [isinstance(one, RowRejected) for one in results] == [False, True, False]
    assert results[1].reason == Reason.MODEL_OUTPUT_INVALID


def test_the_recipe_holds_the_labels_themselves(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text("wanted: {room: [a room]}\nunwanted: {text: [a page]}\n")
    spec = ExpertSpec(family="clip", model=str(models / "clip"), options={"labels": str(file)})
    before = pinned("filter", spec)
    assert before.options["labels"] == {"wanted": {"room": ["a room"]}, "unwanted": {"text": ["a page"]}}
    file.write_text("wanted: {room: [a large room]}\nunwanted: {text: [a page]}\n")
    assert pinned("filter", spec).for_recipe() != before.for_recipe()
    packaged = pinned("filter", spec.model_copy(update={"options": {}})).options["labels"]
    assert {"indoor_scene", "outdoor_scene"} == set(packaged["wanted"])
    assert {"close_up", "product_on_white", "painting", "collage", "screenshot", "document"} <= set(
        packaged["unwanted"]
    )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("nowhere.yaml", r"no label set 'nowhere.yaml'.*indoor"),
        ({"wanted": {"a": ["a"]}, "unwanted": {"a": ["b"]}}, "label 'a' is already taken"),
        ({"wanted": {"spatial": ["a"]}, "unwanted": {"b": ["b"]}}, "label 'spatial' is already taken"),
        ({"wanted": {"a": []}, "unwanted": {"b": ["b"]}}, "'a' has no prompt"),
        ({"wanted": {}, "unwanted": {"b": ["b"]}}, "holds no label"),
    ],
)
def test_a_bad_label_set_is_named(labels: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LabelSet.model_validate(label_set(labels))
