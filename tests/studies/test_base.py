"""The committed base looks: where it places objects of rooms it never saw follows from their images."""

import json
from pathlib import Path

import numpy as np

from scenes.crawl import write_crawl
from studies.claims.grow import load_base
from studies.claims.questions.general import RoomQuestionSettings, write_room_questions
from studies.claims.study import BASE
from vlm.examples import decoded
from vlm.model.generate import answers


def test_the_base_says_where_objects_are_from_the_image_and_cannot_from_a_gray_one(tmp_path: Path) -> None:
    assert sum(file.stat().st_size for file in BASE.iterdir()) < 30e6
    write_crawl(str(tmp_path), count=16, seed=424242, width=256, height=192, min_object_px=24)
    write_room_questions(str(tmp_path), str(tmp_path), RoomQuestionSettings(test_share=1.0))
    asked = [one for one in json.loads((tmp_path / "test.json").read_text()) if one["type"] == "place"]
    questions = [one["conversations"][0]["value"].removeprefix("<image>\n") for one in asked]
    true = np.array([one["conversations"][1]["value"] for one in asked])
    shown = [np.asarray(decoded((tmp_path / one["image"]).read_bytes())) for one in asked]
    gray = [np.full_like(image, 128) for image in shown]
    base = load_base(BASE)
    sighted, blind = (np.mean(true == answers(base, images, questions, 12)) for images in (shown, gray))
    assert len(asked) >= 20
    assert sighted >= 0.3
    assert sighted >= blind + 0.2
