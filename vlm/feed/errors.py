"""Why a feed cannot go on; every message states the value and the remedy."""


class FeedError(Exception):
    """Base of all."""


class SnapshotUnusable(FeedError):
    """A table version that cannot be read file by file, or is not there."""


class RowsLost(FeedError):
    """A reader gave other rows than the snapshot has."""


class PetastormUnknown(FeedError):
    """Petastorm is not there, or is a version that the compatibility module was not written for."""
