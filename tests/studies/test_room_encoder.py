"""The built-in network as a tower: what its tokens say of rooms with exact truth, and features that are kept."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from transformers import AutoModel, CLIPImageProcessor

from studies.claims.feature_cache import cached_tower
from studies.claims.room_encoder import RoomTower, room_tower
from tests.experts.builtin_network import EAGER, room, small_network
from tests.model.test_sequences import losses
from tests.model.tiny import mixed_examples, settings_of, write_decoder
from udfs.experts.families.builtin.experts import PACKAGED
from udfs.experts.families.builtin.weights import save_network
from vlm.model.errors import ModelUnsuited
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel, load_model
from vlm.model.tuning import open_model


def pixels_of(indices: range) -> torch.Tensor:
    shown = np.stack(
        [cv2.resize(room(i, 384, 288).frame.rgb, (192, 144), interpolation=cv2.INTER_AREA) for i in indices]
    )
    return torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255


def write_small_tower(folder: Path) -> str:
    save_network(folder / "small.safetensors", small_network(), EAGER)
    room_tower(folder / "small.safetensors", [pixels_of(range(2))], objects=6).save_pretrained(folder)
    size = {"height": 144, "width": 192}
    CLIPImageProcessor(size=size, do_center_crop=False, do_normalize=False).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def joined(tmp_path: Path) -> VisionLanguageModel:
    (tmp_path / "t").mkdir()
    return open_model(settings_of(write_small_tower(tmp_path / "t"), write_decoder(tmp_path / "d")))


def test_tokens_of_objects_say_where_things_of_rooms_are() -> None:
    rooms = range(12)
    tower = room_tower(PACKAGED, [pixels_of(rooms)])
    with torch.inference_mode():
        _, objects, there = tower.features(pixels_of(rooms))
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


def test_a_picture_gives_the_same_tokens_alone_and_among_others_and_a_grey_one_shows_nothing(tmp_path: Path) -> None:
    tower = RoomTower.from_pretrained(write_small_tower(tmp_path)).train()
    shown = pixels_of(range(3))
    with torch.no_grad():
        together = tower(shown).last_hidden_state
        alone = torch.cat([tower(one[None]).last_hidden_state for one in shown])
    assert together.shape == (3, 3 * 4 + 6, tower.config.hidden_size)
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)
    packaged = room_tower(PACKAGED, [pixels_of(range(4))])
    with torch.inference_mode():
        assert packaged.features(torch.full((1, 3, 144, 192), 0.5))[2].sum() == 0


def test_a_tower_loads_as_it_was_saved_and_as_the_tower_of_a_model(joined: VisionLanguageModel, tmp_path: Path) -> None:
    own = AutoModel.from_pretrained(tmp_path / "t")
    assert isinstance(own, RoomTower)
    shown = pixels_of(range(2))
    with torch.no_grad():
        torch.testing.assert_close(own(shown).last_hidden_state, joined.tower(shown).last_hidden_state)
    assert joined.processor.num_additional_image_tokens == 6
    joined.save(tmp_path / "m")
    assert str(tmp_path) not in (tmp_path / "m" / "config.json").read_text()
    again = load_model(str(tmp_path / "m"))
    picture = np.asarray(room(1, 384, 288).frame.rgb)
    assert answers(again, [picture], ["Where?"], 8) == answers(joined, [picture], ["Where?"], 8)
    torch.testing.assert_close(losses(again, mixed_examples()), losses(joined, mixed_examples()))


def test_gradients_reach_the_network_of_a_tower_that_learns(tmp_path: Path) -> None:
    tower = RoomTower.from_pretrained(write_small_tower(tmp_path)).train()
    tower(pixels_of(range(2))).last_hidden_state.square().sum().backward()
    for name in ("stages.0.0.0.weight", "depth.weight", "names.1.weight", "object.0.weight"):
        assert tower.network.get_parameter(name).grad.abs().sum() > 0, name
    before = tower.network.stages[0][0][1].running_mean.clone()
    tower(pixels_of(range(2)))
    assert torch.equal(before, tower.network.stages[0][0][1].running_mean)


def test_kept_features_are_those_of_the_tower_whoever_kept_them(joined: VisionLanguageModel, tmp_path: Path) -> None:
    folder, whole = str(tmp_path / "kept"), losses(joined, mixed_examples())
    joined.tower.requires_grad_(False)
    with cached_tower(joined, folder):
        new = losses(joined, mixed_examples())
    (file,) = (tmp_path / "kept").glob("*/features-*.bin")
    written = file.read_bytes()
    # A process that was killed while it wrote leaves a part of a record.
    file.write_bytes(written[: int(0.6 * len(written))])
    with cached_tower(joined, folder):
        again = losses(joined, mixed_examples())
    assert len(list((tmp_path / "kept").glob("*/features-*.bin"))) == 2
    with cached_tower(joined, folder):
        kept = losses(joined, mixed_examples())
    assert torch.equal(new, again)
    assert torch.equal(new, kept)
    torch.testing.assert_close(new, whole, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(losses(joined, mixed_examples()), whole)


def test_features_of_one_tower_are_not_taken_for_those_of_another(joined: VisionLanguageModel, tmp_path: Path) -> None:
    joined.tower.requires_grad_(False)
    with cached_tower(joined, str(tmp_path / "kept")):
        before = losses(joined, mixed_examples())
    with torch.no_grad():
        joined.tower.network.depth.weight.mul_(2)
    with cached_tower(joined, str(tmp_path / "kept")):
        assert not torch.equal(losses(joined, mixed_examples()), before)


def test_a_tower_that_learns_is_not_cached(joined: VisionLanguageModel, tmp_path: Path) -> None:
    joined.tower.requires_grad_(True)
    with pytest.raises(ModelUnsuited, match="freeze it"), cached_tower(joined, str(tmp_path / "kept")):
        pass
