"""The streaming writer on a real lake: exactly once, whatever is repeated or lost."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.engine.backfill import backfill, retry
from jobs.engine.batches import StreamOptions
from jobs.engine.checkpoints import checkpoint_location, has_read_all
from jobs.engine.errors import LakeUnreadable, TooManyFailures
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage
from jobs.engine.stream import run_stage
from jobs.stages.context import STAGE as CONTEXT
from jobs.stages.context import ContextSettings
from jobs.stages.depth import STAGE as DEPTH
from jobs.stages.filter import STAGE as FILTER
from schemas.images import IMAGES
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.perception import DEPTHS, IMAGE_SCORES, REGIONS
from tests.jobs.image_rows import HEIGHT, WIDTH, add_images, ids, image_row
from udfs.experts.expert import SENSOR


def context_stage(spatial: float = 0.5) -> Stage:
    """Return the stage that follows the sensor's scores."""
    thresholds = ContextSettings(thresholds={"spatial": spatial})
    return CONTEXT.made({"filter": FILTER.made(expert=SENSOR)}, thresholds, SENSOR)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), str(tmp_path / "lake" / "_checkpoints"))


def test_follows_new_rows_and_adds_nothing_when_run_again(lake: Lake) -> None:
    add_images(lake, [image_row(n, shard=n // 3) for n in range(6)])
    stage = FILTER.made(expert=SENSOR)
    assert run_stage(lake, stage, StreamOptions()).rows_out == 6
    assert run_stage(lake, stage, StreamOptions()).rows_in == 0
    add_images(lake, [image_row(n, shard=9) for n in range(6, 8)], version=1)
    assert run_stage(lake, stage, StreamOptions()).rows_in == 2
    assert ids(lake, IMAGE_SCORES) == sorted(image_row(n)["image_id"] for n in range(8))
    assert lake.read(STAGE_RUNS).count() == 2


def test_a_batch_replayed_after_its_commit_was_lost_writes_nothing_twice(lake: Lake) -> None:
    add_images(lake, [image_row(n) for n in range(4)])
    stage = FILTER.made(expert=SENSOR)
    run_stage(lake, stage, StreamOptions())
    commits = list(Path(lake.checkpoint_uri).glob("*/commits/*"))
    assert commits
    for commit in commits:
        commit.unlink()
    run_stage(lake, stage, StreamOptions())
    assert len(ids(lake, IMAGE_SCORES)) == 4
    assert lake.read(STAGE_RUNS).count() == 1


def test_a_lost_checkpoint_loses_and_repeats_nothing(lake: Lake) -> None:
    add_images(lake, [image_row(n) for n in range(4)])
    stage = FILTER.made(expert=SENSOR)
    run_stage(lake, stage, StreamOptions())
    shutil.rmtree(lake.checkpoint_uri)
    add_images(lake, [image_row(n) for n in range(4, 6)], version=1)
    run_stage(lake, stage, StreamOptions())
    assert ids(lake, IMAGE_SCORES) == sorted(image_row(n)["image_id"] for n in range(6))


def test_a_table_whose_creation_was_killed_is_created_whole(lake: Lake) -> None:
    log = Path(lake.location(IMAGES)) / "_delta_log"
    log.mkdir(parents=True)
    (log / ".00000000000000000000.json.half.tmp").write_text('{"commitInfo"')
    lake.ensure(IMAGES)
    assert lake.read(IMAGES).count() == 0
    with pytest.raises(Exception, match="positive_size"):
        add_images(lake, [{**image_row(0), "width": 0}])
    lake.session.sql(f"ALTER TABLE delta.`{lake.location(IMAGES)}` DROP CONSTRAINT positive_size")
    lake.ensure(IMAGES)
    with pytest.raises(Exception, match="positive_size"):
        add_images(lake, [{**image_row(0), "width": 0}])
    add_images(lake, [image_row(0)])
    assert len(ids(lake, IMAGES)) == 1


def test_regions_and_depths_say_what_the_crawl_carries(lake: Lake) -> None:
    bare = image_row(1, depth=None, camera=None)
    add_images(lake, [image_row(0), bare])
    scores = FILTER.made(expert=SENSOR)
    regions = context_stage()
    for stage in (scores, regions, DEPTH.made({"context": regions}, expert=SENSOR)):
        run_stage(lake, stage, StreamOptions())
    (row,) = lake.read(REGIONS).collect()
    carried = cv2.imdecode(np.frombuffer(image_row(0)["instances"], np.uint8), cv2.IMREAD_UNCHANGED)
    assert [region["region_id"] for region in row["regions"]] == [2, 1]
    for region in row["regions"]:
        mask = coco_mask.decode({"size": [HEIGHT, WIDTH], "counts": region["rle"].encode()}).astype(bool)
        assert np.array_equal(mask, carried == region["region_id"])
        u0, v0, u1, v1 = region["bbox_px"]
        assert mask[v0:v1, u0:u1].sum() == mask.sum() == region["area_px"]
    (depth,) = lake.read(DEPTHS).collect()
    # The lake holds the crawl's depth map once.
    assert depth["depth"] is None
    (image,) = lake.read(IMAGES).where(F.col("image_id") == depth["image_id"]).collect()
    assert bytes(image["depth"]) == image_row(0)["depth"]
    assert (depth["gravity_src"], depth["camera_src"]) == ("imu", "crawl")
    (left_out,) = lake.read(QUARANTINE).collect()
    assert left_out["image_id"] == bare["image_id"]
    assert (left_out["outcome"], left_out["reason"]) == ("filtered", "score_below_threshold")
    assert "has_depth=0.0" in left_out["error"]


def test_a_stage_with_nothing_new_starts_no_stream(lake: Lake) -> None:
    add_images(lake, [image_row(0), image_row(1, depth=None)])
    scores = FILTER.made(expert=SENSOR)
    assert not has_read_all(lake, scores)
    assert run_stage(lake, scores, StreamOptions()).rows_in == 2
    assert has_read_all(lake, scores)
    folder = Path(checkpoint_location(lake, scores))
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert run_stage(lake, scores, StreamOptions()).rows_in == 0
    assert kept == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    add_images(lake, [image_row(2)], 1)
    assert not has_read_all(lake, scores)
    assert run_stage(lake, scores, StreamOptions()).rows_in == 1
    assert has_read_all(lake, scores)
    # A commit without rows is new as well: only a stream can tell that it brings none.
    lake.session.sql(f"ALTER TABLE delta.`{lake.location(IMAGES)}` SET TBLPROPERTIES ('note' = 'x')")
    assert not has_read_all(lake, scores)
    assert run_stage(lake, scores, StreamOptions()).rows_in == 0
    max((folder / "commits").glob("[0-9]*")).unlink()
    assert not has_read_all(lake, scores)


def test_a_lowered_threshold_is_backfilled_without_scoring_again(lake: Lake) -> None:
    add_images(lake, [image_row(0), image_row(1, depth=None)])
    scores = FILTER.made(expert=SENSOR)
    strict = context_stage()
    for stage in (scores, strict):
        run_stage(lake, stage, StreamOptions())
    assert len(ids(lake, REGIONS)) == 1
    lax = context_stage(spatial=0.0)
    assert lax.recipe == strict.recipe
    assert backfill(lake, lax, StreamOptions()).rows_out == 1
    assert backfill(lake, lax, StreamOptions()).rows_out == 0
    assert len(ids(lake, REGIONS)) == 2
    assert len(ids(lake, IMAGE_SCORES)) == 2


def test_a_bad_row_is_quarantined_alone_and_retried_alone(lake: Lake) -> None:
    add_images(lake, [image_row(n) for n in range(3)] + [image_row(3, instances=b"no png")])
    scores = FILTER.made(expert=SENSOR)
    regions = context_stage()
    for stage in (scores, regions):
        run_stage(lake, stage, StreamOptions())
    assert len(ids(lake, REGIONS)) == 3
    first = lake.read(QUARANTINE).collect()
    assert [(r["outcome"], r["attempt"], r["retry_command"]) for r in first] == [
        ("failed", 1, "spatiallake retry --stage context")
    ]
    summary = retry(lake, regions, StreamOptions())
    assert (summary.rows_in, summary.rows_out) == (1, 0)
    assert sorted(row["attempt"] for row in lake.read(QUARANTINE).collect()) == [1, 2]
    assert len(ids(lake, REGIONS)) == 3


def test_too_many_failures_stop_the_stage_loudly_and_lose_nothing(lake: Lake) -> None:
    add_images(lake, [image_row(n, instances=b"no png" if n % 2 else image_row(0)["instances"]) for n in range(60)])
    scores = FILTER.made(expert=SENSOR)
    regions = context_stage()
    run_stage(lake, scores, StreamOptions())
    with pytest.raises(TooManyFailures, match=r"30 of 60 rows failed as a whole or in a part.*max_failure_rate=0\.2"):
        run_stage(lake, regions, StreamOptions())
    assert len(ids(lake, REGIONS)) == 30
    run_stage(lake, regions, StreamOptions(max_failure_rate=0.6))
    assert len(ids(lake, REGIONS)) == 30
    assert lake.read(QUARANTINE).count() == 30


def test_a_stage_without_its_upstream_table_says_so(lake: Lake) -> None:
    with pytest.raises(LakeUnreadable, match="no table images yet"):
        run_stage(lake, FILTER.made(expert=SENSOR), StreamOptions())
