"""Small models with random weights, saved once per run; nothing here may reach a network."""

import os

# Read by huggingface_hub when it is first imported.
os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import pytest

from tests.experts import small_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small model of every family, each in a folder of the family's name."""
    root = tmp_path_factory.mktemp("models")
    for name, save in small_models.SAVED.items():
        save(root / name)
    return root
