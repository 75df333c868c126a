"""The base, the arms that branch from it, and what each answers."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import yaml

from jobs.engine.errors import UsageError
from jobs.views.benchmark import write_benchmark
from jobs.views.evaluate import Live, Place, evaluate
from jobs.views.live_models import checkpoints
from jobs.views.reader import LakeReader
from studies.claims.data import examples_recipe
from studies.claims.grow import write_grown
from studies.claims.questions.general import RoomQuestionSettings, write_room_questions
from studies.claims.start import drawn_pictures, write_decoder
from studies.claims.study import ARMS, Arm, Study
from udfs.experts.pinning import folder_digest
from vlm.evaluation.benchmark import BenchmarkSettings
from vlm.evaluation.predictors.views import View
from vlm.loop.settings import TrainSettings

WriteTower = Callable[[Path, Sequence[Path]], None]

EXPERIMENT = "claims"
_ANSWER_TOKENS = 48
_BATCH = 64


def write_general(study: Study) -> None:
    """Write the general questions: to train from about the one crawl, to measure with about the other."""
    for name, share, most in (
        ("sensor", 0.0, study.sizes.general_most),
        ("held_out", 1.0, study.sizes.general_items),
    ):
        settings = RoomQuestionSettings(test_share=share, most=most)
        write_room_questions(str(study.crawl(name)), str(study.crawl(name)), settings)


def write_items(study: Study) -> None:
    """Write the spatial questions about the held-out rooms, and the answers that priors are fitted on."""
    settings = BenchmarkSettings(split="all", most=study.sizes.items_most)
    held_out, training = LakeReader(str(study.lake("held_out"))), LakeReader(str(study.lake("sensor")))
    write_benchmark(held_out, study.folder("items.parquet"), settings, training, study.folder("prior.parquet"))


def write_start(study: Study, write_tower: WriteTower) -> None:
    """Write the tower and the decoder that the base is joined of, or the model that it goes on from."""
    sizes = study.sizes
    if study.begin:
        write_grown(study.folder("start", "model"), study.begin, sizes.layers)
        return
    write_tower(study.folder("start", "tower"), drawn_pictures(study.crawl("sensor"), sizes.scaled_on))
    write_decoder(study.folder("start", "decoder"), _texts(study), sizes)


def _texts(study: Study) -> chain[str]:
    asked = f"SELECT question, answer FROM t ORDER BY qa_id LIMIT {study.sizes.texts}"
    rows = LakeReader(str(study.lake("sensor"))).query("qa_pairs", asked)
    entries = json.loads((study.crawl("sensor") / "train.json").read_text())
    turns = (turn["value"] for entry in islice(entries, study.sizes.texts) for turn in entry["conversations"])
    # As prompts are written, so that their words are among the tokens.
    spoken = (f"USER: {row['question']}\nASSISTANT: {row['answer']}\n" for row in rows)
    return chain(spoken, (f"USER: {text.removeprefix('<image>')}\nASSISTANT: {text}\n" for text in turns))


def base_of(study: Study) -> Path:
    """Return the folder of the base: the committed one, or else the one that the study trains."""
    return study.committed if study.committed.is_dir() else study.folder("base")


def base_digest(study: Study) -> str | None:
    """Return what the committed base is told from any other by, None where there is none."""
    return folder_digest(study.committed) if study.committed.is_dir() else None


def base_settings(study: Study) -> TrainSettings:
    """Return the settings of the base: general questions and grounding alone, the tower frozen."""
    start = study.folder("start")
    parts = ("model",) if study.begin else ("tower", "decoder")
    return _settings(study, "base", {part: str(start / part) for part in parts})


def arm_settings(study: Study, name: str, seed: int) -> TrainSettings:
    """Return the settings of one run of an arm."""
    arm = ARMS[name]
    return _settings(
        study, f"{name}-{seed}", {"model": str(base_of(study)), "freeze_tower": arm.freeze_tower}, arm, seed
    )


def tracking_uri(study: Study) -> str:
    """Return where MLflow keeps the runs of a study."""
    return f"sqlite:///{study.folder('mlflow.db')}"


def _settings(study: Study, name: str, model: dict[str, Any], arm: Arm | None = None, seed: int = 0) -> TrainSettings:
    sizes, crawl = study.sizes, str(study.crawl("sensor"))
    general = {"name": "general", "kind": "llava", "uri": f"{crawl}/train.json", "images": crawl}
    # Frozen towers are the same in all runs, and see every picture once.
    cache = None if arm and not arm.freeze_tower else str(study.folder("features"))
    rate, steps = (sizes.rate, sizes.steps * arm.times) if arm else (sizes.base_rate, sizes.base_steps)
    return TrainSettings.model_validate(
        {
            "out": str(study.folder("runs", name)),
            "feed": _feed(study, arm, seed) if arm and arm.spatial_share else None,
            "mixture": {"streams": [general], "spatial_share": arm.spatial_share if arm else 0.0, "seed": seed},
            "model": {**model, "tower_cache": cache, "sequence": {"independent_turns": True}},
            "optimizer": {"learning_rate": rate, "warm_up_steps": sizes.warm_up},
            "loop": {
                "steps": steps, "global_batch": sizes.batch, "seed": seed, "device": "cpu", "mixed_precision": "bf16",
                "checkpoint_every": 250, "sample_every": steps,
            },
            "tracking": {
                "uri": tracking_uri(study), "experiment": EXPERIMENT, "run_name": name,
                "registered_model": None, "system_metrics": False,
            },
        }
    )  # fmt: skip


def _feed(study: Study, arm: Arm, seed: int) -> dict[str, Any]:
    recipe = examples_recipe(study, arm.lake, arm.noise_m)
    return {"table": f"{study.lake(arm.lake)}/training_examples", "recipe": recipe, "seed": seed}


def train_base(study: Study) -> None:
    """Train the base, and keep it in half precision, small enough to be committed."""
    from vlm.model.loading import load_model

    settings = base_settings(study)
    _together(study, settings)
    trained = load_model(str(Path(settings.out) / "model"))
    trained.model.half()
    draft = study.folder("base.part")
    trained.save(draft)
    shutil.rmtree(study.folder("base"), ignore_errors=True)
    draft.replace(study.folder("base"))


def train_arm(study: Study, name: str, seed: int) -> None:
    """Train one run of an arm, in this process."""
    from vlm.loop.training import train

    train(arm_settings(study, name, seed))


def _together(study: Study, settings: TrainSettings) -> None:
    """Train in one process or several, which come to the same model.

    Raises:
        UsageError: one of several processes failed; it has said why.
    """
    if study.processes == 1:
        from vlm.loop.training import train

        train(settings)
        return
    file = study.folder("settings", f"{Path(settings.out).name}.yaml")
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(study.processes)]
    ended = subprocess.run([*launcher, "-m", "vlm.loop", str(file)], check=False).returncode
    if ended:
        raise UsageError(f"Training {file.stem} ended with exit code {ended}; see above, and start the study again.")


def ask(study: Study, name: str, seed: int) -> None:
    """Ask one run of an arm the spatial questions, also with blanked pictures, and the general ones."""
    run = f"{name}-{seed}"
    place = f"{run}={study.folder('runs', run, 'model')}"
    own = {"device": "cpu", "batch": _BATCH, "max_new_tokens": _ANSWER_TOKENS}
    models = checkpoints([place], {**own, "tower_cache": str(study.folder("features"))})
    spatial, prior = Place("spatiallake", study.folder("items.parquet")), study.folder("prior.parquet")
    both = Live(models, (View.WHOLE, View.BLANKED))
    evaluate(spatial, [], study.folder("answers", run, "spatial"), Place("spatiallake", prior), live=both)
    general = Place("llava", study.crawl("held_out") / "test.json")
    evaluate(general, [], study.folder("answers", run, "general"), live=Live(models, (View.WHOLE,)))
