"""The built-in network as a vision encoder: its tokens against exact truth, and cached features."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from transformers import AutoModel

from studies.claims.feature_cache import cached_features
from studies.claims.room_encoder import RoomEncoder, room_encoder
from tests.experts.builtin_network import room
from tests.model.losses import losses
from tests.model.tiny import mixed_examples, settings_of, write_decoder
from tests.studies.encoders import pixels_of, write_small_encoder
from udfs.experts.families.builtin.experts import PACKAGED
from vlm.errors import ModelUnsuited
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel, load_model
from vlm.model.tuning import open_model


@pytest.fixture
def joined(tmp_path: Path) -> VisionLanguageModel:
    (tmp_path / "t").mkdir()
    return open_model(settings_of(write_small_encoder(tmp_path / "t"), write_decoder(tmp_path / "d")))


def test_tokens_of_objects_say_where_things_of_rooms_are() -> None:
    rooms = range(12)
    vision_encoder = room_encoder(PACKAGED, [pixels_of(rooms)])
    with torch.inference_mode():
        _, objects, there = vision_encoder.features(pixels_of(rooms))
    found, large = [], 0
    for index in rooms:
        true = room(index, 384, 288)
        depth_m, masks = true.frame.depth_m[::2, ::2], true.instances[::2, ::2]
        places = objects[index][there[index] > 0][:, -4:-2].numpy()
        ranges = objects[index][there[index] > 0][:, -6].exp().numpy()
        for number in np.unique(masks[masks > 0]):
            own = (masks == number) & (depth_m > 0)
            if own.sum() < 400:
                continue
            large += 1
            v, u = (np.argwhere(own).mean(0) + 0.5 - (72, 96)) / np.hypot(72, 96)
            near = np.hypot(*(places - (u, v)).T) if len(places) else np.ones(1)
            if near.min() < 0.1:
                found.append((ranges[near.argmin()], np.median(depth_m[own])))
    said_m, true_m = np.array(found).T
    assert len(found) >= 0.75 * large >= 20
    assert np.median(np.abs(np.log(said_m / true_m))) < 0.35
    assert spearmanr(said_m, true_m).statistic > 0.6


def test_an_image_gives_the_same_tokens_alone_and_among_others_and_a_gray_one_shows_nothing(tmp_path: Path) -> None:
    vision_encoder = RoomEncoder.from_pretrained(write_small_encoder(tmp_path)).train()
    shown = pixels_of(range(3))
    with torch.no_grad():
        together = vision_encoder(shown).last_hidden_state
        alone = torch.cat([vision_encoder(one[None]).last_hidden_state for one in shown])
    assert together.shape == (3, 3 * 4 + 6, vision_encoder.config.hidden_size)
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)
    packaged = room_encoder(PACKAGED, [pixels_of(range(4))])
    with torch.inference_mode():
        assert packaged.features(torch.full((1, 3, 144, 192), 0.5))[2].sum() == 0


def test_a_vision_encoder_loads_as_it_was_saved_and_as_the_vision_encoder_of_a_model(
    joined: VisionLanguageModel, tmp_path: Path
) -> None:
    own = AutoModel.from_pretrained(tmp_path / "t")
    assert isinstance(own, RoomEncoder)
    shown = pixels_of(range(2))
    with torch.no_grad():
        torch.testing.assert_close(own(shown).last_hidden_state, joined.vision_encoder(shown).last_hidden_state)
    assert joined.processor.num_additional_image_tokens == 6
    joined.save(tmp_path / "m")
    assert str(tmp_path) not in (tmp_path / "m" / "config.json").read_text()
    again = load_model(str(tmp_path / "m"))
    image = np.asarray(room(1, 384, 288).frame.rgb)
    assert answers(again, [image], ["Where?"], 8) == answers(joined, [image], ["Where?"], 8)
    torch.testing.assert_close(losses(again, mixed_examples()), losses(joined, mixed_examples()))


def test_gradients_reach_the_network_of_a_vision_encoder_that_learns(tmp_path: Path) -> None:
    vision_encoder = RoomEncoder.from_pretrained(write_small_encoder(tmp_path)).train()
    vision_encoder(pixels_of(range(2))).last_hidden_state.square().sum().backward()
    for name in ("stages.0.0.0.weight", "depth.weight", "names.1.weight", "object.0.weight"):
        assert vision_encoder.network.get_parameter(name).grad.abs().sum() > 0, name
    before = vision_encoder.network.stages[0][0][1].running_mean.clone()
    vision_encoder(pixels_of(range(2)))
    assert torch.equal(before, vision_encoder.network.stages[0][0][1].running_mean)


def test_cached_features_are_those_of_the_encoder_whoever_computed_them(
    joined: VisionLanguageModel, tmp_path: Path
) -> None:
    folder, whole = tmp_path / "kept", losses(joined, mixed_examples())
    with cached_features(folder):
        new = losses(joined, mixed_examples())
    (file,) = folder.glob("*/features-*.bin")
    written = file.read_bytes()
    # A killed process leaves a part of a record.
    file.write_bytes(written[: int(0.6 * len(written))])
    with cached_features(folder):
        again = losses(joined, mixed_examples())
    assert len(list(folder.glob("*/features-*.bin"))) == 2
    with cached_features(folder):
        kept = losses(joined, mixed_examples())
    assert len(list(folder.glob("*/features-*.bin"))) == 2
    assert torch.equal(new, again)
    assert torch.equal(new, kept)
    torch.testing.assert_close(new, whole, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(losses(joined, mixed_examples()), whole)


def test_features_of_one_encoder_are_not_taken_for_those_of_another(
    joined: VisionLanguageModel, tmp_path: Path
) -> None:
    with cached_features(tmp_path / "kept"):
        before = losses(joined, mixed_examples())
    with torch.no_grad():
        joined.vision_encoder.network.depth.weight.mul_(2)
    with cached_features(tmp_path / "kept"):
        assert not torch.equal(losses(joined, mixed_examples()), before)


def test_an_encoder_that_is_trained_is_not_cached(joined: VisionLanguageModel, tmp_path: Path) -> None:
    joined.vision_encoder.requires_grad_(True).train()
    with pytest.raises(ModelUnsuited, match="freeze it"), cached_features(tmp_path / "kept"):
        joined.vision_encoder(pixels_of(range(1)))
