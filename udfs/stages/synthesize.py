"""Synthesize: questions and answers from scenes and referring expressions, on Arrow batches."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from schemas.reasons import Outcome, Reason
from udfs.garbage import collector_paused
from udfs.questions.answering import answer_scene, split_of
from udfs.questions.columns import ImageColumns, QaColumns
from udfs.questions.flattening import scenes_of
from udfs.questions.scene import Scene, scene_of
from udfs.questions.settings import SynthesizeSettings
from udfs.stages.rows import Row, RowRejected, keys_of, rejected_by

# Few enough rows to stay in the processor's cache until they become columns.
_ROWS_PER_BATCH = 2_000

__all__ = ["QaColumns", "SynthesizeSettings", "questions_of", "synthesize_batches", "synthesize_scene"]


def synthesize_scene(
    scene: dict[str, Any], references: list[dict[str, Any]], settings: SynthesizeSettings, out: QaColumns
) -> None:
    """Append the answers of one scene to `out`.

    `scene` is a row of `scenes` with `scene_recipe` and `licence`; `references` is the row's list in `references`. A
    scene that decides nothing appends nothing.
    """
    _append(scene, scene_of(scene, references, settings.asks_affordances), settings, out)


def questions_of(scene: Row, references: list[Row], settings: SynthesizeSettings, recipe: str) -> list[Row]:
    """Return the rows of `qa_pairs` of one scene, given as to `synthesize_scene`.

    Raises:
        RowRejected: the scene decides no question.
    """
    out, made = QaColumns(recipe), scene_of(scene, references, settings.asks_affordances)
    if not _append(scene, made, settings, out):
        raise _without_questions(made)
    return out.rows()


def synthesize_batches(
    batches: Iterator[pa.RecordBatch], settings: SynthesizeSettings, recipe: str, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Answer every scene of every batch.

    Input has the columns of `scenes` that the rules read, `scene_recipe`, `licence` and `references`. Output has
    `schema`: the columns of `qa_pairs` plus `rejects`, a list of REJECT structs; a scene without an answer gives one
    row with its keys, nulls and the reason.
    """
    for batch in batches:
        scenes, rejected = scenes_of(batch, settings.asks_affordances), []
        while (made := _answered(scenes, settings, recipe, schema, rejected)) is not None:
            yield made
        if rejected:
            yield pa.RecordBatch.from_pylist(rejected, schema=schema)


def _answered(
    scenes: Iterator[tuple[Row, Scene | Exception]],
    settings: SynthesizeSettings,
    recipe: str,
    schema: pa.Schema,
    rejected: list[Row],
) -> pa.RecordBatch | None:
    """Return the answers of the next scenes, None when there are no more; append what decides nothing to `rejected`."""
    out = QaColumns(recipe)
    with collector_paused():
        for keys, made in scenes:
            try:
                if isinstance(made, Exception):
                    raise made
                _require_wanted(keys, settings)
                if not _append(keys, made, settings, out):
                    raise _without_questions(made)
            except Exception as error:  # a poisoned scene is quarantined alone, whatever it raises
                rejected.append(_rejected(keys, recipe, error))
            if len(out) >= _ROWS_PER_BATCH:
                break
        return out.to_batch(schema) if len(out) else None


def _append(keys: Row, scene: Scene, settings: SynthesizeSettings, out: QaColumns) -> int:
    answers = answer_scene(scene, settings, out.recipe)
    if not answers:
        return 0
    image_id = scene.image_id
    # A scene of no lake belongs to no group.
    split = split_of(keys.get("group_id") or image_id, settings)
    image = ImageColumns(image_id, keys.get("ingest_shard"), keys["scene_recipe"], keys.get("licence"), split)
    out.extend(image, answers)
    return len(answers)


def _without_questions(scene: Scene) -> RowRejected:
    return RowRejected(Outcome.FILTERED, Reason.NO_QUESTIONS, _why_none(scene))


def _require_wanted(keys: Row, settings: SynthesizeSettings) -> None:
    """Leave out an image that would divide what belongs into one split, or is not the one to keep of its cluster.

    Raises:
        RowRejected: with the reason.
    """
    image_id, group, cluster = keys["image_id"], keys.get("group_id"), keys.get("cluster_id")
    splits = {split_of(name, settings) for name in (group, *(keys.get("other_groups") or ())) if name}
    if len(splits) > 1:
        raise RowRejected(
            Outcome.FILTERED,
            Reason.DIVIDED_DUPLICATES,
            f"The image arrived later than near-duplicates or frames of its sequence that lie in the splits"
            f" {' and '.join(sorted(splits))}, so it can lie in neither; a new lake would keep them together.",
        )
    if settings.keep_one_duplicate and cluster and cluster != image_id:
        raise RowRejected(
            Outcome.FILTERED,
            Reason.NEAR_DUPLICATE,
            f"The image is a near-duplicate of {cluster}, which is kept; set synthesize.keep_one_duplicate=false to"
            " keep both.",
        )


def _why_none(scene: Scene) -> str:
    count = len(scene.objects)
    named = f"{count} object{'' if count == 1 else 's'} can be named"
    closed = "; ".join(scene.gates.why_closed) or "every gate is open"
    return (
        f"No pair of objects decides a question: {named}; {closed}. Give more captions, better depth or gravity, "
        "or set synthesize.solo_numbers for numbers about single objects."
    )


def _rejected(keys: Row, recipe: str, error: Exception) -> Row:
    return {**keys_of(keys, recipe), "rejects": [rejected_by(error).as_row()]}
