"""Why data, models and runs cannot be used; every message states the value and the remedy."""


class FeedError(Exception):
    """Base of the errors of the feed."""


class SnapshotUnusable(FeedError):
    """A table version that does not exist or cannot be read file by file."""


class RowsLost(FeedError):
    """A reader returned other rows than those of the snapshot."""


class PetastormUnknown(FeedError):
    """Petastorm is missing, or a version whose internals the backend does not know."""


class MixtureError(Exception):
    """Base of the errors of mixtures."""


class StreamUnreadable(MixtureError):
    """A file of a general stream that does not exist or has another format."""


class SharesUnusable(MixtureError):
    """Shares that do not sum to one."""


class ModelError(Exception):
    """Base of the errors of models."""


class ModelUnavailable(ModelError):
    """A folder or id from which no model can be loaded."""


class ModelUnsuited(ModelError):
    """A model that does not support a setting."""


class PromptUnusable(ModelError):
    """A chat template or tokenizer that does not separate answers from questions."""


class SequenceTooLong(ModelError):
    """An image with more tokens than a sequence may have."""


class LoopError(Exception):
    """Base of the errors of training runs."""


class RunDiffers(LoopError):
    """A folder that holds a run with other settings or other data."""


class SettingsUnusable(LoopError):
    """Settings or data that cannot be used, or that do not fit each other."""


class RunInUse(LoopError):
    """A folder that another process trains into."""


class TrackingUnusable(LoopError):
    """A tracking server or database in which no run can be opened."""


class LossDiverged(LoopError):
    """A loss that is not finite."""


# Errors of data, models, folders and settings, which commands report in one sentence.
UNUSABLE = (FeedError, MixtureError, ModelError, LoopError)


def first_line(error: Exception) -> str:
    """Return what an error of a library says, without the backtrace that may follow."""
    lines = str(error).strip().splitlines()
    return " ".join(lines[0].split())[:300] if lines else type(error).__name__


def sentence_of(error: Exception) -> str:
    """Return an error's sentence, without the traceback that a data loader worker puts before it."""
    text = str(error).strip()
    return text.splitlines()[-1].partition(": ")[2] if text.startswith("Caught ") else text
