"""Train a vision-language model: settings from flags and files, failures in one sentence."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.engine.errors import EnvironmentMissing, UsageError
from jobs.engine.layers import merged_settings, validated


def train(flags: dict[str, Any], settings_file: str | None, overrides: Sequence[str], report: Callable) -> Any:
    """Return the outcome of a run, of which this process is one rank.

    Raises:
        EnvironmentMissing: the extra is not installed.
        UsageError: settings, data, a model or a folder that cannot be used.
    """
    try:
        from vlm.loop.errors import UNUSABLE, sentence_of
        from vlm.loop.settings import TrainSettings
        from vlm.loop.training import train as run
    except ModuleNotFoundError as error:
        raise EnvironmentMissing(
            f"Training needs {error.name}; install the extra with `pip install 'spatiallake[training]'`."
        ) from error
    settings = validated(TrainSettings, merged_settings({}, settings_file, overrides, flags))
    try:
        return run(settings, report)
    except UNUSABLE as error:
        raise UsageError(sentence_of(error)) from error
