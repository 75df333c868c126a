"""Every Python example of docs/api.md runs as printed, in the order of the page; a lake and `measure` agree."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import spatiallake
from scenes.crawl import write_crawl
from spatiallake import functions as S
from tests.model.tiny import write_decoder, write_encoder

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
TOYS = Path(__file__).with_name("toys")
PARTS = re.findall(r"^## (.+?)$|^```python\n(.*?)^```$", PAGE.read_text(), re.S | re.M)
BENCHMARK = ("benchmark", "--lake", "lake", "--split", "all", "--out", "items.parquet")
# What a row of a lake says about the lake rather than about the image.
OF_LAKE = {"qa_id", "scene_recipe", "recipe", "seed", "ingest_shard", "engine_version", "licence"}


class Ran(NamedTuple):
    folder: Path
    printed: dict[str, str]


def examples() -> Iterator[tuple[str, str]]:
    heading = "Python API"
    for title, code in PARTS:
        heading = title or heading
        if code and "register" not in code:
            yield heading, code


@pytest.fixture(scope="module")
def ran(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The examples, run in a folder with rendered rooms, one image of them, and an encoder and a decoder."""
    folder = tmp_path_factory.mktemp("api")
    write_crawl(str(folder / "rooms"), 4, 7, width=320, height=240)
    shutil.copy(min((folder / "rooms").rglob("*.jpg")), folder / "room.jpg")
    write_encoder(folder / "encoder", "siglip")
    write_decoder(folder / "decoder")
    printed: dict[str, str] = {}
    with contextlib.chdir(folder):
        for heading, code in examples():
            if heading == "Evaluate":
                subprocess.run([sys.executable, "-m", "spatiallake", *BENCHMARK], check=True, capture_output=True)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(code, f"docs/api.md, {heading}", "exec"), {})
            printed[heading] = printed.get(heading, "") + out.getvalue()
    return Ran(folder, printed)


def test_every_example_prints_what_it_is_about(ran: Ran) -> None:
    assert not [heading for heading, text in ran.printed.items() if not text.strip()]
    assert "m away" in ran.printed["Measure one image"]
    assert "synthesize" in ran.printed["Run stages"]
    assert "qa_pairs" in ran.printed["Read a lake"]
    assert ran.printed["Train"].splitlines()[-1].startswith("2 ")


def test_the_registering_example_runs_in_a_process_of_its_own(ran: Ran) -> None:
    (code,) = (code for _, code in PARTS if "register" in code)
    modules = shutil.copytree(TOYS, ran.folder / "modules")
    path = os.pathsep.join([str(modules), str(PAGE.parents[1])])
    # The networks find two objects that are sure enough in some rooms only.
    write_crawl(str(ran.folder / "more"), 12, 8, width=320, height=240)
    rooms = sorted([*(ran.folder / "rooms").rglob("*.jpg"), *(ran.folder / "more").rglob("*.jpg")])
    for number, room in enumerate(rooms):
        place = ran.folder / "registering" / str(number)
        place.mkdir(parents=True)
        shutil.copy(room, place / "room.jpg")
    until_one_is_asked = (
        "import contextlib, io, os, sys\n"
        "out = io.StringIO()\n"
        "for place in sys.argv[2:]:\n"
        "    os.chdir(place)\n"
        "    with contextlib.redirect_stdout(out):\n"
        "        exec(sys.argv[1], {})\n"
        "    if out.getvalue():\n"
        "        break\n"
        "print(out.getvalue())\n"
    )
    places = [str(ran.folder / "registering" / str(number)) for number in range(len(rooms))]
    done = subprocess.run(
        [sys.executable, "-c", until_one_is_asked, code, *places],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    assert "twice as far" in printed


def test_the_module_on_the_page_is_the_one_that_is_tested() -> None:
    listed = re.findall(r"^```(?:py|yaml)\n(.*?)^```$", PAGE.read_text(), re.S | re.M)
    assert listed == [(TOYS / name).read_text() for name in ("twice_as_far.py", "X01.yaml")]


def test_every_name_of_the_package_is_on_the_page() -> None:
    text = PAGE.read_text()
    assert not [name for name in spatiallake.__all__ if name not in text and name != "__version__"]


def test_a_measured_image_has_the_answers_that_a_lake_has(ran: Ran) -> None:
    lake = spatiallake.open_lake(str(ran.folder / "lake"))
    stored = lake.arrow("qa_pairs").to_pylist()
    for line in (ran.folder / "rooms" / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        places = {"depth": row["depth"], "masks": row["instances"]}
        given = {name: ran.folder / "rooms" / place for name, place in places.items()}
        measured = spatiallake.measure(
            ran.folder / "rooms" / row["image"],
            **given,
            objects=row["objects"],
            camera=row["camera"],
            gravity=row["gravity"],
        )
        expected = [one for one in stored if one["image_id"] == measured.scene["image_id"]]
        assert expected
        # A lake's table also has columns that no answer fills, and the license of the crawl.
        columns = set(measured.answers[0]) - OF_LAKE
        assert all(row[name] is None for row in expected for name in set(row) - columns - OF_LAKE)
        assert texts(measured.answers, columns) == texts(expected, columns)


def texts(rows: list[dict], columns: set[str]) -> list[str]:
    return sorted(json.dumps({name: row[name] for name in columns}, sort_keys=True, default=str) for row in rows)


def test_functions_of_columns_have_the_rows_of_the_stages(ran: Ran, spark: SparkSession) -> None:
    folder = ran.folder / "rooms"
    file = F.udf(lambda name: (folder / name).read_bytes(), "binary")
    crawl = spark.read.json(f"{folder}/manifest.jsonl")
    fields = ("camera", "gravity", "objects", "licence", "alt_text", "pose")
    made = (
        crawl.withColumn(
            "images",
            S.ingest(
                file("image"),
                depth=file("depth"),
                instances=file("instances"),
                **{name: name for name in fields},
            ),
        )
        .withColumn("image_scores", S.scores("images", experts="sensor"))
        .withColumn("regions", S.regions("images", "image_scores", experts="sensor"))
        .withColumn("depths", S.depth("images", experts="sensor"))
        .withColumn("scenes", S.lift("depths", "regions", "camera"))
        .withColumn("references", S.references("scenes", "regions"))
        .withColumn("qa_pairs", S.questions("scenes", "references", "images.licence"))
        .cache()
    )
    lake = spatiallake.open_lake(str(ran.folder / "lake"))
    crawled = {row["image_id"]: row["depth"] for row in lake.arrow("images").to_pylist()}
    for name in ("images", "image_scores", "regions", "depths", "scenes", "references"):
        got = made.select(f"{name}.*").drop("rejects").toArrow().to_pylist()
        assert len(got) == 4
        held = lake.arrow(name).to_pylist()
        if name == "depths":
            # The lake's rows stand for the maps of `images`, which a DataFrame without a lake carries.
            assert not any(row["depth"] for row in held)
            held = [{**row, "depth": crawled[row["image_id"]]} for row in held]
        assert texts(got, set(got[0]) - OF_LAKE) == texts(held, set(got[0]) - OF_LAKE)
    answers = made.select(F.explode("qa_pairs.answers").alias("row")).select("row.*").toArrow().to_pylist()
    columns = set(answers[0]) - OF_LAKE
    assert texts(answers, columns) == texts(lake.arrow("qa_pairs").to_pylist(), columns)


def test_a_rejected_row_carries_its_reason_to_every_function(spark: SparkSession) -> None:
    given = spark.createDataFrame([(b"no image",), (b"",), (None,)], "content binary")
    made = given.withColumn("image", S.ingest("content")).withColumn("depth", S.depth("image", experts="sensor"))
    made = made.withColumn("scene", S.lift("depth", S.regions("image", experts="sensor")))
    rows = made.select("image.rejects", "scene").collect()
    for row in rows:
        assert row.scene.objects is None
        assert row.scene.rejects == row.rejects
    reasons = [row.rejects[0].reason for row in rows]
    assert sorted(reasons) == ["truncated_image", "truncated_image", "unsupported_format"]


def test_functions_name_what_they_do_not_take() -> None:
    with pytest.raises(spatiallake.SpatialLakeError, match="no 'gravty'"):
        S.ingest("content", gravty="gravity")
