"""Streams in exact shares of tokens: one sequence for any ranks and workers, resumable anywhere."""

import pickle
import random
import shutil
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples_table import RECIPE
from udfs.language.tokens import counted_tokens
from vlm.errors import SharesUnusable, StreamUnreadable
from vlm.examples import Example, Turn, decoded
from vlm.feed.feed import Feed
from vlm.feed.settings import FeedSettings
from vlm.feed.share import Batch, Cursor, Share
from vlm.feed.torch_dataset import BatchDataset, loader
from vlm.mixture.mixture import Mixture, TokenSampler, open_mixture
from vlm.mixture.settings import MixtureSettings, StreamSettings
from vlm.mixture.streams import Record, RecordStream


@pytest.fixture(scope="module")
def spatial(examples_table: str) -> Feed:
    return Feed(FeedSettings(table=examples_table, recipe=RECIPE, seed=2))


@pytest.fixture(scope="module")
def mixture(spatial: Feed, general: dict[str, StreamSettings]) -> Mixture:
    return open_mixture(spatial, MixtureSettings(streams=tuple(general.values())))


def names(batches: list[Batch]) -> list[tuple[str, str]]:
    return [(example.stream, example.example_id) for batch in batches for example in batch.examples]


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=4),
    st.lists(st.integers(1, 500), min_size=2, max_size=4),
    st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_no_stream_is_off_its_share_by_more_than_few_examples(weights: list[int], sizes: list[int], seed: int) -> None:
    count = min(len(weights), len(sizes))
    shares = {str(n): weights[n] / sum(weights[:count]) for n in range(count)}
    sampler, draws = TokenSampler(shares, {}), random.Random(seed)
    for _ in range(400):
        stream = sampler.next()
        sampler.add(stream, draws.randint(1, sizes[int(stream)]))
        total = sum(sampler.tokens.values())
        assert all(abs(sampler.tokens[n] - shares[n] * total) <= count * max(sizes) for n in shares)


def test_five_percent_of_tokens_are_spatial_whatever_the_lengths(mixture: Mixture) -> None:
    batches = list(islice(mixture.batches(Cursor(), Share(batch_size=100)), 60))
    cursor = batches[-1].cursor
    assert cursor.token_share("spatial") == pytest.approx(0.05, abs=0.0005)
    counted: Counter[str] = Counter()
    for batch in batches:
        for example in batch.examples:
            counted[example.stream] += example.text_tokens
            if example.stream != "spatial":
                texts = [text for turn in example.turns for text in turn]
                assert example.text_tokens == sum(map(counted_tokens, texts))
    assert counted == cursor.tokens
    assert sum(example.stream == "spatial" for batch in batches for example in batch.examples) > 0.05 * 6000
    assert cursor.token_share("llava") > cursor.token_share("okvqa") > 0


def test_images_count_when_they_are_to(spatial: Feed, general: dict[str, StreamSettings]) -> None:
    counted = open_mixture(spatial, MixtureSettings(streams=(general["vqa"],), image_tokens=50, spatial_share=0.3))
    batch = next(counted.batches(Cursor(), Share(batch_size=2000)))
    spatial_tokens = sum(one.text_tokens + 50 for one in batch.examples if one.stream == "spatial")
    assert batch.cursor.tokens["spatial"] == spatial_tokens
    assert batch.cursor.token_share("spatial") == pytest.approx(0.3, abs=0.002)


def test_the_sequence_is_one_for_all_ranks_and_resumes_anywhere(mixture: Mixture) -> None:
    whole = list(islice(mixture.batches(Cursor(), Share(batch_size=12)), 30))
    for world in (2, 3):
        ranks = [islice(mixture.batches(Cursor(), Share(12 // world, rank, world)), 8) for rank in range(world)]
        for step, batches in enumerate(zip(*ranks, strict=True)):
            assert sorted(names(list(batches))) == sorted(names([whole[step]]))
            assert all(batch.cursor == whole[step].cursor for batch in batches)
    cursor = Cursor.model_validate_json(whole[9].cursor.model_dump_json())
    again = list(islice(pickle.loads(pickle.dumps(mixture)).batches(cursor, Share(batch_size=12)), 20))
    assert names(again) == names(whole[10:])
    assert again[-1].cursor == whole[-1].cursor


def streams_of(batch: Batch) -> list[tuple[str, str]]:
    return [(example.stream, example.example_id) for example in batch.examples]


def test_torch_workers_decode_and_keep_the_order(mixture: Mixture) -> None:
    expected = [streams_of(batch) for batch in islice(mixture.batches(Cursor(), Share(batch_size=5)), 12)]
    for workers in (0, 2):
        dataset = BatchDataset(mixture, Cursor(), Share(batch_size=5), make=streams_of)
        assert list(islice(loader(dataset, workers), 12)) == expected


def test_formats_are_read_as_they_are_published(mixture: Mixture) -> None:
    examples: dict[str, list[Example]] = {}
    for batch in islice(mixture.batches(Cursor(), Share(batch_size=100)), 10):
        for example in batch.examples:
            examples.setdefault(example.stream, []).append(example)
    assert Counter(one.turns[0].answer for one in examples["vqa"]).keys() == {"red"}
    assert Counter(one.turns[0].answer for one in examples["okvqa"]).keys() == {"dark red"}
    asked = {one.turns for one in examples["messages"]}
    assert len(asked) == 9
    assert (Turn("What is on image 4?", "A chair, a table and a lamp, number 4."),) not in asked
    llava = {one.example_id: one for one in examples["llava"]}
    assert llava["0#0"].image is None
    assert [turn.question for turn in llava["3#3"].turns] == ["What is this?", "And its color?"]
    for stream in ("vqa", "okvqa", "messages", "llava"):
        assert {decoded(one.image).shape for one in examples[stream] if one.image} == {(6, 8, 3)}
    item = next(one for one in examples["vqa"] if one.turns[0].question == "What is item 9?")
    assert decoded(item.image or b"")[0, 0].tolist() == [9 % 6 * 16, 0, 0]


def test_an_epoch_of_records_has_each_once_in_an_order_of_its_own() -> None:
    stream = RecordStream("r", [Record(str(n), None, (Turn("q", "a"),), 2) for n in range(50)], seed=1)
    first, second = ([one.example_id for one in stream.examples(range(e * 50, e * 50 + 50))] for e in (0, 1))
    assert sorted(first) == sorted(second) == sorted(str(n) for n in range(50))
    assert first != second


def test_an_entry_without_its_image_is_passed_over(
    spatial: Feed, general: dict[str, StreamSettings], tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(general["llava"].images or "", images)
    (images / "3.png").unlink()
    alone = general["llava"].model_copy(update={"images": str(images)})
    mixture = open_mixture(spatial, MixtureSettings(streams=(alone,), spatial_share=0.5))
    stream = mixture.streams["llava"]
    assert isinstance(stream, RecordStream)
    assert stream.left_out == 1
    batch = next(mixture.batches(Cursor(), Share(batch_size=400)))
    taken = Counter(one.example_id for one in batch.examples if one.stream == "llava")
    assert taken.keys() == {f"{n}#{n}" for n in range(6) if n != 3}


def test_what_cannot_be_mixed_is_refused(spatial: Feed, general: dict[str, StreamSettings], tmp_path: Path) -> None:
    greedy = general["vqa"].model_copy(update={"share": 0.97})
    with pytest.raises(SharesUnusable, match=r"leave -0\.02 for llava"):
        open_mixture(spatial, MixtureSettings(streams=(greedy, general["llava"])))
    with pytest.raises(SharesUnusable, match=r"sum to 0\.9"):
        Mixture([spatial], {"spatial": 0.9})
    gone = general["llava"].model_copy(update={"uri": str(tmp_path / "gone.json")})
    with pytest.raises(StreamUnreadable, match=r"gone\.json does not exist"):
        open_mixture(spatial, MixtureSettings(streams=(gone,)))
    elsewhere = general["vqa"].model_copy(update={"images": str(tmp_path)})
    with pytest.raises(StreamUnreadable, match="no example with question, answer and image"):
        open_mixture(spatial, MixtureSettings(streams=(elsewhere,)))
    swapped = general["vqa"].model_copy(update={"uri": general["vqa"].annotations})
    with pytest.raises(StreamUnreadable, match="are not VQA questions"):
        open_mixture(spatial, MixtureSettings(streams=(swapped,)))
    with pytest.raises(ValueError, match="are not unique"):
        MixtureSettings(streams=(general["vqa"], general["vqa"]))
