"""The Arrow schemas that synthesis reads and writes."""

from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from schemas.answers import QA_PAIRS
from schemas.operations import REJECT
from schemas.scenes import REFERENCES, SCENES

_LEFT_OUT = ("recipe", "engine_version", "planes", "rejected")
INPUT = to_arrow_schema(
    StructType(
        [StructField(f.name, f.dataType, True) for f in SCENES.schema if f.name not in _LEFT_OUT]
        + [StructField(name, StringType()) for name in ("scene_recipe", "licence")]
        + [StructField("references", REFERENCES.schema["references"].dataType)]
    )
)
OUTPUT = to_arrow_schema(
    StructType(
        [StructField(f.name, f.dataType, True) for f in QA_PAIRS.schema]
        + [StructField("rejects", ArrayType(REJECT, False))]
    )
)
