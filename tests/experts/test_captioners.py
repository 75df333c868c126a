"""Captions, lists and similarities are those that transformers gives for the same crops."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    BlipForConditionalGeneration,
    BlipProcessor,
    CLIPModel,
    CLIPProcessor,
    Florence2ForConditionalGeneration,
    Florence2Processor,
)

from tests.experts import small_captioners
from tests.experts.awkward_images import SHAPES, image_row, upright
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.experts.loading import ModelUnavailable
from udfs.experts.regions import RegionView


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    builders = ("florence2", "blip", "clip", "llava")
    return {name: getattr(small_captioners, name)(tmp_path_factory.mktemp(name)) for name in builders}


def loaded(slot: str, family: str, folder: str, **options: Any):
    spec = ExpertSpec(family=family, model=folder, options=options)
    part = expert_class(slot, spec)(spec)
    part.load("cpu")
    return part


def views() -> list[RegionView]:
    """Return a view per shape, of a box in its middle, and the box that its crop of no margin takes."""
    found = []
    for name in SHAPES:
        image = upright(image_row(name))
        found.append(
            RegionView(image, (0.25 * image.width, 0.25 * image.height, 0.8 * image.width, 0.7 * image.height))
        )
    return found


def test_a_crop_holds_the_box_and_its_margin() -> None:
    image = upright(image_row("odd"))
    for box, margin, expected in [
        ((10.5, 10.2, 20.1, 20.9), 0.0, (10, 10, 21, 21)),
        ((10.0, 10.0, 20.0, 30.0), 0.1, (9, 8, 21, 32)),
        ((-4.0, 0.0, 500.0, 43.0), 0.5, (0, 0, 67, 43)),
        ((66.9, 42.9, 67.0, 43.0), 0.0, (66, 42, 67, 43)),
        ((67.0, 43.0, 67.0, 43.0), 0.0, (66, 42, 67, 43)),
    ]:
        assert RegionView(image, box).crop(margin).tobytes() == image.crop(expected).tobytes()


def test_blip_captions(folders: dict[str, str]) -> None:
    processor = BlipProcessor.from_pretrained(folders["blip"])
    model = BlipForConditionalGeneration.from_pretrained(folders["blip"]).eval()
    captions = loaded("captioner", "blip", folders["blip"], max_new_tokens=8, batch_size=4).caption(views())
    for view, (short, long) in zip(views(), captions, strict=True):
        inputs = processor(images=view.crop(0.1), return_tensors="pt")
        tokens = model.generate(**inputs, do_sample=False, max_new_tokens=8)
        assert short == long == processor.decode(tokens[0], skip_special_tokens=True).strip()
    assert len(set(captions)) > 1


def test_florence_captions(folders: dict[str, str]) -> None:
    processor = Florence2Processor.from_pretrained(folders["florence2"])
    model = Florence2ForConditionalGeneration.from_pretrained(folders["florence2"]).eval()
    captions = loaded("captioner", "florence2", folders["florence2"], max_new_tokens=8).caption(views())

    def said(image: Any, prompt: str) -> str:
        inputs = processor(images=image, text=prompt, return_tensors="pt")
        tokens = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=8)
        return processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()

    for view, (short, long) in zip(views(), captions, strict=True):
        # of 1000 bins to a side, as Florence-2 was trained
        bins = [int(1000 * x / view.image.size[i % 2]) for i, x in enumerate(view.box_px)]
        box = "".join(f"<loc_{one}>" for one in bins)
        assert short == said(view.image, f"<REGION_TO_DESCRIPTION>{box}")
        assert long == said(view.crop(0.1), "<DETAILED_CAPTION>")
    assert len(set(captions)) > 1


def chat_answer(folder: str, image: Any, question: str) -> str:
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForImageTextToText.from_pretrained(folder).eval()
    inputs = processor(images=image, text=f"<image>{question} :", return_tensors="pt")
    tokens = model.generate(**inputs, do_sample=False, max_new_tokens=8)
    return processor.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()


def test_chat_models_answer_about_each_crop(folders: dict[str, str]) -> None:
    options = {"short_question": "Name object", "long_question": "Describe the object", "max_new_tokens": 8}
    captioner = loaded("captioner", "image_text", folders["llava"], **options)
    captions = captioner.caption(views())
    for view, (short, long) in zip(views(), captions, strict=True):
        assert short == chat_answer(folders["llava"], view.crop(0.1), "Name object")
        assert long == chat_answer(folders["llava"], view.crop(0.1), "Describe the object")
    assert len({short for short, _ in captions}) > 1


def test_chat_models_list_objects(folders: dict[str, str]) -> None:
    tagger = loaded("tagger", "image_text", folders["llava"], question="List objects", max_new_tokens=8)
    images = [view.image for view in views()]
    assert tagger.tag(images) == [chat_answer(folders["llava"], image, "List objects") for image in images]


def test_a_model_without_a_chat_format_captions_but_does_not_list(folders: dict[str, str]) -> None:
    blip = loaded("captioner", "blip", folders["blip"], max_new_tokens=8).caption(views())
    assert loaded("captioner", "image_text", folders["blip"], max_new_tokens=8).caption(views()) == blip
    with pytest.raises(ModelUnavailable, match="chat template"):
        loaded("tagger", "image_text", folders["blip"])


def test_similarities_are_cosines_of_clip(folders: dict[str, str]) -> None:
    texts = [
        "red mug",
        "blue mug",
        "a very long caption of a table lamp with a wooden foot and a shade",
        "mug",
        "x",
        "y",
    ]
    processor, model = CLIPProcessor.from_pretrained(folders["clip"]), CLIPModel.from_pretrained(folders["clip"]).eval()
    crops = [view.crop(0.1) for view in views()]
    with torch.no_grad():
        output = model(**processor(text=texts, images=crops, padding=True, truncation=True, return_tensors="pt"))
    by_text, by_look = ((one @ one.T).numpy() for one in (output.text_embeds, output.image_embeds))
    embedder = loaded("embedder", "clip_embedder", folders["clip"])
    np.testing.assert_allclose(embedder.similarities(texts, views()), by_text, atol=1e-5)
    embedder = loaded("embedder", "clip_embedder", folders["clip"], crops=True, batch_size=2)
    np.testing.assert_allclose(embedder.similarities(texts, views()), np.maximum(by_text, by_look), atol=1e-5)


@pytest.mark.parametrize(("family", "name"), [("blip", "blip"), ("florence2", "florence2"), ("image_text", "llava")])
def test_captioners_run_in_half_precision(folders: dict[str, str], family: str, name: str) -> None:
    captioner = loaded("captioner", family, folders[name], max_new_tokens=4)
    captioner.model.half()
    assert len(captioner.caption(views())) == len(SHAPES)


def test_an_unknown_option_is_an_error(folders: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="margin"):
        loaded("captioner", "blip", folders["blip"], margin=0.2)
