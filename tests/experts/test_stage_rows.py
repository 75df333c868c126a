"""Filter and depth experts on Arrow batches: the tables' own columns, and one bad image quarantined alone."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from jobs.engine.arrow import output_type
from schemas.images import IMAGES
from schemas.perception import DEPTHS, IMAGE_SCORES
from tests.experts.image_rows import image_row
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.stages.perceive import Finish, Perception, depth_row, perceive, scores_row


def rows_of(slot: str, spec: ExpertSpec, finish: Finish, table: Any) -> list[dict[str, Any]]:
    columns = ("image_id", "ingest_shard", *expert_class(slot, spec).columns)
    camera = {"fx": 40.0, "fy": 40.0, "cx": 22.0, "cy": 15.0}
    images = [image_row(45, 31, seed, camera=camera, gravity=[0.0, 1.0, 0.0]) for seed in range(3)]
    images[1]["bytes"] = images[1]["bytes"][:150]
    rows = [{**p, "image_id": f"id{number}", "ingest_shard": 0} for number, p in enumerate(images)]
    read = to_arrow_schema(StructType([f for f in IMAGES.schema.fields if f.name in columns]))
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in read.names} for row in rows], schema=read)
    (out,) = perceive(iter([batch]), to_arrow_schema(output_type(table)), Perception(slot, spec, finish, "recipe"))
    return out.to_pylist()


def assert_only_the_second_is_rejected(rows: list[dict[str, Any]]) -> None:
    assert [row["image_id"] for row in rows] == ["id0", "id1", "id2"]
    assert [[reject["reason"] for reject in row["rejects"]] for row in rows] == [[], ["unreadable_image"], []]
    assert rows[1]["rejects"][0]["outcome"] == "failed" and "150 bytes" in rows[1]["rejects"][0]["error"]


def test_scores_fill_their_table(models: Path) -> None:
    spec = ExpertSpec(family="clip", model=str(models / "clip"))
    rows = rows_of("filter", spec, scores_row, IMAGE_SCORES)
    assert_only_the_second_is_rejected(rows)
    scores = dict(rows[0]["scores"])
    spatial = scores.pop("spatial")
    assert abs(sum(scores.values()) - 1.0) < 1e-5 and len(scores) == 12
    assert abs(spatial - scores["indoor_scene"] - scores["outdoor_scene"]) < 1e-6


def test_depths_fill_their_table(models: Path) -> None:
    spec = ExpertSpec(family="zoedepth", model=str(models / "zoedepth"))
    rows = rows_of("depth", spec, depth_row, DEPTHS)
    assert_only_the_second_is_rejected(rows)
    filled = {name for name, value in rows[0].items() if value is not None}
    assert filled == {field.name for field in DEPTHS.schema.fields} | {"rejects"}
    assert rows[0]["depth"].startswith(b"\x89PNG") and rows[0]["camera_src"] == "crawl"
