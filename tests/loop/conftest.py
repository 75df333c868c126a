"""One folder with vision encoder, decoder, images and MLflow's database for all runs."""

from pathlib import Path

import pytest

from tests.loop.tiny import finish, settings_of, start_world, write_images
from tests.model.tiny import write_decoder, write_encoder
from vlm.loop.settings import TrainSettings


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_encoder(folder / "vision_encoder", "siglip")
    write_decoder(folder / "decoder")
    write_images(folder)
    return folder


@pytest.fixture(scope="session")
def whole_run(place: Path) -> TrainSettings:
    """A run that nothing disturbed, in a process of its own: what others leave in this one may change the last bit."""
    settings = settings_of(place, "whole")
    finish(start_world(settings))
    return settings
