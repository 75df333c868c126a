"""Why a run cannot start or go on; every message states the value and the remedy."""

from udfs.storage.locations import UnservedLocation
from vlm.feed.errors import FeedError
from vlm.mixture.errors import MixtureError
from vlm.model.errors import ModelError


class LoopError(Exception):
    """Base of all."""


class RunDiffers(LoopError):
    """A folder that holds a run of other settings or other data."""


class SettingsUnusable(LoopError):
    """Settings that do not fit each other, or the number of processes."""


class LossDiverged(LoopError):
    """A loss that is no number any more."""


# All that a run ends with where its data, model, folder or settings cannot be used.
UNUSABLE = (FeedError, MixtureError, ModelError, LoopError, UnservedLocation)


def sentence_of(error: Exception) -> str:
    """Return an error's sentence; one raised in a worker of a loader has that process's traceback before it."""
    text = str(error).strip()
    return text.splitlines()[-1].partition(": ")[2] if text.startswith("Caught ") else text
