"""Models that `spatiallake evaluate` asks itself, from what a command line says."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.engine.errors import UsageError
from vlm.evaluation.predictors.checkpoint import Checkpoint, CheckpointSettings
from vlm.evaluation.predictors.endpoint import Endpoint, EndpointSettings
from vlm.evaluation.predictors.views import View


def checkpoints(models: Sequence[str], options: Mapping[str, Any]) -> list[Checkpoint]:
    """Return the models of NAME=FOLDER, NAME=HUB_ID, or one of these without a name."""
    found = []
    for text in models:
        name, _, place = text.rpartition("=")
        own = CheckpointSettings.model_validate({**options, "place": place})
        found.append(Checkpoint(name or Path(place).name, own))
    return found


def endpoints(models: Sequence[str], key: str | None, options: Mapping[str, Any]) -> list[Endpoint]:
    """Return the models of an endpoint, each called as it is there; `key` names an environment variable.

    Raises:
        UsageError: an endpoint without a model or a model without an endpoint, or a variable that is not set.
    """
    if bool(models) != bool(options["url"]):
        there, missing = ("--endpoint", "--endpoint-model") if options["url"] else ("--endpoint-model", "--endpoint")
        raise UsageError(f"{there} needs {missing}; name both.")
    if key and not os.environ.get(key):
        raise UsageError(
            f"The environment variable {key} of --endpoint-key is not set; put the key of the endpoint in it."
        )
    held = os.environ.get(key) if key else None
    return [Endpoint(one, EndpointSettings.model_validate({**options, "model": one, "key": held})) for one in models]


def views(blind: bool) -> tuple[View, ...]:
    """Return how items are shown: as they are, and where `blind` also with blanked images and without any."""
    return tuple(View) if blind else (View.WHOLE,)
