"""The mixture: batches from all streams in exact token shares, one sequence for all ranks and workers."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from udfs.language.tokens import token_counter
from vlm.errors import SharesUnusable
from vlm.feed.feed import Feed
from vlm.feed.share import Batch, Cursor, Share
from vlm.mixture.general import llava_records, vqa_records
from vlm.mixture.messages import open_messages
from vlm.mixture.settings import MixtureSettings, StreamSettings
from vlm.mixture.streams import RecordStream, Stream


class Mixture:
    """A source of batches from several streams.

    Every consumer follows the whole sequence by token counts, which are known in advance, and reads only its own
    examples, so the sequence is the same for any number of ranks and workers. Every example counts `image_tokens` more.
    """

    def __init__(self, streams: Sequence[Stream], shares: Mapping[str, float], image_tokens: int = 0) -> None:
        self.streams = {stream.name: stream for stream in streams}
        self.shares = dict(shares)
        self.image_tokens = image_tokens
        if abs(sum(shares.values()) - 1) > 1e-9 or set(shares) != set(self.streams):
            listed = ", ".join(f"{name} {share:g}" for name, share in shares.items())
            raise SharesUnusable(f"The shares {listed} sum to {sum(shares.values()):g}; give shares that sum to 1.")

    def batches(self, start: Cursor, share: Share) -> Iterator[Batch]:
        """Yield a consumer's batches from the cursor on, endlessly."""
        dealing = _Dealing(self, start, share)
        taken = {name: stream.examples(dealing.positions(name)) for name, stream in self.streams.items()}
        while True:
            names, cursor = dealing.batch()
            yield Batch([next(taken[name]) for name in names], cursor)


class TokenSampler:
    """Token-proportional sampling: picks the stream furthest behind its share of the tokens so far.

    With two streams that is "spatial while T_s < share * (T_s + T_g)"; no stream is ever off by more than about one
    example. Ties go to the stream named first.
    """

    def __init__(self, shares: Mapping[str, float], tokens: Mapping[str, int]) -> None:
        self._shares = dict(shares)
        self.tokens = {name: tokens.get(name, 0) for name in shares}
        self._total = sum(self.tokens.values())

    def next(self) -> str:
        """Return the stream to sample next."""
        return max(self._shares, key=lambda name: self._shares[name] * self._total - self.tokens[name])

    def add(self, stream: str, tokens: int) -> None:
        """Count the tokens of a sampled example."""
        self.tokens[stream] += tokens
        self._total += tokens


class _Dealing:
    """Follows the whole sequence and keeps the part of one consumer."""

    def __init__(self, mixture: Mixture, start: Cursor, share: Share) -> None:
        self._sampler = TokenSampler(mixture.shares, start.tokens)
        self._next = {name: start.positions.get(name, 0) for name in mixture.streams}
        self._tokens = {name: stream.tokens_from(self._next[name]) for name, stream in mixture.streams.items()}
        self._image_tokens = mixture.image_tokens
        self._share = share
        self._steps = share.steps()
        self._dealt = 0
        self._batches: deque[tuple[list[str], Cursor]] = deque()
        self._positions: dict[str, deque[int]] = {name: deque() for name in mixture.streams}

    def batch(self) -> tuple[list[str], Cursor]:
        """Return the streams of the consumer's next batch, and the cursor after it."""
        while not self._batches:
            self._deal()
        return self._batches.popleft()

    def positions(self, stream: str) -> Iterator[int]:
        """Yield the consumer's positions in a stream."""
        while True:
            while not self._positions[stream]:
                self._deal()
            yield self._positions[stream].popleft()

    def _deal(self) -> None:
        step = next(self._steps)
        own, names = self._share.offsets(step), []
        for number in range(self._dealt, (step + 1) * self._share.global_batch):
            stream, position = self._one()
            if number in own:
                names.append(stream)
                self._positions[stream].append(position)
        self._dealt = (step + 1) * self._share.global_batch
        self._batches.append((names, Cursor(positions=self._next, tokens=self._sampler.tokens)))

    def _one(self) -> tuple[str, int]:
        stream = self._sampler.next()
        tokens = 0
        while not tokens:
            tokens, position = next(self._tokens[stream]), self._next[stream]
            self._next[stream] += 1
        self._sampler.add(stream, tokens + self._image_tokens)
        return stream, position


def open_mixture(spatial: Feed | None, settings: MixtureSettings) -> Mixture:
    """Return the mixture of the spatial feed, if any, and the general streams.

    Raises:
        StreamUnreadable: a file does not exist or has another format.
        SharesUnusable: the shares cannot sum to 1.
    """
    streams = [_opened(stream, settings) for stream in settings.streams]
    given = {stream.name: stream.share for stream in settings.streams if stream.share is not None}
    if spatial is None:
        return Mixture(streams, shares_of(given, streams), settings.image_tokens)
    given = {spatial.name: settings.spatial_share if streams else 1.0, **given}
    return Mixture([spatial, *streams], shares_of(given, streams), settings.image_tokens)


def shares_of(given: Mapping[str, float], streams: Sequence[Stream]) -> dict[str, float]:
    """Return all shares: streams without a share split the rest in proportion to their tokens."""
    sizes = {stream.name: stream.epoch_tokens for stream in streams if stream.name not in given}
    left = 1 - sum(given.values())
    if sizes and left <= 0:
        raise SharesUnusable(f"The given shares leave {left:g} for {', '.join(sizes)}; reduce them.")
    return {**given, **{name: left * size / sum(sizes.values()) for name, size in sizes.items()}}


def _opened(stream: StreamSettings, settings: MixtureSettings) -> Stream:
    if stream.kind == "messages":
        return open_messages(stream, settings)
    tokens = token_counter(settings.tokenizer, settings.tokenizer_revision)
    records = llava_records(stream, tokens) if stream.kind == "llava" else vqa_records(stream, tokens)
    return RecordStream(stream.name, records, settings.seed)
