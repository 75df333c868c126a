"""One vision encoder and decoders for all tests of the model."""

import pytest

from tests.model.tiny import write_decoder, write_encoder
from vlm.model.tiny import CHATML


@pytest.fixture(scope="session")
def vision_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_encoder(tmp_path_factory.mktemp("vision_encoder"))


@pytest.fixture(scope="session")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_decoder(tmp_path_factory.mktemp("decoder"))


@pytest.fixture(scope="session")
def chat_decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_decoder(tmp_path_factory.mktemp("chat"), "qwen2", CHATML)
