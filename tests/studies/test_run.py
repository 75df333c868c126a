"""A study from its general questions to its figures; the process that trains its base is killed on the way."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.engine.errors import UsageError
from scenes.crawl import write_crawl
from studies.claims import data, training
from studies.claims.figures import figures
from studies.claims.outcomes import outcomes
from studies.claims.runs import trained
from studies.claims.start import write_decoder
from studies.claims.steps import run, steps
from studies.claims.study import SMOKE, Marks, Study
from tests.evaluation.made import item, length
from tests.loop.tiny import FORKS
from tests.model.tiny import settings_of, write_encoder
from vlm.evaluation.formats import spatiallake
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Kind, Truth
from vlm.model.tuning import open_model

RANGES = ("in_range[0.5,2]", "in_range[2/3,1.5]", "in_range[0.9,1.1]", "in_range[0.5,2] from 1 m")
TEXTS = [f"USER: Is there a chair in column {n}, row 3?\nASSISTANT: Yes\n" for n in range(50)]
SIZES = SMOKE.model_copy(update={"base_steps": 8, "steps": 2, "layers": 1, "hidden": 32, "batch": 4})


def no_start(folder: Path, images: Any) -> None:
    raise AssertionError(f"The start is there, and {folder} should not be written.")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Everything that comes before the base but the general questions, with the marks of its steps."""
    work = tmp_path_factory.mktemp("study")
    study = Study(work=work, sizes=SIZES, seeds=1, only=("none",), committed=work / "none")
    for name, count in (("sensor", 10), ("held_out", 6)):
        write_crawl(str(study.crawl(name)), count=count, seed=count, width=96, height=72)
    marks = Marks(study.work)
    for name, settings, _ in data.steps(study):
        marks.finish(name, settings)
    images = sorted(study.crawl("held_out").rglob("*.jpg"))
    asked = []
    for number, path in enumerate(images):
        known = {"image_id": path.name, "images": (ItemImage(data=path.read_bytes()),)}
        asked.append(item(f"b{number}", Kind.BOOL, Truth(yes=number % 2 == 0), kinds=("a", "b"), **known))
        asked.append(length(f"n{number}", 1.0 + number, kinds=("a",), **known))
    for name in ("items", "prior"):
        spatiallake.write(asked, study.folder(f"{name}.parquet"))
    encoder = write_encoder(study.folder("start", "encoder"))
    write_decoder(study.folder("start", "decoder"), TEXTS, SIZES)
    open_model(settings_of(encoder, str(study.folder("start", "decoder")))).save(study.folder("start", "model"))
    for step in steps(study, no_start):
        if step.name in ("items", "start"):
            marks.finish(step.name, step.settings)
    return study


def run_and_die(study: dict[str, Any], update: int) -> None:
    """Run a study in this process until so many updates are made."""
    from vlm.loop.stepping import Stepper

    made = Stepper.advance

    def dying(self: Stepper, step: int, batches: Any) -> Any:
        if step == update:
            os.kill(os.getpid(), signal.SIGKILL)
        return made(self, step, batches)

    Stepper.advance = dying  # type: ignore[method-assign]
    run(Study.model_validate(study), no_start)


def test_a_killed_study_goes_on_and_does_nothing_twice(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    process = FORKS.Process(target=run_and_die, args=(study.model_dump(), 5))
    process.start()
    process.join(900)
    assert process.exitcode == -signal.SIGKILL
    marks = {path.stem: json.loads(path.read_text())["done"] for path in study.folder("steps").glob("*.json")}
    assert (marks["general"], marks["base"]) == (True, False)
    asked = (study.crawl("sensor") / "train.json").stat().st_mtime_ns

    # However many processes go on: they come to the same model.
    run(study.model_copy(update={"processes": 2}), no_start, until="base")
    base = study.folder("base", "model.safetensors")
    assert base.stat().st_size < 1e6
    assert (study.crawl("sensor") / "train.json").stat().st_mtime_ns == asked
    made = base.stat().st_mtime_ns
    capsys.readouterr()

    # Without its questions, the run cannot finish, however fast it is.
    asked_of, away = study.crawl("held_out") / "test.json", study.folder("away.json")
    asked_of.rename(away)
    parent = FORKS.Process(target=run, args=(study, no_start))
    parent.start()
    while not (children := [one for one in psutil.Process(parent.pid).children() if "train-none-1" in one.cmdline()]):
        assert parent.is_alive()
        time.sleep(0.05)
    parent.kill()
    # A restarted study would train the same condition beside it.
    assert not psutil.wait_procs(children, timeout=120)[1]

    with pytest.raises(UsageError, match=r"logs/none-1.log, then rerun"):
        run(study, no_start)
    away.rename(asked_of)
    assert "test.json" in study.folder("logs", "none-1.log").read_text().splitlines()[-1]
    capsys.readouterr()

    two = study.model_copy(update={"seeds": 2, "processes": 2})
    run(two, no_start)
    done = [line for line in capsys.readouterr().out.splitlines() if line.startswith("claims: ")]
    assert sorted(line.partition(",")[0] for line in done) == ["claims: none-1", "claims: none-2"]
    assert "claims: ask-none-2" in study.folder("logs", "none-2.log").read_text()
    assert base.stat().st_mtime_ns == made
    run(two, no_start)
    assert "claims: " not in capsys.readouterr().out

    conditions = figures(outcomes(study))["conditions"]
    assert conditions.keys() == {"none", "none (image blanked)", "text-only prior"}
    assert conditions["none"].keys() == {"qualitative", "number_rate", "general", "grounding", *RANGES}
    assert [(one["run"], one["steps"]) for one in trained(two)] == [("none-1", 2), ("none-2", 2)]


def test_arms_differ_in_what_they_are_about_and_in_nothing_else(tmp_path: Path) -> None:
    study = Study(work=tmp_path, sizes=SIZES)
    plain = training.condition_settings(study, "spatial", 1).model_dump()

    def changed(condition: str, seed: int = 1) -> set[str]:
        own = training.condition_settings(study, condition, seed).model_dump()
        return {
            f"{part}.{name}"
            for part in ("feed", "mixture", "model", "optimizer", "loop")
            for name in (own[part] or plain[part])
            if (own[part] or {}).get(name) != plain[part][name]
        }

    assert changed("spatial", 2) == {"feed.seed", "mixture.seed", "loop.seed"}
    assert changed("long") == {"loop.steps", "loop.sample_every"}
    assert changed("unfrozen") == {"model.freeze_vision_encoder"}
    assert changed("noise_0.2") == {"feed.recipe"}
    assert changed("share_5") == {"mixture.spatial_share"}
    assert changed("builtin") == {"feed.table", "feed.recipe"}
    assert changed("sensor_few") == {"feed.table"}
    assert {"mixture.spatial_share"} == {name for name in changed("none") if not name.startswith("feed.")}
