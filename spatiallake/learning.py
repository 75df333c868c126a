"""Training data, training and evaluation from Python; PyTorch comes with the extra `training`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.views.evaluate import Evaluation
    from vlm.feed.feed import Feed
    from vlm.loop.training import Outcome


def feed(lake: str, **settings: Any) -> "Feed":
    """Return the examples of a lake's `training_examples` in one order per seed.

    `settings` are those of `vlm.feed.settings.FeedSettings`: split, seed, version, recipe, backend, ...

    Raises:
        SpatialLakeError: unusable settings.
        vlm.feed.errors.FeedError: there are no such examples.
    """
    from jobs.engine.settings import validated
    from vlm.feed.feed import Feed
    from vlm.feed.settings import FeedSettings

    return Feed(validated(FeedSettings, {"table": f"{str(lake).rstrip('/')}/training_examples", **settings}))


def train(settings: Mapping[str, Any], report: Callable[[str], None] = print) -> "Outcome":
    """Train a vision-language model and return its last step and loss; a killed run resumes when called again.

    `settings` is a mapping as in the settings file of `spatiallake train`. Under `torchrun` this process is one rank.

    Raises:
        SpatialLakeError: settings, data, a model or a folder that cannot be used, or a missing extra.
    """
    from jobs.train import train as run

    return run(dict(settings), None, (), report)


def evaluate(
    items: str,
    out: str | Path,
    predictions: Sequence[str] = (),
    training: str | None = None,
    write: Sequence[str] = (),
) -> "Evaluation":
    """Score predictions against items and text-only baselines, and write the scores and a page to `out`.

    Every place is FORMAT:PATH, for predictions also MODEL=FORMAT:PATH, as for `spatiallake evaluate`: `items` are
    the questions with their answers, `training` those that the baselines are fitted on, and `write` more files to
    write the items to.

    Raises:
        SpatialLakeError: an unknown format, a file that cannot be read, or predictions of other items.
    """
    from jobs.views.evaluate import evaluate as score
    from jobs.views.evaluate import place_of

    return score(
        place_of(items),
        [place_of(place) for place in predictions],
        Path(out),
        place_of(training) if training else None,
        [place_of(place) for place in write],
    )
