"""Models joined, loaded, frozen, adapted and asked."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    CLIPImageProcessor,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutput

from tests.model.losses import batch_of, losses, opened
from tests.model.tiny import image, mixed_examples, settings_of, write_decoder, write_encoder
from vlm.errors import ModelUnavailable, ModelUnsuited
from vlm.examples import Turn
from vlm.model.answer_loss import AnswerLoss
from vlm.model.families import FAMILIES, part
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel, load_model, pretrained
from vlm.model.tiny import CHATML
from vlm.model.tuning import merged, open_model


def loss_of(vlm: VisionLanguageModel) -> tuple[torch.Tensor, AnswerLoss]:
    module = AnswerLoss(vlm.model, vlm.family, 2).train()
    batch = batch_of(vlm, mixed_examples())
    return module(batch.inputs, batch.predicts, batch.targets, batch.streams).sum(), module


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_a_joined_model_has_the_weights_of_both(tmp_path: Path, kind: str) -> None:
    vision_encoder, decoder = write_encoder(tmp_path / "t", kind), write_decoder(tmp_path / "d", "qwen2")
    vlm = open_model(settings_of(vision_encoder, decoder))
    own = type(vlm.vision_encoder).from_pretrained(vision_encoder)
    pixels = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(vlm.vision_encoder(pixels).last_hidden_state, own(pixels).last_hidden_state)
    from transformers import AutoModelForCausalLM

    alone = AutoModelForCausalLM.from_pretrained(decoder)
    ids = torch.arange(20)[None]
    torch.testing.assert_close(vlm.model(input_ids=ids).logits[..., : alone.config.vocab_size], alone(ids).logits)
    assert torch.isfinite(losses(vlm, mixed_examples())).all()


def test_a_folder_without_weights_begins_at_random_and_one_with_others_is_refused(
    tmp_path: Path, vision_encoder: str, decoder: str
) -> None:
    bare = shutil.copytree(decoder, tmp_path / "d")
    (bare / "model.safetensors").unlink()
    first, again, other = (open_model(settings_of(vision_encoder, str(bare)), seed) for seed in (1, 1, 2))
    assert torch.equal(losses(first, mixed_examples()), losses(again, mixed_examples()))
    assert not torch.equal(losses(first, mixed_examples()), losses(other, mixed_examples()))
    shutil.copy(Path(vision_encoder) / "model.safetensors", bare)
    with pytest.raises(ModelUnavailable, match=r"lack \d+ parameters of a llama"):
        open_model(settings_of(vision_encoder, str(bare)))
    with pytest.raises(ModelUnavailable, match="nowhere"):
        open_model(settings_of(vision_encoder, str(tmp_path / "nowhere")))


def test_a_saved_model_is_asked_as_it_was_taught(tmp_path: Path, vision_encoder: str, chat_decoder: str) -> None:
    vlm = opened(vision_encoder, chat_decoder, independent_turns=True, bidirectional_image=True)
    vlm.save(tmp_path / "m")
    again = load_model(str(tmp_path / "m"))
    assert again.sequence == vlm.sequence
    assert json.loads((tmp_path / "m" / "config.json").read_text())["spatiallake"]["bidirectional_image"]
    assert torch.equal(losses(again, mixed_examples()), losses(vlm, mixed_examples()))
    asked = ([image(1), None, image(2)], ["Where is it now?", "Who?", "Is it?"])
    assert answers(again, *asked, 8) == answers(vlm, *asked, 8)


@pytest.mark.parametrize("both_ways", [False, True])
def test_greedy_answers_are_the_likeliest_tokens_of_the_model(
    vision_encoder: str, chat_decoder: str, both_ways: bool
) -> None:
    vlm = opened(vision_encoder, chat_decoder, bidirectional_image=both_ways)
    asked = {"Where?": image(1), "Is the thing there red?": image(2), "Who are you?": None}
    told = answers(vlm, list(asked.values()), list(asked), 6)
    ends = [vlm.processor.tokenizer.convert_tokens_to_ids(token) for token in ("</s>", "<|im_end|>")]
    for (question, shown), said in zip(asked.items(), told, strict=True):
        example = mixed_examples()[0]._replace(turns=(Turn(question, ""),), image=shown)
        inputs = batch_of(vlm, [example]).inputs
        # The last three tokens are the empty answer's end.
        length = inputs["input_ids"].shape[1] - 2
        found: list[int] = []
        for _ in range(6):
            ids = torch.cat([inputs["input_ids"][:, :length], torch.tensor([found], dtype=torch.long)], 1)
            mask = torch.ones(1, 1, ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
            seen = ids[0] == vlm.processor.image_token_id
            if both_ways:
                mask |= seen[:, None] & seen[None, :]
            shown_inputs = {name: value for name, value in inputs.items() if name == "pixel_values"}
            next_id = int(vlm.model(input_ids=ids, attention_mask=mask, **shown_inputs).logits[0, -1].argmax())
            if next_id in ends:
                break
            found.append(next_id)
        assert said == vlm.processor.tokenizer.decode(found, skip_special_tokens=True).strip()


def test_a_frozen_vision_encoder_learns_nothing_and_stays_in_evaluation_mode(vision_encoder: str, decoder: str) -> None:
    vlm = opened(vision_encoder, decoder)
    loss, module = loss_of(vlm)
    loss.backward()
    assert (module.training, vlm.vision_encoder.training, vlm.decoder.training) == (True, False, True)
    assert all(weight.grad is None for weight in vlm.vision_encoder.parameters())
    assert all(weight.grad is not None for weight in (*vlm.projector.parameters(), *vlm.decoder.parameters()))
    free = opened(vision_encoder, decoder, freeze_vision_encoder=False, freeze_decoder=True)
    loss_of(free)[0].backward()
    assert any(weight.grad is not None for weight in free.vision_encoder.parameters())
    assert all(weight.grad is None for weight in free.decoder.parameters())
    # A batch without images has gradients of the same weights, as processes that average them need.
    texts = opened(vision_encoder, decoder, freeze_vision_encoder=False)
    batch = batch_of(texts, mixed_examples()[2:3])
    AnswerLoss(texts.model, texts.family, 2)(
        batch.inputs, batch.predicts, batch.targets, batch.streams
    ).sum().backward()
    assert all(
        weight.grad is not None for weight in (*texts.vision_encoder.parameters(), *texts.projector.parameters())
    )


def test_gradient_checkpointing_changes_no_gradient(vision_encoder: str, decoder: str) -> None:
    found = []
    for saving in (False, True):
        vlm = opened(
            vision_encoder, decoder, gradient_checkpointing=saving, independent_turns=True, freeze_vision_encoder=False
        )
        loss_of(vlm)[0].backward()
        found.append({name: w.grad for name, w in vlm.model.named_parameters() if w.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient)


def test_adapters_and_the_projector_learn_and_are_merged(tmp_path: Path, vision_encoder: str, decoder: str) -> None:
    vlm = opened(vision_encoder, decoder, lora={"rank": 2, "alpha": 4, "targets": ["q_proj", "down_proj"]})
    learns = {name for name, weight in vlm.model.named_parameters() if weight.requires_grad}
    assert all("lora_" in name or "multi_modal_projector" in name for name in learns)
    assert sum("lora_" in name for name in learns) == 2 * 2 * 2
    optimizer = torch.optim.SGD([w for w in vlm.model.parameters() if w.requires_grad], lr=0.1)
    for _ in range(2):
        loss_of(vlm)[0].backward()
        optimizer.step()
    before, base = losses(vlm, mixed_examples()), losses(opened(vision_encoder, decoder), mixed_examples())
    assert not torch.allclose(before, base)
    merged(vlm).save(tmp_path / "m")
    torch.testing.assert_close(losses(load_model(str(tmp_path / "m")), mixed_examples()), before, rtol=1e-4, atol=1e-4)
    with pytest.raises(ModelUnsuited, match="no linear layer named query"):
        opened(vision_encoder, decoder, lora={"targets": ["query"]})


# Whose default configuration does not fit itself.
CHANGES = {"aya_vision": {"vision_config": {"model_type": "siglip_vision_model", "num_attention_heads": 16}}}


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_every_family_has_its_parts_where_they_are_said_to_be(model_type: str) -> None:
    family = FAMILIES[model_type]
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(AutoConfig.for_model(model_type, **CHANGES.get(model_type, {})))
    parts = [part(model, name) for name in (family.vision_encoder, family.projector, family.decoder)]
    assert all(sum(weight.numel() for weight in own.parameters()) for own in parts)
    assert isinstance(parts[2].get_input_embeddings(), nn.Embedding)
    assert parts[2] is not parts[0]


class ColumnsConfig(PretrainedConfig):
    model_type = "columns"
    hidden_size = 12
    patch_size = 16


class Columns(PreTrainedModel):
    """A vision encoder of one's own: a strided convolution."""

    config_class = ColumnsConfig
    main_input_name = "pixel_values"
    _supports_sdpa = True

    def __init__(self, config: ColumnsConfig) -> None:
        super().__init__(config)
        self.seeing = nn.Conv2d(3, 12, 16, 16)
        self.post_init()

    def forward(self, pixel_values: torch.Tensor, **_: object) -> BaseModelOutput:
        tokens = self.seeing(pixel_values).flatten(2).transpose(1, 2)
        return BaseModelOutput(last_hidden_state=tokens, hidden_states=(tokens,))


def test_a_vision_encoder_of_ones_own_is_joined_saved_and_loaded(tmp_path: Path, decoder: str) -> None:
    AutoConfig.register(ColumnsConfig.model_type, ColumnsConfig, exist_ok=True)
    AutoModel.register(ColumnsConfig, Columns, exist_ok=True)
    torch.manual_seed(0)
    Columns(ColumnsConfig()).save_pretrained(tmp_path / "t")
    CLIPImageProcessor(size={"height": 32, "width": 48}, do_center_crop=False).save_pretrained(tmp_path / "t")
    vlm = open_model(settings_of(str(tmp_path / "t"), decoder, independent_turns=True, freeze_vision_encoder=False))
    batch = batch_of(vlm, mixed_examples()[:1])
    assert int((batch.inputs["input_ids"] == vlm.processor.image_token_id).sum()) == 6
    loss_of(vlm)[0].backward()
    assert vlm.vision_encoder.seeing.weight.grad is not None
    vlm.save(tmp_path / "m")
    assert torch.equal(losses(load_model(str(tmp_path / "m")), mixed_examples()), losses(vlm, mixed_examples()))


def test_a_chat_template_of_the_decoder_is_taken_over(vision_encoder: str, chat_decoder: str) -> None:
    assert opened(vision_encoder, chat_decoder).processor.chat_template == CHATML


def test_a_package_that_a_model_needs_is_to_be_installed_and_no_folder_to_be_saved(tmp_path: Path) -> None:
    def load(place: str, revision: str | None) -> None:
        raise ImportError("Package `x` is required to run the processor. Install it.\nMore")

    with pytest.raises(ModelUnavailable, match=r"by load \(Package `x` .* Install it\); install that package, or"):
        pretrained(load, str(tmp_path))
