"""The statement in docs/questions.md recomputes answers from `scenes`."""

import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from schemas.answers import QA_PAIRS
from schemas.scenes import SCENES
from tests.questions.worlds import solid_scene
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "questions.md"


def test_the_documented_statement_recomputes_every_sideways_distance(spark: SparkSession) -> None:
    (statement,) = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    rng, out, scenes = random.Random(41), QaColumns("recipe"), []
    for _ in range(20):
        scene, references = solid_scene(rng)
        synthesize_scene(scene, references, SynthesizeSettings(), out)
        scenes.append({**scene, "recipe": scene["scene_recipe"]})
    fields = [pa.field(f.name, f.type) for f in to_arrow_schema(SCENES.schema)]
    table = pa.Table.from_pylist(scenes, schema=pa.schema(fields))
    spark.createDataFrame(table).createOrReplaceTempView("scenes")
    answers = pa.Table.from_batches([out.to_batch(to_arrow_schema(QA_PAIRS.schema))])
    answers = answers.set_column(answers.schema.get_field_index("ingest_shard"), "ingest_shard", [[0] * len(out)])
    spark.createDataFrame(answers).createOrReplaceTempView("qa_pairs")
    rows = spark.sql(statement.rstrip().rstrip(";")).collect()
    assert len(rows) == sum(answer.type_id == "N05" for answer in out.answers) > 10
    for row in rows:
        assert row["recomputed_m"] == pytest.approx(row["value_si"], abs=1e-12)
        assert row["recomputed_side"] == row["side"]
        assert row["recomputed_threshold_m"] == pytest.approx(row["margin_threshold"], abs=1e-12)
        assert row["recomputed_m"] >= row["recomputed_threshold_m"]
