"""`spatiallake benchmark`: an evaluation set from a lake, balanced so that nouns do not predict relations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from jobs.engine.errors import UsageError
from jobs.engine.exports import note_export
from jobs.engine.frames import require_upright
from jobs.views.reader import LakeReader, Row, quoted
from udfs.pixels.decoding import upright_file
from udfs.storage.atomic import written_whole
from vlm.evaluation.baselines import TEXT_ONLY_PRIOR, baselines
from vlm.evaluation.benchmark import COLUMNS, BenchmarkSettings, chosen, item_of, relations_of
from vlm.evaluation.formats import spatiallake
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.priors import accuracy, priors_of
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.scores.interval import Score
from vlm.evaluation.scores.table import scored

_TRAINING = BenchmarkSettings(split="train")
# Images in memory at a time.
_BATCH = 32
_THINGS = """SELECT image_id, thing['object_id'] AS object_id, thing['label'] AS label, thing['range_m'] AS range_m
FROM (SELECT image_id, unnest(objects) AS thing FROM t WHERE recipe IN ({recipes}))"""


@dataclass(frozen=True)
class Benchmark:
    """Questions by type before (`asked`) and after (`kept`) the selection, with the accuracy of text-only baselines.

    `priors` is the accuracy of each prior on relations before and after, `baseline` holds the scores of the text-only
    baseline after; both are empty without training answers.
    """

    asked: dict[str, int]
    kept: dict[str, int]
    rejected: list[Rejected]
    training: int
    priors: dict[str, tuple[float, float]] = field(default_factory=dict)
    baseline: list[Score] = field(default_factory=list)


def write_benchmark(
    lake: LakeReader,
    out: Path,
    settings: BenchmarkSettings,
    training: LakeReader | None = None,
    training_out: Path | None = None,
) -> Benchmark:
    """Write the items of a lake to `out` (.parquet), and the training answers without images to `training_out`.

    Baselines are fitted on the train split of `training`, or of the lake itself if the items are from another split.

    Raises:
        UsageError: no question can be kept.
        LakeUnreadable: a table does not exist yet, or an earlier version ingested images that are not upright.
    """
    require_upright(lake.uri)
    asked = _items(lake, settings)
    if training is None and settings.split in ("test", "validation"):
        training = lake
    known = _items(training, _TRAINING) if training else []
    kept = chosen(asked, settings, known)
    if not kept:
        raise UsageError(
            f"None of the {len(asked)} answers of split {settings.split} in {lake.uri} can be kept; "
            "use a larger lake or another --split."
        )
    rejected = _write(_with_images(lake, kept), out)
    note_export(lake.uri, "benchmark", str(out), (str(item.image_id) for item in kept))
    if training_out:
        _write(known, training_out)
    priors, baseline = _priors(asked, kept, known) if known else ({}, [])
    return Benchmark(_counts(asked), _counts(kept), rejected, len(known), priors, baseline)


def _priors(
    items: Sequence[Item], kept: Sequence[Item], known: Sequence[Item]
) -> tuple[dict[str, tuple[float, float]], list[Score]]:
    before, after = relations_of(items), relations_of(kept)
    priors = priors_of(relations_of(known)) if after else {}
    shares = {name: (accuracy(prior, before), accuracy(prior, after)) for name, prior in priors.items()}
    prior = next(one for one in baselines(kept, known) if one.answers.model == TEXT_ONLY_PRIOR)
    return shares, scored(predictions_of(prior.items, prior.answers)).overall


def _items(lake: LakeReader, settings: BenchmarkSettings) -> list[Item]:
    """Return all fair questions of a split without images, ordered by image."""
    wanted = [f"split = '{settings.split}'"] if settings.split != "all" else []
    wanted += [f"recipe = {quoted([settings.recipe])}"] if settings.recipe else []
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = lake.query(
        "qa_pairs", f"SELECT {columns} FROM t {where} ORDER BY image_id, qa_id", all_recipes=settings.recipe is not None
    )
    things: dict[str, dict[int, Row]] = defaultdict(dict)
    recipes = {row["scene_recipe"] for row in rows}
    for thing in lake.query("scenes", _THINGS.format(recipes=quoted(recipes)), all_recipes=True) if recipes else ():
        things[thing["image_id"]][thing["object_id"]] = thing
    return [item for row in rows if (item := item_of(row, things[row["image_id"]]))]


def _with_images(lake: LakeReader, items: Sequence[Item]) -> Iterator[Item]:
    by_image = [(str(image), list(own)) for image, own in groupby(items, key=lambda item: item.image_id)]
    for start in range(0, len(by_image), _BATCH):
        some = by_image[start : start + _BATCH]
        ids = quoted(image for image, _ in some)
        rows = lake.query("images", f"SELECT image_id, bytes FROM t WHERE image_id IN ({ids})")
        by_id = {row["image_id"]: row for row in rows}
        for image, own in some:
            data, size_px = upright_file(by_id[image]["bytes"])
            yield from (replace(item, images=(ItemImage(data=data),), size_px=size_px) for item in own)


def _write(items: Iterable[Item], out: Path) -> list[Rejected]:
    """Write the items atomically and return the rejected ones."""
    with written_whole(out) as draft:
        return spatiallake.write(items, draft)


def _counts(items: Sequence[Item]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for item in items:
        counts[item.type_id] += 1
    return dict(sorted(counts.items()))
