"""The work of the command `ask`, and the first part of `reason`: what is known about an image, and what it measures."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.engine.errors import UsageError
from udfs.experts.scope import scope_of_profile

if TYPE_CHECKING:
    from jobs.engine.settings import RunSettings
    from jobs.one_image.measured import Measured, Thing
    from jobs.one_image.measuring import Given
    from udfs.questions.answer import Answer

BUILTIN_KNOWS = (
    "The built-in networks find what is not given ({parts}); they know rendered rooms only, so give depth and masks of "
    "a real image, or --experts with models for it."
)
_CAMERA = ("fx", "fy", "cx", "cy")
_SIDECAR = ("camera", "gravity", "objects", "depth", "instances")
_DRAWINGS = (".png", ".jpg", ".jpeg", ".webp")
_EXAMPLES = 5


@dataclass(frozen=True)
class About:
    """What is known about an image, as the options of the command say it; every part is optional.

    `sidecar` is a JSON file with fields of a crawl's manifest row, whose files lie beside it; the other options replace
    its fields. `camera` and `gravity` are numbers with commas between.
    """

    sidecar: Path | None = None
    depth: Path | None = None
    masks: Path | None = None
    objects: Path | None = None
    camera: str | None = None
    gravity: str | None = None


def given_by(about: About) -> "Given":
    """Return the arguments of `measure` that say what is known.

    Raises:
        UsageError: a file is not there or no JSON, or numbers are missing.
    """
    row = _json(about.sidecar) if about.sidecar else {}
    if not isinstance(row, dict):
        raise UsageError(f"{about.sidecar} holds no JSON object; write one with any of {', '.join(_SIDECAR)}.")
    given: Any = {name: row[name] for name in ("camera", "gravity", "objects") if row.get(name)}
    for name, argument in (("depth", "depth"), ("instances", "masks")):
        if about.sidecar and row.get(name):
            given[argument] = about.sidecar.parent / str(row[name])
    given |= {name: path for name, path in (("depth", about.depth), ("masks", about.masks)) if path}
    for name in ("depth", "masks"):
        if name in given and not given[name].is_file():
            raise UsageError(f"The {name} {given[name]} is no file; name a PNG.")
    if about.objects:
        given["objects"] = _json(about.objects)
    if not isinstance(given.get("objects", []), list):
        raise UsageError(f'{about.objects or about.sidecar} has no list of objects; write one such as ["mug"].')
    if about.camera:
        given["camera"] = dict(zip(_CAMERA, _numbers(about.camera, 4, "--camera FX,FY,CX,CY"), strict=True))
    if about.gravity:
        given["gravity"] = _numbers(about.gravity, 3, "--gravity X,Y,Z")
    return given


def require_image(image: Path) -> None:
    """Refuse an image that is no file.

    Raises:
        UsageError: it is none.
    """
    if not image.is_file():
        raise UsageError(f"The image {image} is no file; name a JPEG, PNG or WebP.")


def measured_by(
    settings: "RunSettings", image: Path, given: "Given", by_profile: bool, say: Callable[[str], object]
) -> "Measured":
    """Measure an image; `by_profile`, the experts of the settings find everything, else the built-in networks the rest.

    Raises:
        ImageRejected: the image cannot be read, or nothing in it can be measured.
        SpatialLakeError: unusable values, or the extra `experts` is missing.
    """
    missing = " and ".join(name for name in ("depth", "masks") if name not in given)
    if missing and not by_profile:
        say(BUILTIN_KNOWS.format(parts=missing))
    elif by_profile and (scope := scope_of_profile(settings.profile())):
        say(scope.before)
    # What comes with it takes longer than the checks before.
    from jobs.one_image.measuring import measure_with

    return measure_with(settings, image, given, by_profile)


def answered(measured: "Measured", question: str) -> "Answer":
    """Return the answer to a question; what is not one question of the engine, the offline planner takes apart."""
    answer = measured.answer(question)
    if answer.reason != "not_understood":
        return answer
    # What comes with it is needed for such questions only.
    from jobs.one_image.reasoning import geometry_of
    from vlm.reason.loop import ANSWERED, REFUSED, reason
    from vlm.reason.offline.planner import OfflinePlanner
    from vlm.reason.planner import Task
    from vlm.reason.values import Number

    answers = geometry_of(measured)
    made = reason(Task(question, answers.names), OfflinePlanner(), answers)
    ending, asked_alone = made.ending, all(step.tool in ("ask", "finish") for step in made.steps)
    if ending is None or asked_alone or ending.state not in (ANSWERED, REFUSED):
        return answer
    if ending.state == REFUSED:
        return replace(answer, text=ending.text, reason="undecided", near=())
    value = next((step.value for step in made.steps if step.result == ending.result), None)
    told = replace(answer, text=ending.text, reason=None, near=())
    return replace(told, value=value.value, sigma=value.error, unit=value.unit) if isinstance(value, Number) else told


def said(measured: "Measured", answers: Sequence["Answer"]) -> str:
    """Return the answers as text: one line each, after its question where there are several."""
    if not answers:
        return listing(measured)
    if len(answers) == 1:
        return answers[0].text
    return "\n".join(f"{answer.question}\n  {answer.text}" for answer in answers)


def listing(measured: "Measured") -> str:
    """Return the objects with their sizes, and a few questions that can be asked."""
    named = [(f"{measured.asked.called[thing.object_id]}", thing) for thing in measured.things]
    width = max(len(name) for name, _ in named)
    lines = [f"{name:{width}}  {_size(thing)}" for name, thing in named]
    return "\n".join([*lines, "", "Ask, for example:", *measured.asked.near_questions(count=_EXAMPLES)])


def as_json(measured: "Measured", answers: Sequence["Answer"]) -> str:
    """Return objects and answers as one JSON object."""
    objects = [
        {**thing._asdict(), "support": thing.support["kind"] if thing.support else None} for thing in measured.things
    ]
    gravity = measured.gravity._asdict() if measured.gravity else None
    told = {
        "objects": objects,
        "gravity": gravity,
        "errors": measured.errors._asdict(),
        "knows": measured.knows,
        "notes": measured.notes,
        "answers": [answer.as_dict() for answer in answers],
        "near": [] if answers else measured.asked.near_questions(count=_EXAMPLES),
    }
    return json.dumps(told, ensure_ascii=False)


def require_drawable(out: Path) -> None:
    """Refuse a place at which no image can be written.

    Raises:
        UsageError: the folder is not there, or the name is that of no image format.
    """
    if not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} for the drawing; make it, or name another.")
    if out.suffix.lower() not in _DRAWINGS:
        raise UsageError(f"{out} is no name of a drawing; end it in {', '.join(_DRAWINGS)}.")


def draw_to(measured: "Measured", answers: Sequence["Answer"], out: Path) -> None:
    """Write the image with the first answer's length drawn in, or with all objects where nothing was answered."""
    answered = next((answer for answer in answers if answer.answered), None)
    measured.draw(answered).save(out)


def _size(thing: "Thing") -> str:
    from jobs.views.pages.wording import dimensions, meters

    away = f"{meters(thing.distance_m)} away"
    if thing.size_m is None:
        return away
    known = "" if thing.size_known else ", seen in part"
    return f"{dimensions(thing.size_m)} (width × height × depth{known}), {away}"


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name a JSON file.") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON ({error}); correct it.") from error


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise UsageError(f"{text!r} is not {count} numbers with commas between; write {option}.")
    return numbers
