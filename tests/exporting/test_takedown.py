"""A takedown names the exports that hold the image, and the next export does not hold it."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.exporting.command import export
from jobs.exporting.settings import ExportSettings
from jobs.takedown.command import take_down
from tests.exporting.truth import answers
from tests.takedown.lakes import named, opened


def image_ids(out: Path) -> set[str]:
    return {row["image_id"] for path in out.rglob("*-of-*.json") for row in json.loads(path.read_text())}


@pytest.mark.long
def test_a_takedown_names_the_export_and_the_next_one_lacks_the_image(
    spark: SparkSession, changed: Path, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        export(str(changed), str(tmp_path / split), ExportSettings(format="llava", images="none", splits=(split,)))
    gone = min(row["image_id"] for row in answers(changed, "train").values())
    assert gone in image_ids(tmp_path / "train")
    certificate = take_down(opened(spark, changed), named(changed, images=[gone]), vacuum=False)
    assert [(one.kind, one.path, one.images) for one in certificate.exports] == [
        ("export llava", str(tmp_path / "train"), 1)
    ]
    export(str(changed), str(tmp_path / "next"), ExportSettings(format="llava", images="none"))
    before = image_ids(tmp_path / "train") | image_ids(tmp_path / "test")
    assert image_ids(tmp_path / "next") & before == before - {gone}
