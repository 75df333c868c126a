"""The process that measures and answers: hostile images and endless questions end here, and not in the server.

Its argument is the file descriptor of its end of a duplex pipe. In: `Sources`, then one job after the other. Out: a
sentence that says why it cannot start, or None; then for each job any number of `Told`, and one `Done` or `Refusal`.
"""

import os
import pickle
import re
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from jobs.one_image.reasoning import (
    GEOMETRY,
    Source,
    geometry_of,
    planner_of,
    predictor_of,
    spans_of,
)
from jobs.serving.reading import GivenImage
from vlm.reason.answers import Answers
from vlm.reason.loop import STOPPED, Limits, reason, told
from vlm.reason.models import ModelAnswers
from vlm.reason.planner import Task
from vlm.reason.transcript import Step, Transcript
from vlm.reason.values import Number, Thing, row_of

if TYPE_CHECKING:
    from jobs.engine.settings import RunSettings
    from jobs.one_image.measured import Measured
    from vlm.evaluation.predictors.predictor import Predictor

# Scenes that a worker keeps ready, whose answers take milliseconds.
_READY = 8
_MAX_STEPS = 64
# How libraries name an object of theirs in an error.
_ADDRESS = re.compile(r" ?<[^<>]* at 0x[0-9a-f]+>")


@dataclass(frozen=True)
class Sources:
    """What a worker measures with, and where plans and answers come from."""

    settings: "RunSettings"
    by_profile: bool
    planner: Source
    answers: Source
    sees_image: bool = False
    relative_error: float | None = None

    @property
    def measures(self) -> bool:
        """Return whether answers come from the measured scene."""
        return self.answers.place == GEOMETRY

    @property
    def is_remote(self) -> bool:
        """Return whether a question may be stopped by what is not the question's fault."""
        return not self.measures or self.planner.is_url


class Measure(NamedTuple):
    """Measure an image; the answer is the scene, pickled."""

    key: str
    given_image: GivenImage


class Look(NamedTuple):
    """Return a scene as the page shows it."""

    key: str
    scene: bytes | None


class Question(NamedTuple):
    """Answer a question about an image, of which `scene` is the pickled scene where it is measured."""

    key: str
    scene: bytes | None
    content: bytes
    text: str
    seconds: float


class Told(NamedTuple):
    """A step of a chain of thought, as the client sees it."""

    step: dict[str, Any]


class Done(NamedTuple):
    """The result of a job, and the scenes that the worker has ready."""

    result: Any
    ready: tuple[str, ...] = ()


class Refusal(NamedTuple):
    """Why a job has no result: one sentence, with a code."""

    message: str
    code: str | None
    status: int = 400


def main() -> None:
    """Serve one server until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which ends its workers
    connection = Connection(int(sys.argv[1]))
    sources = connection.recv()
    try:
        worker = Worker(sources)
        worker.warm_up()
    except Exception as error:  # sent as a sentence: a traceback does not help a user who named a wrong model
        connection.send(" ".join(str(error).split())[:500] or type(error).__name__)
        return
    connection.send(None)
    waiting: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, waiting), daemon=True).start()
    while True:
        job = waiting.get()
        try:
            connection.send(Done(worker.result(job, connection.send), worker.ready))
        except Exception as error:
            connection.send(_refusal(error))


def _receive(connection: Connection, waiting: "SimpleQueue[Any]") -> None:
    while True:
        try:
            waiting.put(connection.recv())
        except (EOFError, OSError):
            os._exit(os.EX_OK)  # the server is gone, whatever is being measured


class Worker:
    """Measures images, shows scenes and answers questions, one job at a time."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._planner = planner_of(sources.planner, sources.sees_image)
        self._predictor: Predictor | None = None if sources.measures else predictor_of(sources.answers)
        self._scenes: OrderedDict[str, tuple[Measured, Answers]] = OrderedDict()

    @property
    def ready(self) -> tuple[str, ...]:
        """Return the keys of the scenes that need not be sent."""
        return tuple(self._scenes)

    def warm_up(self) -> None:
        """Load what the first request would wait for.

        Raises:
            SpatialLakeError, PredictorUnusable: an expert or a model cannot be used.
        """
        import io

        from PIL import Image

        from jobs.one_image.measuring import ImageRejected
        from vlm.reason.names import Names

        Names.listed_as(("mug",)).worded("How tall is the mug?")
        if self._predictor is not None:
            self._predictor.identity()
            return
        buffer = io.BytesIO()
        Image.new("RGB", (64, 48)).save(buffer, "PNG")
        with suppress(ImageRejected):  # there is nothing in it
            self._measured(GivenImage(buffer.getvalue()))

    def result(self, job: Any, tell: Callable[[Told], object]) -> Any:
        """Return the result of a job; `tell` is given every step on the way.

        Raises:
            ImageRejected, SpatialLakeError, ValidationError: the image or what is said about it cannot be used.
        """
        match job:
            case Measure(key=key, given_image=given_image):
                measured = self._measured(given_image)
                self._keep(key, measured)
                return pickle.dumps(measured)
            case Look(key=key, scene=scene):
                from jobs.views.pages.scene import scene_of

                return scene_of(self._scene(key, scene)[0])
            case Question():
                return self._answered(job, tell)
        raise TypeError(f"{type(job).__name__} is no job.")

    def _measured(self, given_image: GivenImage) -> "Measured":
        from jobs.one_image.measuring import measure_with

        given = dict(given_image.given)
        focal_px = given.pop("focal_px", None)
        if focal_px:
            given["camera"] = _centered(given_image.content, focal_px)
        return measure_with(self._sources.settings, given_image.content, given, self._sources.by_profile)  # pyright: ignore

    def _keep(self, key: str, measured: "Measured") -> "tuple[Measured, Answers]":
        self._scenes[key] = measured, geometry_of(measured)
        while len(self._scenes) > _READY:
            self._scenes.popitem(last=False)
        return self._scenes[key]

    def _scene(self, key: str, scene: bytes | None) -> "tuple[Measured, Answers]":
        if key in self._scenes:
            self._scenes.move_to_end(key)
            return self._scenes[key]
        if scene is None:
            raise KeyError(key)
        return self._keep(key, pickle.loads(scene))

    def _answered(self, job: Question, tell: Callable[[Told], object]) -> dict[str, Any]:
        measured: Measured | None = None
        if self._predictor is None:
            measured, answers = self._scene(job.key, job.scene)
        else:
            self._require_readable(job.content)
            answers = ModelAnswers(self._predictor, job.content, (), self._sources.relative_error)
        limits = Limits(steps=_MAX_STEPS, seconds=job.seconds)
        task = Task(job.text, answers.names, measured.content if measured else job.content)
        made = reason(
            task, self._planner, answers, limits, watch=lambda step: tell(Told(_shown(step, measured, answers)))
        )
        return _ended(made)

    def _require_readable(self, content: bytes) -> None:
        from udfs.crawl.image_file import image_columns

        image_columns(content, self._sources.settings.ingest)


def _shown(step: Step, measured: "Measured | None", answers: Answers) -> dict[str, Any]:
    """Return a step as the page draws it: texts, the value, and the measured lines in the image (px) and in W (m)."""
    from jobs.views.pages.scene import spans_shown

    spans = spans_of(step, measured, answers.names) if measured else []
    arguments = step.arguments if isinstance(step.arguments, dict) else {"": step.arguments}
    value = step.value
    ends = step.tool == "finish" and step.fault is None
    return {
        "result": step.result,
        "tool": step.tool or "no tool",
        "text": str(arguments.get("result", "") if ends else ", ".join(map(str, arguments.values())))[:400],
        "outcome": step.fault or (told(value) if value is not None else step.raw)[:400],
        "failed": step.fault is not None,
        "ends": ends,
        "value": row_of(value),
        "said": value.said(with_error=False) if isinstance(value, Number) else "",
        "point": list(value.point) if isinstance(value, Thing) and value.point else None,
        "seconds": round(step.seconds, 4),
        "lines": spans_shown(spans, measured.view) if measured else [],
    }


def _ended(made: Transcript) -> dict[str, Any]:
    ending = made.ending
    value = next((step.value for step in made.steps if ending and step.result == ending.result), None)
    return {
        "state": ending.state if ending else STOPPED,
        "text": ending.text if ending else "The chain of thought did not end.",
        "result": ending.result if ending else None,
        "value": row_of(value),
        "steps": len(made.steps),
        "tokens": made.tokens,
    }


def _centered(content: bytes, focal_px: float) -> dict[str, float]:
    """Return a camera with a focal length that looks through the center of the stored image."""
    import io

    from PIL import Image

    from jobs.one_image.measuring import ImageRejected

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
            width, height = opened.size
    except Exception as error:  # decoders raise anything on corrupt bytes
        raise ImageRejected("undecodable", "The image cannot be read; send a JPEG, PNG or WebP.") from error
    return {"fx": focal_px, "fy": focal_px, "cx": (width - 1) / 2, "cy": (height - 1) / 2}


def _refusal(error: Exception) -> Refusal:
    from pydantic import ValidationError

    from jobs.engine.errors import SpatialLakeError, UsageError
    from jobs.one_image.measuring import ImageRejected
    from udfs.stages.rows import RowRejected

    text = _ADDRESS.sub("", " ".join(str(error).split()))[:500]
    if isinstance(error, ImageRejected | RowRejected):
        return Refusal(text, str(error.reason))
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"])
        return Refusal(f"spatiallake.{place[:120]} cannot be used: {first['msg']}.", "invalid_value")
    if isinstance(error, UsageError):
        return Refusal(text, "invalid_value")
    if isinstance(error, SpatialLakeError):
        return Refusal(text, None, 503)
    print(f"spatiallake: {type(error).__name__}: {text}", file=sys.stderr)
    return Refusal("The server could not answer this; the reason is in its log.", "internal_error", 500)
