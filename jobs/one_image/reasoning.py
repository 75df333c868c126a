"""The work of the command `reason`: planners, answers, the transcript and its page."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from pydantic import ValidationError

from jobs.engine.errors import ModelFailed, UsageError
from vlm.evaluation.predictors.checkpoint import Checkpoint, CheckpointSettings
from vlm.evaluation.predictors.endpoint import Endpoint, EndpointSettings
from vlm.evaluation.predictors.predictor import Predictor
from vlm.reason.answers import Answers, is_camera, typed
from vlm.reason.chatting import ChatPlanner, ChatPlannerSettings
from vlm.reason.geometry import GeometryAnswers
from vlm.reason.loop import ANSWERED, STOPPED, Known, Limits, reason
from vlm.reason.models import ModelAnswers
from vlm.reason.names import Names, NotNamed
from vlm.reason.offline.planner import OfflinePlanner
from vlm.reason.planner import Planner, Task
from vlm.reason.replay import ReplayAnswers, ReplayPlanner
from vlm.reason.tools import Ask, BadCall, Distance, Size, tool_of
from vlm.reason.transcript import Step, Transcript, TranscriptUnreadable, read_transcript
from vlm.reason.values import Number, row_of

if TYPE_CHECKING:
    from jobs.one_image.measured import Measured
    from jobs.views.pages.projection import Segment
    from udfs.questions.spans import Line

OFFLINE, GEOMETRY = "offline", "geometry"


@dataclass(frozen=True)
class Source:
    """A planner or a source of answers, as an option names it: `place` is a word, a URL, a folder or a file.

    `option` is that of a command, such as `answers`, or a setting, such as `reward.answers`.
    """

    place: str
    option: str
    model: str | None = None
    key: str | None = None

    @property
    def is_url(self) -> bool:
        """Return whether it is an endpoint."""
        return is_url(self.place)

    def named(self, part: str = "") -> str:
        """Return the option, or the one that names a part of the source, as a user writes it."""
        setting = "." in self.option
        name = f"{self.option}{'_' if setting else '-'}{part}" if part else self.option
        return name if setting else f"--{name}"

    def endpoint(self) -> dict[str, Any]:
        """Return the settings of an endpoint.

        Raises:
            UsageError: no model is named, or the variable of the key is not set.
        """
        if not self.model:
            raise UsageError(f"{self.named()} {self.place} needs {self.named('model')}; name the model there.")
        if self.key and not os.environ.get(self.key):
            raise UsageError(
                f"The environment variable {self.key} named by {self.named('key')} is not set; set it to the API key."
            )
        return {"url": self.place, "model": self.model, "key": os.environ.get(self.key) if self.key else None}


def planner_of(source: Source, sees_image: bool) -> Planner:
    """Return a planner: the word "offline", the URL of an endpoint, or the file of a transcript.

    Raises:
        UsageError: it is none of these.
    """
    if source.place == OFFLINE:
        return OfflinePlanner()
    if source.is_url:
        return ChatPlanner(valid(ChatPlannerSettings, {**source.endpoint(), "sees_image": sees_image}))
    return ReplayPlanner(transcript_at(Path(source.place)))


def answers_of(source: Source, image: bytes, measured: "Measured | None", relative_error: float | None) -> Answers:
    """Return a source of answers: the word "geometry", the URL of an endpoint, a folder or the file of a transcript.

    Raises:
        UsageError: it is none of these.
    """
    if source.place == GEOMETRY and measured is not None:
        return geometry_of(measured)
    if Path(source.place).is_file():
        return ReplayAnswers(transcript_at(Path(source.place)))
    names = geometry_of(measured).names.listed if measured else ()
    return ModelAnswers(predictor_of(source), image, names, relative_error)


def predictor_of(source: Source) -> Predictor:
    """Return the model that answers: behind the URL of an endpoint, or in a folder.

    Raises:
        UsageError: it is neither.
    """
    if source.is_url:
        settings = valid(EndpointSettings, {**source.endpoint(), "concurrency": 1})
        return Endpoint(settings.model, settings)
    if not Path(source.place).is_dir():
        raise UsageError(
            f"{source.named()} {source.place} is neither geometry, the URL of an endpoint, the folder of a model nor "
            "the file of a transcript; name one of them."
        )
    return Checkpoint(Path(source.place).name, CheckpointSettings(place=source.place, batch=1))


def geometry_of(measured: "Measured") -> GeometryAnswers:
    """Return the answers of a measured scene."""
    return GeometryAnswers(measured.scene, measured.references["references"], measured.lifted["regions"])


def transcript_at(path: Path) -> Transcript:
    """Return the transcript of a file.

    Raises:
        UsageError: it holds none.
    """
    try:
        return read_transcript(path)
    except TranscriptUnreadable as error:
        raise UsageError(str(error)) from error


@dataclass(frozen=True)
class Asked:
    """A question about the bytes of an image file, and the file of its transcript."""

    question: str
    image: bytes
    transcript: Path | None = None


def reasoned(asked: Asked, planner: Planner, answers: Answers, limits: Limits) -> Transcript:
    """Answer a question and write its transcript; calls and answers that the file holds already are not made again."""
    place = asked.transcript
    earlier = transcript_at(place) if place is not None and place.exists() else None
    task = Task(asked.question, answers.names, asked.image)
    made = reason(task, planner, answers, limits, Known.of(earlier))
    made.image = hashlib.sha256(asked.image).hexdigest()
    if place is not None:
        made.write(place)
    return made


def is_url(place: str) -> bool:
    """Return whether a place is an endpoint."""
    return place.startswith(("http://", "https://"))


def limits_of(given: Mapping[str, Any]) -> Limits:
    """Return the limits that options set.

    Raises:
        UsageError: one of them cannot be used.
    """
    return valid(Limits, {name: value for name, value in given.items() if value is not None})


def require_end(made: Transcript) -> None:
    """Raise where a chain of thought was stopped.

    Raises:
        ModelFailed, UsageError: by a model, or by the offline planner.
    """
    if made.ending is None or made.ending.state == STOPPED:
        sentence = made.ending.text if made.ending else "The chain of thought did not end."
        raise (UsageError if made.planner.startswith(OFFLINE) else ModelFailed)(sentence)


def is_answered(made: Transcript) -> bool:
    """Return whether a chain of thought ended with an answer."""
    return made.ending is not None and made.ending.state == ANSWERED


def as_json(made: Transcript) -> str:
    """Return the end of a transcript as one JSON object."""
    ending = made.ending
    value = next((step.value for step in made.steps if ending and step.result == ending.result), None)
    told = {"question": made.question, "state": ending.state if ending else None, "text": ending.text if ending else ""}
    return json.dumps({**told, "value": row_of(value), "steps": len(made.steps), "tokens": made.tokens})


def write_page(made: Transcript, image: bytes, measured: "Measured | None", out: Path) -> None:
    """Write the page of a transcript beside the image, with lengths drawn in where the scene is known."""
    from jobs.views.pages.reasoning import Drawn, write_reasoning_page
    from udfs.pixels.decoding import upright_rgb

    if measured is None:
        with Image.open(io.BytesIO(image)) as opened:
            width, height = upright_rgb(opened).size
        write_reasoning_page(made, Drawn(image, width, height, {}), out)
        return
    names = geometry_of(measured).names
    lines = {step.result: found for step in made.steps if (found := lines_of(step, measured, names))}
    scene = measured.scene
    write_reasoning_page(made, Drawn(measured.content, scene["width"], scene["height"], lines), out)


def lines_of(step: Step, measured: "Measured", names: Names) -> list["Segment"]:
    """Return where the length of a step was measured, as lines on the image; none for what is no length."""
    import numpy as np

    from jobs.views.pages.projection import line_segment

    segments = [line_segment(np.stack(line), measured.view) for line in spans_of(step, measured, names)]
    return [one for one in segments if one is not None]


def spans_of(step: Step, measured: "Measured", names: Names) -> list["Line"]:
    """Return between which points of W the length of a step was measured, m; none for what is no length."""
    from udfs.questions.refusals import NotAnswered

    if not isinstance(step.value, Number):
        return []
    try:
        asked = _measured_type(step, measured, names)
    except (BadCall, NotNamed, NotAnswered):
        return []
    return measured.lines(*asked, step.value.value) if asked else []


def _measured_type(step: Step, measured: "Measured", names: Names) -> tuple[str, list[int], str] | None:
    """Return the type of a step's question, the objects it measured and its variant; None for other steps."""
    from udfs.questions.reading.reader import Reading
    from udfs.questions.refusals import NotAnswered
    from udfs.questions.registry import question_type

    query = tool_of(step.tool, step.arguments)
    if isinstance(query, Ask):
        reading = measured.asked.read(query.question)
    else:
        asked = typed(query) if isinstance(query, Distance | Size) else None
        if asked is None:
            return None
        ids = tuple(names.of(name) for name in asked.objects if not is_camera(name))
        reading = Reading(question_type(asked.type_id), ids, asked.side)
    try:
        variant = measured.asked.pick(reading).variant
    except NotAnswered:  # too uncertain to be told, though not to be compared
        variant = reading.variant or ""
    return reading.kind.type_id, list(reading.object_ids), variant


def valid(kind: Any, values: Mapping[str, Any]) -> Any:
    """Return settings of a kind.

    Raises:
        UsageError: one of them cannot be used.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{place} {values.get(place)!r} cannot be used: {first['msg']}.") from None
