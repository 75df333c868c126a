"""Training of the base and of the runs that branch from it, and their answers; run as a module, one rank of a base."""

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
from studies.claims.feature_cache import cached_features
from studies.claims.grow import load_base, write_grown
from studies.claims.questions.general import RoomQuestionSettings, write_room_questions
from studies.claims.start import drawn_images, write_decoder, write_joined
from studies.claims.study import CONDITIONS, Condition, Study
from udfs.experts.pinning import folder_digest
from vlm.evaluation.benchmark import BenchmarkSettings
from vlm.evaluation.predictors.views import View
from vlm.loop.settings import TrainSettings
from vlm.loop.training import train

WriteEncoder = Callable[[Path, Sequence[Path]], None]

EXPERIMENT = "claims"
_ANSWER_TOKENS = 48
_BATCH = 64


def write_general(study: Study) -> None:
    """Write the general questions: for training about one crawl, for evaluation about the other."""
    for name, share, maximum in (
        ("sensor", 0.0, study.sizes.general_max),
        ("held_out", 1.0, study.sizes.general_items),
    ):
        settings = RoomQuestionSettings(test_share=share, max_per_kind=maximum)
        write_room_questions(str(study.crawl(name)), str(study.crawl(name)), settings)


def write_items(study: Study) -> None:
    """Write the spatial questions about the held-out rooms, and the answers that baselines are fitted on."""
    settings = BenchmarkSettings(split="all", max_per_type=study.sizes.items_max)
    held_out, training = LakeReader(str(study.lake("held_out"))), LakeReader(str(study.lake("sensor")))
    write_benchmark(held_out, study.folder("items.parquet"), settings, training, study.folder("prior.parquet"))


def write_start(study: Study, write_encoder: WriteEncoder) -> None:
    """Write the model that the base starts from: a new one, or `study.begin` with more layers."""
    sizes, start = study.sizes, study.folder("start")
    if study.begin:
        write_grown(start / "model", study.begin, sizes.layers)
        return
    write_encoder(start / "encoder", drawn_images(study.crawl("sensor"), sizes.scaled_on))
    write_decoder(start / "decoder", _texts(study), sizes)
    write_joined(start / "model", start / "encoder", start / "decoder")


def _texts(study: Study) -> chain[str]:
    asked = f"SELECT question, answer FROM t ORDER BY qa_id LIMIT {study.sizes.texts}"
    rows = LakeReader(str(study.lake("sensor"))).query("qa_pairs", asked)
    entries = json.loads((study.crawl("sensor") / "train.json").read_text())
    turns = (turn["value"] for entry in islice(entries, study.sizes.texts) for turn in entry["conversations"])
    # In the form of prompts, so that their words become tokens.
    spoken = (f"USER: {row['question']}\nASSISTANT: {row['answer']}\n" for row in rows)
    return chain(spoken, (f"USER: {text.removeprefix('<image>')}\nASSISTANT: {text}\n" for text in turns))


def base_of(study: Study) -> Path:
    """Return the folder of the base: the committed one, or the one that the study trains."""
    return study.committed if study.committed.is_dir() else study.folder("base")


def base_digest(study: Study) -> str | None:
    """Return the digest of the committed base; None without one."""
    return folder_digest(study.committed) if study.committed.is_dir() else None


def base_settings(study: Study) -> TrainSettings:
    """Return the settings of the base: only general questions, the vision encoder frozen."""
    return _settings(study, "base", {"model": str(study.folder("start", "model"))})


def condition_settings(study: Study, name: str, seed: int) -> TrainSettings:
    """Return the settings of one run of a condition."""
    condition = CONDITIONS[name]
    return _settings(
        study,
        f"{name}-{seed}",
        {"model": str(base_of(study)), "freeze_vision_encoder": condition.freeze_vision_encoder},
        condition,
        seed,
    )


def tracking_uri(study: Study) -> str:
    """Return where MLflow keeps the runs of a study."""
    return f"sqlite:///{study.folder('mlflow.db')}"


def _settings(
    study: Study, name: str, model: dict[str, Any], condition: Condition | None = None, seed: int = 0
) -> TrainSettings:
    sizes, crawl = study.sizes, str(study.crawl("sensor"))
    general = {"name": "general", "kind": "llava", "uri": f"{crawl}/train.json", "images": crawl}
    share = condition.spatial_share if condition else 0.0
    rate, steps = (sizes.rate, sizes.steps * condition.times) if condition else (sizes.base_rate, sizes.base_steps)
    return TrainSettings.model_validate(
        {
            "out": str(study.folder("runs", name)),
            "feed": _feed(study, condition, seed) if condition and share else None,
            "mixture": {"streams": [general], "spatial_share": share, "seed": seed},
            "model": {**model, "sequence": {"independent_turns": True}},
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


def _feed(study: Study, condition: Condition, seed: int) -> dict[str, Any]:
    recipe = examples_recipe(study, condition.lake, condition.noise_m)
    return {"table": f"{study.lake(condition.lake)}/training_examples", "recipe": recipe, "seed": seed}


def train_base(study: Study) -> None:
    """Train the base and keep it in half precision."""
    settings = base_settings(study)
    _together(study, settings)
    trained = load_base(Path(settings.out) / "model")
    trained.model.half()
    draft = study.folder("base.part")
    trained.save(draft)
    shutil.rmtree(study.folder("base"), ignore_errors=True)
    draft.replace(study.folder("base"))


def train_run(study: Study, name: str, seed: int) -> None:
    """Train one run of a condition, in this process."""
    # A frozen encoder is the same in all runs, so its features are computed once.
    with cached_features(_features(study) if CONDITIONS[name].freeze_vision_encoder else None):
        train(condition_settings(study, name, seed))


def _together(study: Study, settings: TrainSettings) -> None:
    """Train in one or several processes, with the same result.

    Raises:
        UsageError: a process failed; its output says why.
    """
    if study.processes == 1:
        with cached_features(_features(study)):
            train(settings)
        return
    file = study.folder("settings", f"{Path(settings.out).name}.yaml")
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(study.processes)]
    ended = subprocess.run(
        [*launcher, "-m", "studies.claims.training", str(file), str(_features(study))], check=False
    ).returncode
    if ended:
        raise UsageError(
            f"Training {file.stem} ended with exit code {ended}; see its output above, then start the study again."
        )


def ask(study: Study, name: str, seed: int) -> None:
    """Let one run answer the spatial questions, with images and with blanked ones, and the general questions."""
    run = f"{name}-{seed}"
    place = f"{run}={study.folder('runs', run, 'model')}"
    own = {"device": "cpu", "batch": _BATCH, "max_new_tokens": _ANSWER_TOKENS}
    models = checkpoints([place], own)
    spatial, prior = Place("spatiallake", study.folder("items.parquet")), study.folder("prior.parquet")
    both = Live(models, (View.WHOLE, View.BLANKED))
    general = Place("llava", study.crawl("held_out") / "test.json")
    with cached_features(_features(study)):
        evaluate(spatial, [], study.folder("answers", run, "spatial"), Place("spatiallake", prior), live=both)
        evaluate(general, [], study.folder("answers", run, "general"), live=Live(models, (View.WHOLE,)))


def _features(study: Study) -> Path:
    return study.folder("features")


if __name__ == "__main__":
    with cached_features(Path(sys.argv[2])):
        train(TrainSettings.model_validate(yaml.safe_load(Path(sys.argv[1]).read_text())))
