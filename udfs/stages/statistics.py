"""Statistics: what is counted of answers and of their objects, in SQL that Spark and DuckDB read alike."""

from collections.abc import Iterator

import pyarrow as pa

from schemas.statistics import BINS_PER_DECADE
from schemas.table import ENGINE_VERSION

OF_IMAGE = ("crawl_uri", "ingest_day", "licence", "split", "ingest_shard")
OF_ANSWER = ("type_id", "family", "answer_form", "unit", "distance_bin")
# The row of `object_statistics`, beside those of `qa_statistics`, which have none.
OBJECT_ROW = "object_row"

# In DuckDB; in Spark a stage does the same with functions on arrays.
_MENTIONS = """(
SELECT *, about.label AS label, about.range_m AS range_m FROM (
SELECT * EXCLUDE (objects), list_filter(objects, lambda one: one.object_id = object_id)[1] AS about
FROM (SELECT *, unnest(list_distinct(object_ids)) AS object_id FROM answers)))"""


def answers_sql(answers: str, recipe: str) -> str:
    """Return a query for the rows of `qa_statistics`.

    `answers` stands for whole ingest shards of `qa_pairs`, with `crawl_uri` and `ingest_day`.
    """
    rows = f"""
SELECT *, unit_text AS unit, {_bin("CASE WHEN unit_si = 'm' THEN value_si END")} AS distance_bin,
row_number() OVER (PARTITION BY image_id ORDER BY qa_id) = 1 AS first_of_image,
row_number() OVER (PARTITION BY image_id, type_id ORDER BY qa_id) = 1 AS first_of_type,
answer_form = 'letter' AND answer LIKE 'A%' AS is_a, answer_form = 'letter' AND answer LIKE 'B%' AS is_b
FROM {answers}"""
    by = ", ".join((*OF_IMAGE, *OF_ANSWER))
    return f"""
SELECT {by}, count(*) AS answers, {_count("first_of_type")} AS images, {_count("first_of_image")} AS answered_images,
{_count("answer_bool")} AS yes, {_count("NOT answer_bool")} AS no, {_count("is_a")} AS letter_a,
{_count("is_b")} AS letter_b, {_count("value_si > 0")} AS measured, {_sum("value_si")} AS value_sum,
min(value_si) AS value_min, max(value_si) AS value_max,
{_sum("CASE WHEN value_si > 0 THEN ln(value_si) END")} AS log_value_sum,
CAST(sum(length(question) + length(answer)) AS bigint) AS characters, {_lineage(recipe)}
FROM ({rows}) AS counted GROUP BY {by}"""


def objects_sql(mentions: str, recipe: str) -> str:
    """Return a query for the rows of `object_statistics`.

    `mentions` stands for a row per answer and object that it is about, with the answer's columns, `object_id`, `label`
    and `range_m`; an object of which the scene knows nothing has neither.
    """
    image = ", ".join(OF_IMAGE)
    once = f"""
SELECT {image}, image_id, object_id, count(*) AS mentions, max(label) AS label, max(range_m) AS range_m
FROM {mentions} AS mentioned GROUP BY {image}, image_id, object_id"""
    binned = f"SELECT *, {_bin('range_m')} AS distance_bin FROM ({once}) AS of_object"
    return f"""
SELECT {image}, label, distance_bin, count(*) AS objects, CAST(sum(mentions) AS bigint) AS mentions,
{_sum("range_m")} AS range_sum_m, min(range_m) AS range_min_m, max(range_m) AS range_max_m, {_lineage(recipe)}
FROM ({binned}) AS binned GROUP BY {image}, label, distance_bin"""


def statistics_batches(batches: Iterator[pa.RecordBatch], schema: pa.Schema, recipe: str) -> Iterator[pa.RecordBatch]:
    """Count the answers of all batches, which hold whole ingest shards.

    Input has the columns that the queries read, and `objects`, those of the answer's image. Output has `schema`: the
    columns of `qa_statistics`, `object_row` and `rejects`, which are empty.
    """
    import duckdb  # it takes longer to import than most commands that need none of it

    with duckdb.connect() as engine:
        engine.register("answers", pa.Table.from_batches(batches))
        rows = engine.sql(answers_sql("answers", recipe)).to_arrow_table().to_pylist()
        objects = engine.sql(objects_sql(_MENTIONS, recipe)).to_arrow_table().to_pylist()
    made = [*rows, *({OBJECT_ROW: one} for one in objects)]
    yield pa.RecordBatch.from_pylist([{**row, "rejects": []} for row in made], schema=schema)


def _bin(distance_m: str) -> str:
    """Return the number of the bin, as `schemas.statistics` defines it; null where there is no length over 0."""
    return f"CASE WHEN {distance_m} > 0 THEN CAST(floor(log10({distance_m}) * {BINS_PER_DECADE}) AS int) END"


def _sum(value: str) -> str:
    """Return the sum to 12 decimals, which is the same for any order of the rows, unlike that of floats."""
    return f"CAST(sum(CAST({value} AS decimal(30, 12))) AS double)"


def _count(condition: str) -> str:
    return f"CAST(sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS bigint)"


def _lineage(recipe: str) -> str:
    return f"'{recipe}' AS recipe, '{ENGINE_VERSION}' AS engine_version"
