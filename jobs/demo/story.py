"""`spatiallake demo`: rooms in; pages, a chain of thought and a trained model out; and what to do next."""

import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from jobs.demo.lakes import demo_lakes
from jobs.demo.thinking import Thought, think_of_one
from jobs.engine.pipeline import run
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from jobs.views.reader import LakeReader

_QUERY = "SELECT type_id, count(*) AS answers FROM qa_pairs GROUP BY type_id ORDER BY type_id"
_COUNTS = "SELECT count(*) AS answers, count(DISTINCT image_id) AS images, count(DISTINCT type_id) AS types FROM t"
_WITHOUT = "not shown: it needs {}; install it with `pip install 'spatiallake[{}]'`, then run the demo again."


class Told(NamedTuple):
    """A line of the demo's end: what it is about, and what is said."""

    about: str
    text: str


def demo(lake: str, rooms: int, seed: int, reporter: Reporter) -> list[Told]:
    """Make the demo's lakes, pages and model below `lake`; return what to print at the end, line by line.

    Run again, it goes on where it was stopped.
    """
    folder = lake.rstrip("/")
    preview, report = demo_lakes(folder, rooms, seed, reporter)
    (counted,) = LakeReader(folder).query("qa_pairs", _COUNTS)
    made = "{answers:,} answers about {images} of {{}} images, of {types} question types".format(**counted)
    return [
        Told("Pages", f"{preview}   images, boxes and questions beside the truth"),
        Told("", f"{report}   yield, reasons and plots"),
        Told("Answers", made.format(rooms)),
        *_thought(folder, seed, reporter),
        *_trained(folder, seed, reporter),
        *next_steps(lake),
    ]


def next_steps(lake: str) -> list[Told]:
    """Return what to do next, as commands that work as printed in the current folder, whatever the PATH holds."""
    named = shlex.quote(lake)
    return [
        Told("Next", f'{_command()} sql "{_QUERY}" --lake {named}'),
        Told("your images", f"{_command()} run --crawl FOLDER --lake LAKE --experts docs/profiles/hub.yaml"),
        Told("your RGB-D", f"{_command()} run --crawl MANIFEST --lake LAKE --experts sensor"),
        Told("a cluster", f"{_command()} plan --images 10000000 --pilot {named}"),
    ]


def _thought(lake: str, seed: int, reporter: Reporter) -> list[Told]:
    reporter.say("Asking one image a question that takes several measurements.")
    page = Path(lake, "thought.html")
    found: Thought | None = think_of_one(lake, "builtin", page, seed)
    if found is None:
        return [Told("Thought", "no question that takes several measurements could be answered")]
    return [Told("Thought", found.question), Told("", found.answer), Told("", f"{page.resolve()}   step by step")]


def _trained(lake: str, seed: int, reporter: Reporter) -> list[Told]:
    from jobs.demo.training import STEPS, train_a_little

    reporter.say(f"Training a tiny model of random weights for {STEPS} steps.")
    run(load_settings({"lake": lake, "experts": "builtin"}, None, []), ["examples"], reporter=reporter)
    plot = Path(lake, "loss.png")
    try:
        losses = train_a_little(lake, Path(lake, "training"), plot, seed).losses
    except ModuleNotFoundError as error:
        return [Told("Training", _WITHOUT.format(error.name, "training"))]
    fell = f"loss {losses[0]:.2f} at step 1, {losses[-1]:.2f} at step {len(losses)}, nats per answer token"
    return [Told("Training", fell), Told("", f"{plot.resolve()}   the loss of every step")]


def _command() -> str:
    # `make` runs the command with the environment on the PATH, which the user's shell does not have.
    script = Path(sys.executable).with_name("spatiallake")
    if not script.exists():
        return shlex.join([sys.executable, "-m", "spatiallake"])
    here = Path.cwd()
    return shlex.quote(str(script.relative_to(here)) if here in script.parents[1:] else str(script))
