"""Models that `spatiallake evaluate` runs itself, from its command line."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.engine.errors import UsageError
from vlm.evaluation.predictors.checkpoint import Checkpoint, CheckpointSettings
from vlm.evaluation.predictors.endpoint import Endpoint, EndpointSettings
from vlm.evaluation.predictors.views import View


def checkpoints(models: Sequence[str], options: Mapping[str, Any]) -> list[Checkpoint]:
    """Return local models from NAME=FOLDER or NAME=HUB_ID, where NAME= is optional."""
    predictors = []
    for text in models:
        name, _, place = text.rpartition("=")
        own = CheckpointSettings.model_validate({**options, "place": place})
        predictors.append(Checkpoint(name or Path(place).name, own))
    return predictors


def endpoints(models: Sequence[str], key: str | None, options: Mapping[str, Any]) -> list[Endpoint]:
    """Return the models of an endpoint under their names there; `key` is the name of an environment variable.

    Raises:
        UsageError: only one of endpoint and model is named, or the variable is not set.
    """
    if bool(models) != bool(options["url"]):
        given, missing = ("--endpoint", "--endpoint-model") if options["url"] else ("--endpoint-model", "--endpoint")
        raise UsageError(f"{given} needs {missing}; give both.")
    if key and not os.environ.get(key):
        raise UsageError(f"The environment variable {key} named by --endpoint-key is not set; set it to the API key.")
    secret = os.environ.get(key) if key else None
    return [Endpoint(one, EndpointSettings.model_validate({**options, "model": one, "key": secret})) for one in models]


def views(blind: bool) -> tuple[View, ...]:
    """Return the input ablations: none, and with `blind` also blanked images and text only."""
    return tuple(View) if blind else (View.WHOLE,)
