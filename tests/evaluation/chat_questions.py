"""Questions for a model behind an endpoint, a model that knows them, and the command that asks it."""

import io
import json

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from jobs.cli.options import app
from tests.evaluation.chat_server import says
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import write_items

COUNT = 12


def pixels(number):
    return np.random.default_rng(number).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def png(array, form="PNG"):
    held = io.BytesIO()
    Image.fromarray(array).save(held, form)
    return held.getvalue()


def question(number):
    return f"Is thing {number} left of the other?"


def write_questions(path):
    """Write the questions, each with an image of its own."""
    made = [
        Item(
            item_id=f"i{number}",
            number=number,
            source="spatiallake",
            kind=Kind.BOOL,
            type_id="Q01",
            question=question(number),
            answer="Yes." if number % 2 else "No.",
            truth=Truth(yes=bool(number % 2)),
            images=(ItemImage(data=png(pixels(number))),),
            kinds=("cup", "jar"),
        )
        for number in range(COUNT)
    ]
    assert write_items("spatiallake", made, path) == []
    return path


def number_of(request):
    return next(number for number in range(COUNT) if question(number) == request.prompt)


def looks(request, before):
    """A model that knows the images apart, and says no to every other one."""
    number = number_of(request)
    seen = request.images and np.array_equal(request.images[0], pixels(number))
    return says("Yes." if seen and number % 2 else "No.")


def run(items, url, out, *more, key=None):
    arguments = ["evaluate", "--items", f"spatiallake:{items}", "--out", str(out), "--json"]
    if url:
        arguments += ["--endpoint", url, "--endpoint-model", "tiny"]
    return CliRunner().invoke(app, [*arguments, "--concurrency", "4", *more], env=key or {})


def scores(out):
    return {one["model"]: one for one in json.loads((out / "scores.json").read_text())["models"]}
