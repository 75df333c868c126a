"""How ranks and their workers share one order of examples, batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from vlm.examples import Example


class Cursor(BaseModel):
    """The state of a run's streams: the next position of each, and the tokens taken from each so far.

    It is the same for all ranks, marks the end of a global batch, and can be resumed with any number of ranks and
    workers. `model_dump_json` and `model_validate_json` save and load it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    positions: dict[str, int] = Field(default_factory=dict)
    tokens: dict[str, int] = Field(default_factory=dict)

    def token_share(self, stream: str) -> float:
        """Return the stream's share of all tokens taken so far; 0 before the first."""
        return self.tokens.get(stream, 0) / max(1, sum(self.tokens.values()))


class Batch(NamedTuple):
    """One rank's examples of a global batch, and the cursor after it."""

    examples: list[Example]
    cursor: Cursor


@dataclass(frozen=True)
class Share:
    """One consumer: worker `worker` of `workers` in rank `rank` of `world_size`, with `batch_size` examples per step.

    Global batch n starts at example n * world_size * batch_size of the order; rank r takes every world_size-th of its
    examples, starting with the r-th, and worker w prepares the batches w, w + workers, .. of its rank.
    """

    batch_size: int = 1
    rank: int = 0
    world_size: int = 1
    worker: int = 0
    workers: int = 1

    @property
    def global_batch(self) -> int:
        """Return the number of examples per step over all ranks."""
        return self.batch_size * self.world_size

    def steps(self) -> Iterator[int]:
        """Yield the steps whose batches this consumer prepares, counted from 0."""
        return count(self.worker, self.workers)

    def offsets(self, step: int) -> range:
        """Return the examples of a step's batch, as offsets from the start of the run."""
        first = step * self.global_batch + self.rank
        return range(first, first + self.global_batch, self.world_size)


class Source(Protocol):
    """Anything that yields endless batches in one order."""

    def batches(self, start: Cursor, share: Share) -> Iterator[Batch]:
        """Yield a consumer's batches from the cursor on."""
        ...
