"""The server's page with answers of a saved model: the browser shows what the model said, step by step."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.model.tiny import example
from tests.pages.looking import complaints
from tests.serving.page import ask, drop, find, look
from tests.serving.running import Room, Server, served
from vlm.model.answer_loss import AnswerLoss
from vlm.model.collate import collator_of
from vlm.model.settings import ModelSettings
from vlm.model.tiny import write_tiny_model
from vlm.model.tuning import open_model

SAID = "1.5 m"
_STEPS = 300
# The planner asks the last of these, about any image.
_ASKED = (
    "How far is the chair?",
    "What is the distance between the shelf and the table?",
    "What is the horizontal clearance between the sofa and the lamp?",
    *["What is the horizontal clearance between the bookshelf and the armchair?"] * 4,
)


def one_who_always_says(said: str, folder: Path) -> Path:
    """Return a small LLaVA, as `save_pretrained` writes it, that has learned one answer."""
    torch.manual_seed(0)
    write_tiny_model(folder / "new")
    vlm = open_model(ModelSettings(model=str(folder / "new"), freeze_vision_encoder=True))
    batch = collator_of(vlm, ("spatial",))([example(text, (text, said), seed=n) for n, text in enumerate(_ASKED)])
    module = AnswerLoss(vlm.model, vlm.family, 1).train()
    optimizer = torch.optim.Adam([weight for weight in vlm.model.parameters() if weight.requires_grad], lr=0.01)
    for _ in range(_STEPS):
        loss = module(batch.inputs, batch.predicts, batch.targets, batch.streams).sum() / len(batch.targets)
        if float(loss.detach()) < 0.01:
            break
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    vlm.model.save_pretrained(folder / "model")
    vlm.processor.save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def models_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    model = one_who_always_says(SAID, tmp_path_factory.mktemp("answers"))
    home = tmp_path_factory.mktemp("home")
    environment = {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home)}
    with served("--answers", model, "--max-seconds", 60, environment=environment, folder=home) as running:
        yield running


def test_the_page_shows_what_a_saved_model_said(browser: webdriver.Chrome, models_server: Server, room: Room) -> None:
    look(browser, models_server, 1400)
    drop(browser, "room.jpg", room.image.read_bytes())
    browser.execute_async_script(
        "const [given, done] = arguments; sent = given;"
        "post('v1/scenes', given).then((got) => got.json()).then((scene) => { shown = scene; show(); done(); });",
        {"image": room.url, "spatiallake": room.about},
    )
    ask(browser, "Can a robot 1 m wide pass between the bookshelf and the armchair?")
    answer, steps = find(browser, ".answer").text, browser.find_elements(By.CSS_SELECTOR, ".calls li")
    assert answer.startswith("Answer") and "Yes: it needs 1.0 m" in answer and "1.5 m" in answer
    said = [one.text for one in steps]
    assert any("distance" in one and "1.5 m" in one for one in said), said
    # What the model says lies between no points that anybody measured.
    assert not browser.find_elements(By.CSS_SELECTOR, ".lengths .length")
    assert complaints(browser) == []
