"""Errors of the driver: one class per kind of failure, each with its exit code."""


class SpatialLakeError(Exception):
    """Base of all failures; the message states the value and the remedy."""

    exit_code = 1


class UsageError(SpatialLakeError):
    """A setting or argument that cannot be used."""

    exit_code = 2


class EnvironmentMissing(SpatialLakeError):
    """Java, jars or an extra that the machine lacks."""

    exit_code = 3


class CrawlUnreadable(SpatialLakeError):
    """A crawl that cannot be listed."""

    exit_code = 4


class LakeUnreadable(SpatialLakeError):
    """A lake, table or stage that does not exist yet."""

    exit_code = 5


class TooManyFailures(SpatialLakeError):
    """A stage whose share of failed rows exceeds `max_failure_rate`."""

    exit_code = 6


class LakeUnwritable(SpatialLakeError):
    """A lake that is no folder, is read-only, or lies on a full disk."""

    exit_code = 8


class Interrupted(SpatialLakeError):
    """Ctrl-C."""

    exit_code = 130


class ModelFailed(SpatialLakeError):
    """A model that does not load, or whose process dies on every input."""

    exit_code = 7


class Stopped(SpatialLakeError):
    """A command of which a process was killed, or that cannot start now; run again, it goes on from there."""

    exit_code = 9


class LakeBusy(Stopped):
    """A lake to which another command is writing."""


class RuleBroken(SpatialLakeError):
    """Rows that break a quality rule which ends the run."""

    exit_code = 10


class DriftFound(SpatialLakeError):
    """Two crawls, days, recipes or lakes that differ by more than they may."""

    exit_code = 11


class Unanswered(SpatialLakeError):
    """A question about an image that has no answer; the reason is printed where the answer would be."""

    exit_code = 12
