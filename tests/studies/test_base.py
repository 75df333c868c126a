"""The committed base looks: what it says of rooms that it never saw follows from their pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from scenes.crawl import write_crawl
from studies.claims.questions.general import RoomQuestionSettings, write_room_questions
from studies.claims.study import BASE
from vlm.examples import decoded
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel, load_model


@pytest.fixture(scope="module")
def base() -> VisionLanguageModel:
    assert sum(file.stat().st_size for file in BASE.iterdir()) < 30e6
    return load_model(str(BASE), device="cpu", dtype=torch.float32)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    crawl = tmp_path_factory.mktemp("rooms")
    # Of a few rooms, balancing leaves only pairs of things that always stand together, and differ by little.
    write_crawl(str(crawl), count=400, seed=424242, width=256, height=192, min_object_px=24)
    write_room_questions(str(crawl), str(crawl), RoomQuestionSettings(test_share=1.0))
    return crawl, json.loads((crawl / "test.json").read_text())


@pytest.mark.parametrize(
    ("kind", "most", "least", "more"),
    [("place", 80, 0.35, 0.2), ("color", 80, 0.4, 0.2), ("whether", 200, 0.6, 0.1)],
)
def test_the_base_finds_and_compares_what_it_is_asked_for(
    base, entries, kind: str, most: int, least: float, more: float
) -> None:
    crawl, written = entries
    every = [one for one in written if one["type"] == kind]
    own = every[:: max(1, len(every) // most)][:most]
    asked = [one["conversations"][0]["value"].removeprefix("<image>\n") for one in own]
    true = np.array([one["conversations"][1]["value"] for one in own])
    shown = [np.asarray(decoded((crawl / one["image"]).read_bytes())) for one in own]
    grey = [np.full_like(picture, 128) for picture in shown]
    looking, blind = (np.mean(true == answers(base, pictures, asked, 12)) for pictures in (shown, grey))
    assert len(own) >= 20
    assert looking >= least
    assert looking >= blind + more
