"""Training data, training and evaluation from Python; PyTorch comes with the extra `training`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.engine.errors import EnvironmentMissing, UsageError
from vlm.errors import UNUSABLE, sentence_of

if TYPE_CHECKING:
    from jobs.views.evaluate import Evaluation
    from vlm.feed.feed import Feed
    from vlm.loop.training import Outcome


def feed(lake: str, **settings: Any) -> "Feed":
    """Return the examples of a lake's `training_examples` in one order per seed.

    `settings` are those of `vlm.feed.settings.FeedSettings`: split, seed, version, recipe, backend, ...

    Raises:
        SpatialLakeError: unusable settings, no such examples, or a missing extra.
    """
    with _failures():
        from jobs.engine.layers import validated
        from vlm.feed.feed import Feed
        from vlm.feed.settings import FeedSettings

        table = f"{str(lake).rstrip('/')}/training_examples"
        return Feed(validated(FeedSettings, {"table": table, **settings}))


def train(settings: Mapping[str, Any], report: Callable[[str], None] = print) -> "Outcome":
    """Train a vision-language model and return its last step and loss; a killed run resumes when called again.

    `settings` is a mapping as in the settings file of `spatiallake train`. Under `torchrun` this process is one rank.

    Raises:
        SpatialLakeError: settings, data, a model or a folder that cannot be used, or a missing extra.
    """
    with _failures():
        from jobs.engine.layers import validated
        from vlm.loop.settings import TrainSettings
        from vlm.loop.training import train as run

        return run(validated(TrainSettings, settings), report)


def export(lake: str, out: str, form: str = "hf", **settings: Any) -> dict[str, int]:
    """Export a lake as a data set in the format `form` to a folder or `s3://` prefix; return its rows by split.

    `settings` are those of `jobs.exporting.settings.ExportSettings`: table, splits, types, images, turns, ... A killed
    export goes on when called again. No Spark is used; the command `spatiallake export` also takes a master.

    Raises:
        SpatialLakeError: an unknown format, options that do not fit, no row to export, or an `out` in use.
    """
    from jobs.engine.layers import validated
    from jobs.exporting.command import export as run
    from jobs.exporting.layouts import export_format
    from jobs.exporting.settings import ExportSettings

    usual = {"format": form, "images": export_format(form).images[0]}
    return dict(run(str(lake), str(out), validated(ExportSettings, {**usual, **settings})).totals.rows)


def evaluate(
    items: str,
    out: str | Path,
    predictions: Sequence[str] = (),
    training: str | None = None,
    write: Sequence[str] = (),
    prediction_column: str | None = None,
) -> "Evaluation":
    """Score predictions against items and text-only baselines, and write the scores and a page to `out`.

    Every place is FORMAT:PATH, for predictions also MODEL=FORMAT:PATH, as for `spatiallake evaluate`: `items` are
    the questions with their answers, `training` those that the baselines are fitted on, and `write` more files to
    write the items to. `prediction_column` names the column with the model's answers where its name does not say so.

    Raises:
        SpatialLakeError: an unknown format, a file that cannot be read, or predictions of other items.
    """
    from jobs.views.evaluate import evaluate as score
    from jobs.views.evaluate import place_of

    return score(
        place_of(items),
        [place_of(place, prediction_column) for place in predictions],
        Path(out),
        place_of(training) if training else None,
        [place_of(place) for place in write],
    )


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise EnvironmentMissing(
            f"Training needs {error.name}; install the extra with `pip install 'spatiallake[training]'`."
        ) from error
    except UNUSABLE as error:
        raise UsageError(sentence_of(error)) from error
