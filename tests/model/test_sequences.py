"""Which tokens are learned, what each may see, and what is cut; held against what one sees by reading."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.losses import STREAMS, batch_of, losses, opened
from tests.model.tiny import example, mixed_examples
from vlm.errors import ModelUnsuited, PromptUnusable, SequenceTooLong
from vlm.examples import Turn
from vlm.model.answer_loss import AnswerLoss
from vlm.model.attention import attention_mask
from vlm.model.collate import Collator, TokenBatch
from vlm.model.families import FAMILIES
from vlm.model.loading import VisionLanguageModel
from vlm.model.prompts import Prompts


def learned(vlm: VisionLanguageModel, batch: TokenBatch) -> str:
    return vlm.processor.tokenizer.decode(batch.targets, skip_special_tokens=False)


@pytest.mark.parametrize("independent", [False, True])
def test_answers_and_the_end_of_each_are_learned_and_nothing_else(
    vision_encoder: str, decoder: str, independent: bool
) -> None:
    vlm = opened(vision_encoder, decoder, independent_turns=independent)
    batch = batch_of(vlm, mixed_examples())
    assert learned(vlm, batch) == (
        " 2 m</s> No, it is 2 m.</s> Yes</s> There</s> A model</s> Yes</s> é ü 5 m</s> Nothing</s>"
    )
    general = vlm.processor.tokenizer.decode(batch.targets[batch.streams == 1])
    assert general == " A model</s> Yes</s>"
    before = batch.inputs["input_ids"][batch.predicts]
    after = batch.inputs["input_ids"].roll(-1, 1)[batch.predicts]
    assert torch.equal(after, batch.targets)
    assert vlm.processor.tokenizer.decode(before[:5]) == ": 2 m"


def test_a_chat_template_ends_turns_with_its_own_sign(vision_encoder: str, chat_decoder: str) -> None:
    vlm = opened(vision_encoder, chat_decoder)
    batch = batch_of(vlm, mixed_examples()[:2])
    assert learned(vlm, batch) == "2 m<|im_end|>No, it is 2 m.<|im_end|>Yes<|im_end|>There<|im_end|>"
    plain = opened(vision_encoder, chat_decoder, template="plain")
    assert learned(plain, batch_of(plain, mixed_examples()[1:2])) == " There</s>"


# How a template writes a user, an assistant before an answer, after it, and where it asks for one.
WRITINGS = [
    ("user: ", "assistant: ", " ", "assistant: "),
    ("USER: ", "ASSISTANT: ", " ", "ASSISTANT:"),
    ("<|im_start|>user \n", "<|im_start|>assistant \n", "<|im_end|>", "<|im_start|>assistant\n"),
    ("user:", "assistant:", "<|im_end|>\n", "assistant: \n"),
    ("[INST]", "[/INST]", "", "[/INST] "),
    ("[INST]", "[/INST] ", "{% if not loop.last %} </s>{% endif %}", "[/INST]"),
    ("user: ", "assistant: ", "</s>\n", "assistant: "),
]


def template(user: str, assistant: str, after: str, asks: str) -> str:
    text = "{{ m['content'][-1]['text'] }}"
    return (
        f"{{% for m in messages %}}{{% if m['role'] == 'user' %}}{user}{text} {{% else %}}{assistant}{text}{after}"
        f"{{% endif %}}{{% endfor %}}{{% if add_generation_prompt %}}{asks}{{% endif %}}"
    )


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("writing", WRITINGS)
def test_every_answer_of_a_template_ends_and_follows_what_asks_for_it(
    vision_encoder: str, decoder: str, writing: tuple[str, str, str, str], independent: bool
) -> None:
    vlm = opened(vision_encoder, decoder, independent_turns=independent)
    vlm.processor.chat_template = template(*writing)
    said = ("2 m", "", "No, it is\n2 m.", "assistant: yes")
    turns = [(f"Question {number}", answer) for number, answer in enumerate(said)]
    batch = batch_of(vlm, [example("a", *turns, seed=None)])
    end = "<|im_end|>" if "im_end" in writing[2] else "</s>"
    # Blocks of turns come in an order of their own.
    order = sorted if independent else list
    assert order(one.strip() for one in learned(vlm, batch).split(end)) == order([*said, ""])
    prompts = Prompts(vlm.processor)
    text = prompts.conversation([Turn(*one) for one in turns], image=False).text
    assert [text.count(f"{answer}{gap}{end}") for answer in said if answer for gap in ("", " ")].count(1) == 3
    for question, answer in turns:
        alone = prompts.conversation([Turn(question, answer)], image=False).text
        asked = prompts.question(question, image=False)
        assert alone.startswith(asked) and alone[len(asked) :].split(end)[0].strip() == answer


@pytest.mark.parametrize("asks", ["thinking: ", "assistant\n", "assistant: <think>"])
def test_a_template_that_asks_otherwise_than_it_answers_is_refused(
    vision_encoder: str, decoder: str, asks: str
) -> None:
    vlm = opened(vision_encoder, decoder)
    vlm.processor.chat_template = template("user: ", "assistant: ", " ", asks)
    with pytest.raises(PromptUnusable, match="template=plain"):
        batch_of(vlm, [example("a", ("Q", "A1"), ("Q", "A2"), seed=None)])


@pytest.mark.parametrize("independent", [False, True])
def test_what_is_too_long_is_cut_between_turns_and_counted(
    vision_encoder: str, decoder: str, independent: bool
) -> None:
    whole = batch_of(opened(vision_encoder, decoder, independent_turns=independent), mixed_examples()[:1])
    most = whole.inputs["input_ids"].shape[1] - 1
    vlm = opened(vision_encoder, decoder, independent_turns=independent, max_tokens=most)
    batch = batch_of(vlm, mixed_examples())
    assert (batch.cut, whole.cut) == (1, 0)
    assert learned(vlm, batch).startswith(" 2 m</s> No, it is 2 m.</s> There</s>")
    assert batch.inputs["input_ids"].shape[1] <= most
    short = opened(vision_encoder, decoder, independent_turns=independent, max_tokens=30)
    none = batch_of(short, mixed_examples()[2:])
    assert (none.cut, len(none.targets)) == (4, 0)
    assert losses(short, mixed_examples()[2:]).tolist() == [0, 0]
    with pytest.raises(SequenceTooLong, match="17 tokens, but a sequence may have 12"):
        batch_of(opened(vision_encoder, decoder, independent_turns=True, max_tokens=12), mixed_examples()[:1])


def test_an_image_that_is_none_teaches_nothing(vision_encoder: str, decoder: str) -> None:
    vlm = opened(vision_encoder, decoder)
    broken = mixed_examples()[1]._replace(image=b"no image")
    batch = batch_of(vlm, [broken, mixed_examples()[3]])
    assert (batch.unreadable, learned(vlm, batch)) == (1, " é ü 5 m</s> Nothing</s>")


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("kind", ["decoder", "chat_decoder"])
def test_packed_examples_do_not_see_each_other(
    vision_encoder: str, kind: str, both_ways: bool, attention: str, request: pytest.FixtureRequest
) -> None:
    options = {"bidirectional_image": both_ways, "attention": attention}
    alone = opened(vision_encoder, request.getfixturevalue(kind), **options)
    packed = opened(vision_encoder, request.getfixturevalue(kind), packing=True, max_tokens=200, **options)
    assert batch_of(packed, mixed_examples()).inputs["input_ids"].shape[0] == 2
    expected = sum(losses(alone, [one]) for one in mixed_examples())
    torch.testing.assert_close(losses(packed, mixed_examples()), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(losses(alone, mixed_examples()), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("both_ways", [False, True])
def test_independent_turns_are_one_turn_examples_that_pay_for_the_image_once(
    vision_encoder: str, decoder: str, both_ways: bool, packing: bool
) -> None:
    ones = [one._replace(turns=(turn,)) for one in mixed_examples() for turn in one.turns]
    alone = opened(vision_encoder, decoder, bidirectional_image=both_ways)
    together = opened(vision_encoder, decoder, bidirectional_image=both_ways, independent_turns=True, packing=packing)
    torch.testing.assert_close(losses(together, mixed_examples()), losses(alone, ones), rtol=1e-5, atol=1e-5)
    assert batch_of(together, mixed_examples()).inputs["pixel_values"].shape[0] == 3
    assert batch_of(alone, ones).inputs["pixel_values"].shape[0] == 6


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_no_answer_can_be_read_off_another_turn(vision_encoder: str, decoder: str, attention: str) -> None:
    def loss(independent: bool, *answers: str) -> float:
        vlm = opened(vision_encoder, decoder, independent_turns=independent, attention=attention)
        turns = [(f"How far is {number}?", answer) for number, answer in enumerate(answers)]
        return float(losses(vlm, [example("a", *turns, seed=1)]).sum())

    def added(independent: bool, first: str) -> float:
        return loss(independent, first, "2 m") - loss(independent, first)

    assert added(True, "2 m") == pytest.approx(added(True, "9 m"), abs=1e-4)
    assert added(False, "2 m") != pytest.approx(added(False, "9 m"), abs=1e-2)


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("kind", ["decoder", "chat_decoder"])
def test_turns_in_blocks_learn_what_turns_in_masked_rows_do(
    vision_encoder: str, kind: str, images: bool, request: pytest.FixtureRequest
) -> None:
    decoder = request.getfixturevalue(kind)
    asked = [("Hm?", "Yes"), ("How far is the tall one?", "It is 2 m"), ("What?", "There it is, I think"), ("Q", "A")]
    examples = [example(str(number), *asked[number:], seed=number if images else None) for number in range(3)]
    found = {}
    for attention in ("sdpa", "eager"):
        vlm = opened(vision_encoder, decoder, independent_turns=True, attention=attention)
        batch, module = batch_of(vlm, examples), AnswerLoss(vlm.model, vlm.family, len(STREAMS))
        assert ("turn_blocks" in batch.inputs) == (attention == "sdpa")
        module(batch.inputs, batch.predicts, batch.targets, batch.streams).sum().backward()
        found[attention] = {name: w.grad for name, w in vlm.model.named_parameters() if w.grad is not None}
    assert found["sdpa"].keys() == found["eager"].keys()
    for name, gradient in found["sdpa"].items():
        torch.testing.assert_close(gradient, found["eager"][name], rtol=1e-3, atol=1e-4, msg=name)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_mask_is_what_its_rules_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [sorted(rng.integers(-1, 2, 7).tolist(), key=lambda e: (e < 0, e)) for _ in range(2)]
    turns, images = rng.integers(0, 3, (2, 7)), rng.random((2, 7)) < 0.4
    made = attention_mask(torch.tensor(rows), torch.from_numpy(turns), torch.from_numpy(images))
    assert made.shape == (2, 1, 7, 7)
    for b in range(2):
        for q in range(7):
            for k in range(7):
                before = k <= q and turns[b, k] in (0, turns[b, q])
                both = images[b, q] and images[b, k]
                assert made[b, 0, q, k] == (rows[b][q] == rows[b][k] and (before or both))


def test_masks_are_refused_where_the_decoder_makes_its_own(vision_encoder: str, decoder: str) -> None:
    vlm = opened(vision_encoder, decoder, packing=True)
    with pytest.raises(ModelUnsuited, match="turn them off"):
        Collator(vlm.processor, FAMILIES["gemma3"], vlm.sequence, STREAMS)
