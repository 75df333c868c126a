"""Who takes which positions: ranks and their workers share one order, batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from vlm.examples import Example


class Cursor(BaseModel):
    """Where in its streams a run is: the next position of each, and the tokens taken from each so far.

    It is the same for all ranks, belongs to the end of a global batch, and can be resumed with any number of ranks and
    workers. It is saved as JSON: `model_dump_json`, `model_validate_json`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    positions: dict[str, int] = Field(default_factory=dict)
    tokens: dict[str, int] = Field(default_factory=dict)

    def token_share(self, stream: str) -> float:
        """Return the stream's share of all tokens taken so far, 0 where none were."""
        return self.tokens.get(stream, 0) / max(1, sum(self.tokens.values()))


class Batch(NamedTuple):
    """One rank's examples of a global batch, and where the run is after it."""

    examples: list[Example]
    cursor: Cursor


@dataclass(frozen=True)
class Share:
    """One consumer: `worker` of `workers` of rank `rank` of `world_size`; each rank takes `batch_size` at a step.

    Global batch n is examples n * world_size * batch_size and following of the order, whatever the world size; rank r
    takes every world_size-th of them from the r-th on, and worker w prepares batches w, w + workers, .. of its rank.
    """

    batch_size: int = 1
    rank: int = 0
    world_size: int = 1
    worker: int = 0
    workers: int = 1

    @property
    def global_batch(self) -> int:
        """Return how many examples all ranks take at a step."""
        return self.batch_size * self.world_size

    def steps(self) -> Iterator[int]:
        """Yield the steps whose batches this consumer prepares, from 0 on."""
        return count(self.worker, self.workers)

    def offsets(self, step: int) -> range:
        """Return which examples of the order, counted from where the run starts, the batch of a step has."""
        first = step * self.global_batch + self.rank
        return range(first, first + self.global_batch, self.world_size)


class Source(Protocol):
    """Whatever gives batches without end in one order."""

    def batches(self, start: Cursor, share: Share) -> Iterator[Batch]:
        """Yield a consumer's batches from the cursor on."""
        ...
