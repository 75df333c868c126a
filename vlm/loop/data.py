"""What a run trains on: the feed of a lake, other streams or both, and the batches that a process computes."""

from typing import Any, NamedTuple

from vlm.examples import Example
from vlm.feed.feed import Feed
from vlm.feed.share import Batch, Cursor, Share, Source
from vlm.feed.snapshot import Snapshot
from vlm.loop.settings import TrainSettings
from vlm.mixture.mixture import Mixture, open_mixture
from vlm.mixture.settings import SPATIAL
from vlm.model.collate import Collator, TokenBatch


class Opened(NamedTuple):
    """A source, and the snapshot of its lake if it reads one."""

    source: Source
    snapshot: Snapshot | None

    def data(self) -> dict[str, Any]:
        """Return what identifies the data: version, digest, rows and tokens of the lake's table."""
        if self.snapshot is None:
            return {}
        feed = self.source.streams[SPATIAL] if isinstance(self.source, Mixture) else self.source
        known = {name: getattr(self.snapshot, name) for name in ("table", "table_id", "version", "recipe", "split")}
        tokens = feed.epoch_tokens if isinstance(feed, Feed) else 0
        return {**known, "digest": self.snapshot.digest, "rows": self.snapshot.rows, "tokens": tokens}

    def first(self, count: int) -> list[Example]:
        """Return the first examples of the source."""
        return next(iter(self.source.batches(Cursor(), Share(count)))).examples if count else []


def open_source(settings: TrainSettings) -> Opened:
    """Return the source of a run.

    Raises:
        FeedError: the table version cannot be read.
        MixtureError: a stream cannot be read, or the shares do not sum to 1.
    """
    feed = Feed(settings.feed) if settings.feed and SPATIAL in settings.streams else None
    snapshot = feed.snapshot if feed else None
    if feed and not settings.mixture.streams:
        return Opened(feed, snapshot)
    return Opened(open_mixture(feed, settings.mixture), snapshot)


class StepBatch(NamedTuple):
    """A process's share of a global batch as micro-batches, and the cursor after it."""

    parts: list[TokenBatch]
    cursor: Cursor


class StepMaker:
    """Collates a process's share of a global batch."""

    def __init__(self, collator: Collator, micro_batch: int) -> None:
        self._collator = collator
        self._micro_batch = micro_batch

    def __call__(self, batch: Batch) -> StepBatch:
        """Return the micro-batches, with examples of similar length together."""
        size, examples = self._micro_batch, batch.examples
        if size < len(examples):
            examples = sorted(examples, key=lambda example: example.text_tokens)
        parts = [self._collator(examples[start : start + size]) for start in range(0, len(examples), size)]
        return StepBatch(parts, batch.cursor)
