"""`qa_statistics` and `object_statistics` are what counting the answers gives, and stay so whatever is repeated."""

import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spatiallake
from schemas.statistics import OBJECT_STATISTICS, QA_STATISTICS
from tests.jobs.engine import table

Rows = list[dict[str, Any]]
OF_IMAGE = ("crawl_uri", "ingest_day", "licence", "split", "ingest_shard")


def rows(lake: Path, name: str) -> Rows:
    return spatiallake.open_lake(str(lake)).arrow(name).to_pylist()


def places(lake: Path) -> dict[int, tuple[Any, ...]]:
    """The crawl and the day of each ingest shard, by its entries one by one."""
    found = defaultdict(set)
    for row in table(lake, "crawl").to_pylist():
        found[row["ingest_shard"]].add((row["crawl_uri"], row["listed_on"]))
    assert all(len(places) == 1 for places in found.values())
    return {shard: next(iter(places)) for shard, places in found.items()}


def bin_of(distance_m: float | None) -> int | None:
    """Search for the bin by its edges, without a logarithm."""
    if distance_m is None:
        return None
    return next(number for number in range(-60, 60) if distance_m < 10 ** ((number + 1) / 5))


def of_image(answer: dict[str, Any], shards: dict[int, tuple[Any, ...]]) -> tuple[Any, ...]:
    return (*shards[answer["ingest_shard"]], answer["licence"], answer["split"], answer["ingest_shard"])


def test_every_row_is_the_count_of_its_answers(lake: Path) -> None:
    shards, counted = places(lake), defaultdict(list)
    for answer in rows(lake, "qa_pairs"):
        length = answer["value_si"] if answer["unit_si"] == "m" else None
        kind = (answer["type_id"], answer["answer_form"], answer["unit_text"], bin_of(length))
        counted[*of_image(answer, shards), *kind].append(answer)
    statistics = rows(lake, "qa_statistics")
    names = (*OF_IMAGE, "type_id", "answer_form", "unit", "distance_bin")
    assert {tuple(row[name] for name in names) for row in statistics} == set(counted)
    assert len(statistics) == len(counted)
    for row in statistics:
        answers = counted[tuple(row[name] for name in names)]
        values = [one["value_si"] for one in answers if one["value_si"] is not None]
        assert row["answers"] == len(answers)
        assert row["yes"] == sum(one["answer_bool"] is True for one in answers)
        assert row["no"] == sum(one["answer_bool"] is False for one in answers)
        assert row["measured"] == sum(value > 0 for value in values)
        assert row["value_max"] == max(values, default=None)
        assert row["value_min"] == min(values, default=None)
        assert (row["value_sum"] or 0.0) == pytest.approx(sum(values))
        assert (row["log_value_sum"] or 0.0) == pytest.approx(sum(math.log(value) for value in values if value > 0))
        assert row["characters"] == sum(len(one["question"]) + len(one["answer"]) for one in answers)


@pytest.mark.parametrize("by", [(), ("crawl_uri",), ("ingest_day", "licence"), ("split",)])
def test_images_add_up_over_whatever_an_image_has_one_of(lake: Path, by: tuple[str, ...]) -> None:
    shards, images, of_types = places(lake), defaultdict(set), defaultdict(set)
    for answer in rows(lake, "qa_pairs"):
        place = dict(zip(OF_IMAGE, of_image(answer, shards), strict=True))
        images[tuple(place[name] for name in by)].add(answer["image_id"])
        of_types[(*(place[name] for name in by), answer["type_id"])].add(answer["image_id"])
    summed, of_type = Counter(), Counter()
    for row in rows(lake, "qa_statistics"):
        summed[tuple(row[name] for name in by)] += row["answered_images"]
        of_type[(*(row[name] for name in by), row["type_id"])] += row["images"]
    assert summed == {key: len(found) for key, found in images.items()}
    assert of_type == {key: len(found) for key, found in of_types.items()}


def test_every_object_row_is_the_count_of_its_objects(lake: Path) -> None:
    shards = places(lake)
    objects = {(row["image_id"], one["object_id"]): one for row in rows(lake, "scenes") for one in row["objects"]}
    mentions, seen, ranges = Counter(), defaultdict(set), defaultdict(dict)
    for answer in rows(lake, "qa_pairs"):
        for number in set(answer["object_ids"]):
            one = objects[answer["image_id"], number]
            key = (*of_image(answer, shards), one["label"], bin_of(one["range_m"]))
            mentions[key] += 1
            seen[key].add((answer["image_id"], number))
            ranges[key][answer["image_id"], number] = one["range_m"]
    statistics = rows(lake, "object_statistics")
    names = (*OF_IMAGE, "label", "distance_bin")
    found = {tuple(row[name] for name in names): row for row in statistics}
    assert len(found) == len(statistics)
    assert {key: row["mentions"] for key, row in found.items()} == mentions
    assert {key: row["objects"] for key, row in found.items()} == {key: len(them) for key, them in seen.items()}
    for key, row in found.items():
        values = ranges[key].values()
        assert row["range_sum_m"] == pytest.approx(sum(values))
        assert (row["range_min_m"], row["range_max_m"]) == (min(values), max(values))


def test_keys_identify_rows(lake: Path) -> None:
    for name, key in (("qa_statistics", QA_STATISTICS.key), ("object_statistics", OBJECT_STATISTICS.key)):
        keys = Counter(tuple(row[column] for column in key) for row in table(lake, name).to_pylist())
        assert max(keys.values()) == 1


def contents(lake: Path) -> dict[str, Counter[str]]:
    def rounded(row: dict[str, Any]) -> str:
        return repr({name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()})

    names = ("qa_statistics", "object_statistics")
    return {name: Counter(map(rounded, table(lake, name).to_pylist())) for name in names}


def without_checkpoints(lake: Path) -> None:
    shutil.rmtree(lake / "_checkpoints", ignore_errors=True)


def without_last_entry_of_objects(lake: Path) -> None:
    log = lake / "object_statistics" / "_delta_log"
    for path in (max(log.glob("*.json")), *log.glob("*.crc")):
        path.unlink()


@pytest.mark.parametrize("loss", [without_checkpoints, without_last_entry_of_objects], ids=lambda loss: loss.__name__)
def test_a_shard_that_is_counted_again_replaces_its_rows_once(
    lake: Path, tmp_path: Path, loss: Callable[[Path], None]
) -> None:
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    before = contents(copy)
    loss(copy)
    spatiallake.run(str(copy), stages=["statistics"])
    assert contents(copy) == before
