"""Views of a lake for SQL and for BI tools: yields, reasons and answers, each written once."""

from types import MappingProxyType

from schemas.statistics import BINS_PER_DECADE
from schemas.view import View

_PLACE = {
    "crawl_uri": "crawl that brought the images, as it was named",
    "ingest_day": "day (UTC) on which the crawl was listed; null in lakes of earlier versions",
}
_SPLIT = {**_PLACE, "split": "train, validation or test"}
_BIN = {
    "distance_bin": "number of the bin; null without a distance",
    "from_m": "where the bin begins, m",
    "to_m": "where the next bin begins, m",
}
_EDGES = (
    f"power(10.0, distance_bin / {BINS_PER_DECADE}.0) AS from_m,"
    f" power(10.0, (distance_bin + 1) / {BINS_PER_DECADE}.0) AS to_m"
)
_ANSWERS = {"answers": "rows of `qa_pairs`"}
_OF_TYPE = {"images": "images with an answer of this type; add up within a type, not over types"}
_TRUTHS = {
    "yes": "bool answers that are true",
    "no": "bool answers that are false",
    "letter_a": "lettered answers that are A",
    "letter_b": "lettered answers that are B",
}
_VALUES = {
    "measured": "answers with a measured value over 0",
    "value_sum": "sum of the measured values",
    "value_min": "smallest measured value",
    "value_max": "largest measured value",
    "log_value_sum": "sum of their natural logarithms; exp(log_value_sum / measured) is the geometric mean",
    "characters": "characters of questions and answers",
}
_VALUE_SUMS = (
    "sum(measured) AS measured, sum(value_sum) AS value_sum, min(value_min) AS value_min, max(value_max) AS value_max,"
    " sum(log_value_sum) AS log_value_sum, sum(characters) AS characters"
)
_TRUTH_SUMS = "sum(yes) AS yes, sum(no) AS no, sum(letter_a) AS letter_a, sum(letter_b) AS letter_b"

_SHARDS = """
SELECT ingest_shard, min(crawl_uri) AS crawl_uri, min(listed_on) AS ingest_day, count(*) AS entries
FROM {crawl} GROUP BY ingest_shard
"""
_CURRENT = """
SELECT stage, recipe, upstream_recipe, coalesce(activated_at, registered_at) AS since
FROM (
  SELECT stage, recipe, upstream_recipe, activated_at, registered_at,
    row_number() OVER (
      PARTITION BY stage
      ORDER BY CASE WHEN activated_at IS NULL THEN 1 ELSE 0 END,
        coalesce(activated_at, registered_at) DESC
    ) AS place
  FROM {recipes}
) AS ranked
WHERE place = 1
"""

# Column of `yield_by_day`, the table whose rows it counts, and its comment.
_STEPS = (
    ("images", "images", "distinct images kept by `ingest`; found again, an image counts in its first crawl"),
    ("scored", "image_scores", "images with filter scores"),
    ("with_regions", "regions", "images that passed the thresholds and have regions"),
    ("with_depth", "depths", "images with depth"),
    ("with_scene", "scenes", "images lifted to a metric scene"),
    ("with_references", "references", "images with a referring expression"),
)
_COUNTS = " ".join(
    f"LEFT JOIN (SELECT ingest_shard, count(*) AS kept FROM {{{table}}} GROUP BY ingest_shard) AS t_{name}"
    f" ON s.ingest_shard = t_{name}.ingest_shard"
    for name, table, _ in _STEPS
)

_ALL = (
    View(
        name="ingest_shards",
        comment="Crawl and day of each ingest shard: joins to every table by `ingest_shard`.",
        columns={"ingest_shard": "ingest shard", **_PLACE, "entries": "rows of `crawl`"},
        sql=_SHARDS,
    ),
    View(
        name="current_recipes",
        comment="The recipe of each stage that is shown.",
        columns={
            "stage": "stage",
            "recipe": "recipe of its rows",
            "upstream_recipe": "recipe of the rows that it reads",
            "since": "when it went live, or was first asked for",
        },
        sql=_CURRENT,
    ),
    View(
        name="yield_by_day",
        comment="How many images each crawl and day brought, and how many are left after each stage.",
        columns={
            **_PLACE,
            "listed": "entries of the crawl",
            **{name: comment for name, _, comment in _STEPS},
            "with_answers": "images with answers",
            "answers": "rows of `qa_pairs`",
        },
        sql=f"""
            SELECT s.crawl_uri, s.ingest_day, sum(s.entries) AS listed,
              {", ".join(f"sum(coalesce(t_{name}.kept, 0)) AS {name}" for name, _, _ in _STEPS)},
              sum(coalesce(a.images, 0)) AS with_answers, sum(coalesce(a.answers, 0)) AS answers
            FROM ({_SHARDS}) AS s {_COUNTS}
            LEFT JOIN (
              SELECT ingest_shard, sum(answered_images) AS images, sum(answers) AS answers
              FROM {{qa_statistics}} GROUP BY ingest_shard
            ) AS a ON s.ingest_shard = a.ingest_shard
            GROUP BY s.crawl_uri, s.ingest_day
        """,
    ),
    View(
        name="drop_reasons",
        comment="Why rows of each crawl and day were left out, by stage, under the current recipes.",
        columns={
            "stage": "stage that left them out",
            **_PLACE,
            "outcome": "failed, filtered or refused",
            "reason": "reason code, or the name of a rule",
            "left_out": "rows of `quarantine`, at the first attempt",
            "repeated": "rows of later attempts, by `spatiallake retry`",
        },
        sql=f"""
            SELECT q.stage, s.crawl_uri, s.ingest_day, q.outcome, q.reason,
              sum(CASE WHEN q.attempt = 1 THEN 1 ELSE 0 END) AS left_out,
              sum(CASE WHEN q.attempt > 1 THEN 1 ELSE 0 END) AS repeated
            FROM {{quarantine}} AS q
            JOIN ({_CURRENT}) AS r ON q.stage = r.stage AND q.recipe = r.recipe
            LEFT JOIN ({_SHARDS}) AS s ON q.ingest_shard = s.ingest_shard
            GROUP BY q.stage, s.crawl_uri, s.ingest_day, q.outcome, q.reason
        """,
    ),
    View(
        name="answers_by_type",
        comment="Answers by question type and form, with balance and values.",
        columns={
            **_SPLIT,
            "type_id": "id of the question type",
            "family": "qualitative or quantitative",
            "answer_form": "sentence, short or letter",
            **_ANSWERS,
            **_OF_TYPE,
            **_TRUTHS,
            **_VALUES,
        },
        sql=f"""
            SELECT crawl_uri, ingest_day, split, type_id, family, answer_form, sum(answers) AS answers,
              sum(images) AS images, {_TRUTH_SUMS}, {_VALUE_SUMS}
            FROM {{qa_statistics}} GROUP BY crawl_uri, ingest_day, split, type_id, family, answer_form
        """,
    ),
    View(
        name="sequence_answers_by_type",
        comment="Answers about several images by question type and form; `answers_by_type` counts those about one.",
        columns={
            "split": "train, validation or test",
            "type_id": "id of the question type, V01 and on",
            "family": "qualitative or quantitative",
            "answer_form": "sentence or short",
            "answers": "rows of `sequence_qa_pairs`",
            "sequences": "sequences with an answer of this type; add up within a type, not over types",
            "measured": "answers with a measured value over 0",
            "value_min": "smallest measured value",
            "value_max": "largest measured value",
        },
        sql="""
            SELECT split, type_id, family, answer_form, count(*) AS answers, count(DISTINCT sequence_id) AS sequences,
              sum(CASE WHEN value_si > 0 THEN 1 ELSE 0 END) AS measured,
              min(CASE WHEN value_si > 0 THEN value_si END) AS value_min,
              max(CASE WHEN value_si > 0 THEN value_si END) AS value_max
            FROM {sequence_qa_pairs} GROUP BY split, type_id, family, answer_form
        """,
    ),
    View(
        name="answers_by_licence",
        comment="Images with answers, and their answers, by license.",
        columns={**_SPLIT, "licence": "of the image, as crawled", "images": "images with answers", **_ANSWERS},
        sql="""
            SELECT crawl_uri, ingest_day, split, licence, sum(answered_images) AS images, sum(answers) AS answers
            FROM {qa_statistics} GROUP BY crawl_uri, ingest_day, split, licence
        """,
    ),
    View(
        name="answers_by_unit",
        comment="Numbers by the unit that the answer is worded in.",
        columns={**_SPLIT, "type_id": "id of the question type", "unit": "unit as worded", **_ANSWERS, **_VALUES},
        sql=f"""
            SELECT crawl_uri, ingest_day, split, type_id, unit, sum(answers) AS answers, {_VALUE_SUMS}
            FROM {{qa_statistics}} WHERE unit IS NOT NULL GROUP BY crawl_uri, ingest_day, split, type_id, unit
        """,
    ),
    View(
        name="distance_histogram",
        comment=f"Measured lengths by type, in {BINS_PER_DECADE} bins of equal ratio per decade.",
        columns={**_SPLIT, "type_id": "id of the question type", **_BIN, **_ANSWERS},
        sql=f"""
            SELECT crawl_uri, ingest_day, split, type_id, distance_bin, {_EDGES}, sum(answers) AS answers
            FROM {{qa_statistics}} WHERE distance_bin IS NOT NULL
            GROUP BY crawl_uri, ingest_day, split, type_id, distance_bin
        """,
    ),
    View(
        name="answers_by_label",
        comment="Objects that answers are about, by label and distance from the camera.",
        columns={
            **_SPLIT,
            "label": "category name of the object",
            **_BIN,
            "objects": "objects that an answer is about",
            "mentions": "pairs of an answer and an object that it is about",
            "range_sum_m": "sum of the objects' distances from the camera, m",
        },
        sql=f"""
            SELECT crawl_uri, ingest_day, split, label, distance_bin, {_EDGES}, sum(objects) AS objects,
              sum(mentions) AS mentions, sum(range_sum_m) AS range_sum_m
            FROM {{object_statistics}} GROUP BY crawl_uri, ingest_day, split, label, distance_bin
        """,
    ),
    View(
        name="answers_by_recipe",
        comment="Answers of every recipe of `synthesize`, by type, whether it is shown or not.",
        columns={
            "recipe": "recipe of `synthesize`",
            "shown": "whether it is the current one",
            **_SPLIT,
            "type_id": "id of the question type",
            "family": "qualitative or quantitative",
            **_ANSWERS,
            **_OF_TYPE,
            **_TRUTHS,
            **_VALUES,
        },
        sql=f"""
            SELECT r.upstream_recipe AS recipe, c.recipe IS NOT NULL AS shown, crawl_uri, ingest_day, split, type_id,
              family, sum(answers) AS answers, sum(images) AS images, {_TRUTH_SUMS}, {_VALUE_SUMS}
            FROM {{qa_statistics_all}} AS q
            JOIN (SELECT DISTINCT recipe, upstream_recipe FROM {{recipes}} WHERE stage = 'statistics') AS r
              ON q.recipe = r.recipe
            LEFT JOIN ({_CURRENT}) AS c ON c.stage = 'statistics' AND q.recipe = c.recipe
            GROUP BY r.upstream_recipe, c.recipe IS NOT NULL, crawl_uri, ingest_day, split, type_id, family
        """,
    ),
    View(
        name="work_by_day",
        comment="What each stage did on each day, whatever crawl it worked on.",
        columns={
            "stage": "stage",
            "recipe": "recipe of the stage",
            "day": "day (UTC) on which micro-batches ended",
            "rows_in": "rows read",
            "rows_out": "rows written",
            "failed": "rows with a reject: failed",
            "filtered": "rows with a reject: filtered",
            "refused": "rows with a reject: refused",
            "seconds": "wall time of the micro-batches, s",
        },
        sql="""
            SELECT stage, recipe, CAST(finished_at AS DATE) AS day, sum(rows_in) AS rows_in, sum(rows_out) AS rows_out,
              sum(failed) AS failed, sum(filtered) AS filtered, sum(refused) AS refused, sum(seconds) AS seconds
            FROM {stage_runs} GROUP BY stage, recipe, CAST(finished_at AS DATE)
        """,
    ),
)

VIEWS = MappingProxyType({view.name: view for view in _ALL})
