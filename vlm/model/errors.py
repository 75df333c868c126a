"""Why a model cannot be had or used; every message states the value and the remedy."""


class ModelError(Exception):
    """Base of all."""


class ModelUnavailable(ModelError):
    """A folder or an id that no model, tower or decoder can be loaded from."""


class ModelUnsuited(ModelError):
    """A model that lacks what a setting asks for."""


class PromptUnusable(ModelError):
    """A chat template or tokenizer that does not tell answers from questions."""


class SequenceTooLong(ModelError):
    """A picture that alone has more tokens than a sequence may have."""
