"""Two small crawls that differ in rooms, licenses, days and faults, and the lake that they make."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import spatiallake
from scenes.crawl import write_crawl

DAYS = (date(2026, 11, 1), date(2026, 11, 2))
LICENCES = ("CC-BY-4.0", "CC-BY-SA-4.0")
SHORT = {"synthesize": {"short_share": 0.9}}


def write_lake(spark: SparkSession, folder: Path) -> Path:
    """List and ingest a crawl on each of two days, and then make a second recipe of answers; return the lake."""
    lake, crawls = folder / "lake", (folder / "offices", folder / "tables")
    write_crawl(str(crawls[0]), 26, 5, width=160, height=120, rooms=("office", "bedroom"))
    write_crawl(str(crawls[1]), 20, 6, width=160, height=120, rooms=("tabletop",))
    spoil(crawls[0])
    for crawl, day in zip(crawls, DAYS, strict=True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("jobs.stages.listing.today", lambda day=day: day)
            spatiallake.run(str(lake), crawl=str(crawl), experts="sensor", stages=["ingest"])
    spatiallake.run(str(lake), experts="sensor")
    spatiallake.run(str(lake), settings=SHORT, stages=["synthesize", "statistics"])
    return lake


def spoil(crawl: Path) -> None:
    """Give the images of a crawl two licenses, cut one image, and take the depth of another."""
    manifest = crawl / "manifest.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    for number, row in enumerate(rows):
        row["licence"] = LICENCES[number % 2]
    cut = crawl / rows[0]["image"]
    shutil.copy(cut, cut.with_suffix(".whole"))
    cut.write_bytes(cut.read_bytes()[:-900])
    del rows[1]["depth"]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))


@contextmanager
def mended(crawl: Path) -> Iterator[None]:
    """Put the image that is cut in its place as a whole, for a while."""
    (whole,) = crawl.rglob("*.whole")
    image = whole.with_suffix(".jpg")
    cut = image.read_bytes()
    shutil.copy(whole, image)
    try:
        yield
    finally:
        image.write_bytes(cut)
