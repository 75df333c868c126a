"""One training run, in one or many processes; killed and resumed, it ends with the same weights."""

import os
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import NamedTuple

import peft
import torch
import transformers
from accelerate import Accelerator

from schemas.secrets import masked
from schemas.table import ENGINE_VERSION
from vlm.errors import SettingsUnusable
from vlm.feed.share import Cursor, Share
from vlm.feed.torch_dataset import BatchDataset, loader
from vlm.loop.attempts import cause_of
from vlm.loop.checkpoint import RunFolder, restore
from vlm.loop.data import Opened, StepBatch, StepMaker, open_source
from vlm.loop.evaluating import Evaluator
from vlm.loop.optimizer import optimizer_of
from vlm.loop.plots import Sample
from vlm.loop.settings import TrainSettings, flat
from vlm.loop.stepping import Step, Stepper
from vlm.loop.tracking import Run
from vlm.loop.world import open_world
from vlm.model.answer_loss import AnswerLoss
from vlm.model.collate import collator_of
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel
from vlm.model.tuning import merged, open_model

Report = Callable[[str], None]

_ANSWER_TOKENS = 48


class Outcome(NamedTuple):
    """The end of a run: the `loss` of the last step in nats per answer token, and the `tokens` seen by stream."""

    step: int
    loss: float
    tokens: dict[str, int]


def train(settings: TrainSettings, report: Report = print) -> Outcome:
    """Train to the last step, resuming from the last checkpoint in `out`; every rank calls this.

    Raises:
        FeedError, MixtureError, ModelError, LoopError: data, model, folder or settings cannot be used.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    accelerator = open_world(settings.loop)
    folder = RunFolder(settings.out)
    if accelerator.is_local_main_process:
        folder.fetch()
    accelerator.wait_for_everyone()
    settings = _pinned(settings, folder)
    evaluate = Evaluator(settings.evaluation) if settings.evaluation else None
    opened = open_source(settings)
    with folder.held() if accelerator.is_main_process else nullcontext():
        model = open_model(settings.model, settings.loop.seed)
        return _Training(settings, accelerator, folder, opened, model).run(report, evaluate)


def _pinned(settings: TrainSettings, folder: RunFolder) -> TrainSettings:
    """Return the settings with the table version that the run started with, unless one is named."""
    begun = folder.begun()
    if begun is None or settings.feed is None or settings.feed.version is not None:
        return settings
    feed = settings.feed.model_copy(update={"version": begun["data"].get("version")})
    return settings.model_copy(update={"feed": feed})


class _Training:
    def __init__(
        self,
        settings: TrainSettings,
        accelerator: Accelerator,
        folder: RunFolder,
        opened: Opened,
        vlm: VisionLanguageModel,
    ) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.folder = folder
        self.opened = opened
        self.vlm = vlm
        self.data = opened.data()
        self.flat = flat(settings.model_dump(mode="json"))
        self.code = {
            "engine_version": ENGINE_VERSION,
            "torch_version": torch.__version__,
            "transformers_version": transformers.__version__,
            "peft_version": peft.__version__,
        }
        folder.check(self.flat, self.data)
        self.start = folder.latest() or folder.checkpoint(0, Cursor(), float("nan"))
        # Workers are forked before MLflow starts threads and before GPU memory is used.
        self.batches = iter(self._loader()) if self.start.step < settings.loop.steps else iter(())
        optimizer = optimizer_of(vlm.model, vlm.vision_encoder, settings.optimizer)
        if self.start.step:
            restore(self.start, vlm.model, optimizer)
        module = AnswerLoss(vlm.model, vlm.family, len(settings.streams))
        self.module, self.optimizer = accelerator.prepare(module, optimizer)
        self.stepper = Stepper(settings, accelerator, self.module, self.optimizer)

    def run(self, report: Report, evaluate: Evaluator | None) -> Outcome:
        """Train to the last step; the first rank logs, saves and reports."""
        begun = self.folder.begun()
        self.accelerator.wait_for_everyone()
        known = begun["mlflow_run"] if begun else None
        tracking = self.settings.tracking
        first = self.accelerator.is_main_process
        with Run(self.settings.tracking_uri, tracking, known, report) if first else nullcontext() as run:
            if run:
                self._begin(run, known, report)
                self._look(run, self.start.step, evaluate, report)
            at = self.start
            for step in range(at.step + 1, self.settings.loop.steps + 1):
                done = self.stepper.advance(step, self.batches)
                at = self.folder.checkpoint(step, done.cursor, done.loss)
                if run:
                    self._keep(run, step, done, evaluate, report)
            self.accelerator.wait_for_everyone()
            if run:
                self._finish(run, report)
        return Outcome(at.step, at.loss, at.cursor.tokens)

    def _loader(self) -> Iterable[StepBatch]:
        loop, world = self.settings.loop, self.accelerator.num_processes
        if loop.global_batch % world:
            raise SettingsUnusable(
                f"A global batch of {loop.global_batch} examples cannot be split over {world} processes; set "
                f"loop.global_batch to a multiple of {world}."
            )
        share = Share(loop.global_batch // world, self.accelerator.process_index, world)
        collator = collator_of(self.vlm, self.settings.streams)
        make = StepMaker(collator, loop.micro_batch or share.batch_size)
        remote = any("s3://" in str(value) or "s3a://" in str(value) for value in self.flat.values())
        dataset = BatchDataset(self.opened.source, self.start.cursor, share, make)
        return loader(dataset, loop.workers, "spawn" if remote else "fork")

    def _begin(self, run: Run, known: str | None, report: Report) -> None:
        if run.run_id != known:
            self.folder.begin(self.flat, self.data, run.run_id)
            run.describe(self.flat, self.data, self.code)
        run.restore(self.start.pending)
        trainable = sum(weight.numel() for weight in self.vlm.model.parameters() if weight.requires_grad)
        total = sum(weight.numel() for weight in self.vlm.model.parameters())
        report(f"Trainable parameters: {trainable:,} of {total:,}")
        report(f"MLflow run: {run.run_id} in {masked(self.settings.tracking_uri)}")
        if self.start.step:
            report(f"Resuming from step {self.start.step}.")

    def _keep(self, run: Run, step: int, done: Step, evaluate: Evaluator | None, report: Report) -> None:
        loop = self.settings.loop
        run.record(step, done.numbers)
        if step == loop.steps or step % loop.checkpoint_every == 0 or self._looks(run, step, evaluate):
            # Before anything that may fail; it holds the metrics that are not logged, so none is lost with them.
            at = self.folder.checkpoint(step, done.cursor, done.loss, run.pending())
            self.folder.save(at, self.vlm.model, self.optimizer.optimizer, loop.keep)
            report(f"step {step}: loss {done.loss:.4f}, {done.numbers['samples_per_s']:.1f} samples/s")
            run.flush()
        self._look(run, step, evaluate, report)

    def _looks(self, run: Run, step: int, evaluate: Evaluator | None) -> bool:
        """Return whether the model answers samples and items at a step, as it does before the first one."""
        loop = self.settings.loop
        due = step == loop.steps or step % loop.sample_every == 0
        return due and step > run.looked and bool(evaluate or loop.samples)

    def _look(self, run: Run, step: int, evaluate: Evaluator | None, report: Report) -> None:
        if not self._looks(run, step, evaluate):
            return
        self.module.eval()
        try:
            run.record_looks(step, self._samples(), evaluate(self.vlm) if evaluate else [])
        except Exception as error:  # whatever a model and items may raise; the training does not depend on it
            report(f"Warning: the evaluation of step {step} failed ({cause_of(error)}); the training goes on.")
        self.module.train()

    def _samples(self) -> list[Sample]:
        examples = self.opened.first(self.settings.loop.samples)
        if not examples:
            return []
        asked = [example.turns[0] for example in examples]
        images = [example.images for example in examples]
        predictions = answers(self.vlm, images, [turn.question for turn in asked], _ANSWER_TOKENS)
        return [
            Sample(own, turn.question, turn.answer, prediction)
            for own, turn, prediction in zip(images, asked, predictions, strict=True)
        ]

    def _finish(self, run: Run, report: Report) -> None:
        run.record_losses()
        self.folder.save_model(merged(self.vlm).save)
        run.register(self.folder.model, self.data, self.code)
        report(f"Model: {self.folder.model}")
