"""Why streams cannot be mixed; every message states the value and the remedy."""


class MixtureError(Exception):
    """Base of all."""


class StreamUnreadable(MixtureError):
    """A file of a general stream that is not there, or is of another format."""


class SharesUnusable(MixtureError):
    """Shares that do not add up to one."""
