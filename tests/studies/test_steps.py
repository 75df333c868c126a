"""What a study begins with, and that it goes on where it was with the same settings alone."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import inspect
import json
from pathlib import Path

import pytest
import torch

from jobs.engine.errors import UsageError
from studies.claims import data
from studies.claims.grow import write_grown
from studies.claims.runs import trained
from studies.claims.start import fitted_tokenizer, start_with_names, write_decoder
from studies.claims.steps import run
from studies.claims.study import SMOKE, Marks, Sizes, Study
from tests.model.tiny import settings_of, write_encoder
from tests.studies.encoders import write_small_encoder
from vlm.model.loading import load_model
from vlm.model.tuning import open_model

TEXTS = [f"USER: How far is the chair, {n} cm?\nASSISTANT: Column {n % 16}, row {n % 12}.\n" for n in range(100, 400)]


def test_a_step_is_done_once_and_with_one_set_of_settings(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    assert not marks.done("rooms", {"count": 60})
    marks.begin("rooms", {"count": 60})
    assert not marks.done("rooms", {"count": 60})
    with pytest.raises(UsageError, match=r"rooms .* started with count = 60, now it is 70"):
        marks.done("rooms", {"count": 70})
    marks.finish("rooms", {"count": 60})
    assert Marks(tmp_path).done("rooms", {"count": 60})


def test_other_sizes_and_names_that_are_none_are_told_before_anything_is_done(tmp_path: Path) -> None:
    study = Study(work=tmp_path, sizes=SMOKE, seeds=1, only=("none",))
    name, settings, _ = next(data.steps(study))
    Marks(tmp_path).finish(name, settings)
    larger = study.model_copy(update={"sizes": SMOKE.model_copy(update={"images": 61})})
    with pytest.raises(UsageError, match="count = 60, now it is 61"):
        run(larger, write=lambda folder, _: None)
    with pytest.raises(UsageError, match="no step 'bases'; the steps are data, general, items"):
        run(study, write=lambda folder, _: None, until="bases")
    with pytest.raises(UsageError, match="no condition 'frozen'; the conditions are none, spatial"):
        run(Study(work=tmp_path, only=("frozen",)), write=lambda folder, _: None)
    with pytest.raises(UsageError, match="no condition 'frozen'"):
        trained(Study(work=tmp_path, only=("frozen",)))


def test_every_step_of_the_data_takes_a_session(tmp_path: Path) -> None:
    made = list(data.steps(Study(work=tmp_path, only=("noise_0.2", "builtin"))))
    for name, _, do in made:
        bound = inspect.signature(do).bind("session").arguments
        assert "session" in bound and bound["session"] == "session", name


def test_arms_ask_for_the_lakes_that_they_learn_from(tmp_path: Path) -> None:
    def names(*only: str) -> list[str]:
        return [name for name, _, _ in data.steps(Study(work=tmp_path, only=only))]

    assert names("none") == ["rooms-sensor", "rooms-held_out", "lake-sensor", "lake-held_out"]
    assert names("noise_0.2", "builtin")[4:] == ["lake-builtin", "lake-sensor-0.2"]
    assert names("long") == names("none")
    assert "long" not in Study(work=tmp_path).conditions
    recipes = {noise_m: data.examples_recipe(Study(work=tmp_path), "sensor", noise_m) for noise_m in (0.0, 0.1, 0.2)}
    assert len(set(recipes.values())) == 3


def test_built_in_experts_are_shown_images_alone(tmp_path: Path) -> None:
    study = Study(work=tmp_path, sizes=SMOKE.model_copy(update={"few": 2}))
    row = {"image": "i/0.jpg", "crawl_id": "c", "licence": "CC0-1.0", "depth": "d/0.png", "instances": "n/0.png"}
    study.crawl("sensor").mkdir(parents=True)
    lines = [json.dumps({**row, "camera": {"fx": n}, "gravity": [0, 1, 0]}) for n in range(3)]
    (study.crawl("sensor") / "manifest.jsonl").write_text("\n".join(lines))
    for name in ("few", "builtin"):
        data.write_few(study, name)
    few, alone = (
        [json.loads(line) for line in (study.crawl(name) / "manifest.jsonl").read_text().splitlines()]
        for name in ("few", "builtin")
    )
    assert [one["camera"]["fx"] for one in few] == [0, 1]
    assert few[0]["depth"] == str(study.crawl("sensor") / "d/0.png")
    assert [one.keys() for one in alone] == [{"image", "crawl_id", "licence"}] * 2


def test_every_digit_is_a_token_and_texts_come_back() -> None:
    tokenizer = fitted_tokenizer(TEXTS)
    assert len(tokenizer) <= 2048
    said = "Column 12, row 307: é."
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(said, add_special_tokens=False)["input_ids"])
    assert [token.lstrip("Ġ") for token in tokens if any(sign.isdigit() for sign in token)] == list("12307")
    assert "Ġ" not in tokens[: tokens.index("7")]
    assert tokenizer.decode(tokenizer(said)["input_ids"]) == said


def test_the_decoder_joins_a_vision_encoder_with_its_words_and_embeddings_as_they_are(tmp_path: Path) -> None:
    write_decoder(tmp_path / "decoder", TEXTS, SMOKE)
    vlm = open_model(
        settings_of(write_encoder(tmp_path / "vision_encoder"), str(tmp_path / "decoder"), independent_turns=True)
    )
    embeddings = vlm.model.get_input_embeddings().weight
    assert embeddings.shape == (len(fitted_tokenizer(TEXTS)), SMOKE.hidden)
    assert vlm.model.get_output_embeddings().weight is embeddings
    # Every word has its own part, of deviation 0.04, and half as much that all of them share.
    own = embeddings.detach() - embeddings.detach().mean(0)
    assert float(own.std()) == pytest.approx(0.04, rel=0.05)
    assert float(embeddings.detach().std()) == pytest.approx(0.04 * 1.25**0.5, rel=0.05)


def test_a_model_with_more_layers_says_what_it_said(tmp_path: Path) -> None:
    write_decoder(tmp_path / "decoder", TEXTS, SMOKE)
    settings = settings_of(
        write_encoder(tmp_path / "vision_encoder"), str(tmp_path / "decoder"), independent_turns=True
    )
    open_model(settings).save(tmp_path / "small")
    write_grown(tmp_path / "large", tmp_path / "small", SMOKE.layers + 2)
    small, large = (load_model(str(tmp_path / name)) for name in ("small", "large"))
    assert len(large.decoder.layers) == len(small.decoder.layers) + 2
    assert large.sequence == small.sequence
    said = {"input_ids": torch.arange(4, 40)[None], "attention_mask": torch.ones(1, 36)}
    assert torch.equal(large.model(**said).logits, small.model(**said).logits)
    large.model(**said).logits.logsumexp(-1).sum().backward()
    assert float(large.decoder.layers[-1].mlp.down_proj.weight.grad.abs().max()) > 0
    with pytest.raises(UsageError, match="has 4 layers, more than 3"):
        write_grown(tmp_path / "less", tmp_path / "large", 3)


def test_a_name_begins_by_being_looked_for_among_the_objects_of_the_image(tmp_path: Path) -> None:
    texts = [f"USER: The {name} and the {name}.\nASSISTANT: {name} 4, {name} 2\n" for name in ("chair", "table")]
    write_decoder(tmp_path / "decoder", texts, Sizes())
    vlm = open_model(settings_of(write_small_encoder(tmp_path), str(tmp_path / "decoder"), independent_turns=True))
    start_with_names(vlm)
    model, seeing = vlm.model, vlm.model.config.vision_config
    place = {name: feature for feature, name in seeing.named_features.items()}
    shown = torch.zeros(1, 2, seeing.hidden_size)
    for token, name in enumerate(("chair", "table")):
        shown[0, token, place[name]], shown[0, token, seeing.object_feature] = 0.3, 1.0
    for name, own in (("chair", 0), ("table", 1)):
        said = vlm.processor.tokenizer(f" The {name}", return_tensors="pt", add_special_tokens=False)["input_ids"]
        assert vlm.processor.tokenizer.decode(said[0, -1]) == f" {name}"
        seen = torch.cat([model.model.multi_modal_projector(shown), model.get_input_embeddings()(said)], 1)
        model.model.language_model.set_attn_implementation("eager")
        with torch.no_grad():
            weights = model.model.language_model(inputs_embeds=seen, output_attentions=True).attentions[0]
        looked = weights[0, :, -1, :2].mean(0)
        assert looked[own] > 4 * looked[1 - own]
        assert looked[own] > 0.1
