"""Every stage as a function of columns, for DataFrames of your own: no lake, no commands.

Each returns a struct column with the columns of the stage's table and `rejects`, the reasons why a
row has none; what needs a rejected struct is null too, and carries its reasons on. `experts` is a
profile as everywhere (`sensor`, `builtin`, a YAML file or a mapping), `settings` a mapping as in a
settings file. They are pandas UDFs: learned experts run as in the stages, in a process of their
own, on the GPU that Spark gives the task.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField, StructType

from jobs.engine.columns import Input, Plain, Run, as_column, by_row, column_of, struct_of, warn_of_large_batches
from jobs.engine.errors import UsageError
from jobs.engine.settings import RunSettings, load_settings
from schemas.answers import QA_PAIRS
from schemas.images import IMAGES
from schemas.manifest import ManifestRow
from schemas.perception import DEPTHS, IMAGE_SCORES, REGIONS
from schemas.scenes import REFERENCES, SCENES
from schemas.table import Table
from udfs.crawl.entries import validated_row
from udfs.crawl.fetch import Fetched
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.stages.disambiguate import disambiguate_row
from udfs.stages.ingest import ingest_row
from udfs.stages.lift import lift_row
from udfs.stages.one_image import RECIPE
from udfs.stages.perceive import Finish, Perception, depth_row, perceived, regions_row, scores_row
from udfs.stages.rows import RowFunction, applied, rejected_by
from udfs.stages.synthesize import questions_of

__all__ = ["depth", "ingest", "lift", "questions", "references", "regions", "scores"]

Experts = str | Path | Mapping[str, Any]
Settings = Mapping[str, Any] | None
Given = Column | str

_ENTRY = {"entry_id": "column", "uri": "column", "member": None, "ingest_shard": 0}


def ingest(
    content: Given,
    *,
    depth: Given | None = None,
    instances: Given | None = None,
    settings: Settings = None,
    **row: Given,
) -> Column:
    """Return images as rows of `images`: checked, with all that is given turned upright.

    `content` is the image file's bytes, `depth` and `instances` those of uint16 PNGs as in a crawl. Further columns are
    fields of a manifest row: `camera`, `gravity`, `objects`, `licence` and so on.

    Raises:
        UsageError: a name that no manifest row has, or unusable settings.
    """
    for name in row:
        if name not in ManifestRow.model_fields or name in ("image", "depth", "instances"):
            raise UsageError(f"ingest takes no {name!r}; give fields of a manifest row, see docs/crawls.md.")
    warn_of_large_batches()
    limits = _merged(settings).ingest
    given: dict[str, Given] = {"content": content, "depth": depth, "instances": instances, **row}  # pyright: ignore
    inputs = {name: Input(as_column(column)) for name, column in given.items() if column is not None}

    def ingested(values: Plain) -> Plain:
        image, maps = values.pop("content"), {name: values.pop(name, None) for name in ("depth", "instances")}
        try:
            fetched = Fetched(_ENTRY, validated_row({"image": "column", **values}), image or b"", **maps)
        except Exception as error:  # a bad row must not fail its neighbors
            return {"rejects": [rejected_by(error).as_row()]}
        return ingest_row(fetched, limits)

    return column_of(by_row(ingested), inputs, struct_of(IMAGES))


def scores(image: Given, *, experts: Experts, settings: Settings = None) -> Column:
    """Return the filter's scores of images, as rows of `image_scores`."""
    return _predicted("filter", scores_row, IMAGE_SCORES, image, _merged(settings, experts))


def regions(image: Given, scores: Given | None = None, *, experts: Experts, settings: Settings = None) -> Column:
    """Return masks, labels and captions of images, as rows of `regions`.

    With `scores`, images below `context.thresholds` are rejected before the expert sees them.
    """
    merged = _merged(settings, experts)
    return _predicted("context", regions_row, REGIONS, image, merged, None if scores is None else as_column(scores))


def depth(image: Given, *, experts: Experts, settings: Settings = None) -> Column:
    """Return metric depth, intrinsics and gravity of images, as rows of `depths`."""
    return _predicted("depth", depth_row, DEPTHS, image, _merged(settings, experts))


def lift(depth: Given, regions: Given, camera: Given | None = None, *, settings: Settings = None) -> Column:
    """Return metric 3D objects in a gravity-aligned frame, as rows of `scenes`.

    `camera`, a struct of fx, fy, cx and cy in px of the upright image, replaces the intrinsics in `depth` where it is
    not null.
    """
    limits = _merged(settings).lift
    inputs = {"depth": Input(as_column(depth), DEPTHS), "regions": Input(as_column(regions), REGIONS)}
    if camera is not None:
        inputs["camera"] = Input(as_column(camera))

    def joined(values: Plain) -> Plain:
        masks, own = values["regions"], values.get("camera")
        known = {"camera": own, "camera_src": "crawl", "focal_sigma_rel": 0.0} if own else {}
        return {**values["depth"], **known, **{name: masks[name] for name in ("width", "height", "regions")}}

    return column_of(_rows_of(joined, partial(lift_row, settings=limits)), inputs, struct_of(SCENES))


def references(scene: Given, regions: Given | None = None, *, settings: Settings = None) -> Column:
    """Return a referring expression per object, as rows of `references`.

    With `regions`, no expression fits a region that was not lifted.
    """
    limits = _merged(settings).disambiguate
    inputs = {"scene": Input(as_column(scene), SCENES)}
    if regions is not None:
        inputs["regions"] = Input(as_column(regions), REGIONS)

    def joined(values: Plain) -> Plain:
        return {**values["scene"], "regions": (values.get("regions") or {}).get("regions")}

    return column_of(_rows_of(joined, partial(disambiguate_row, settings=limits)), inputs, struct_of(REFERENCES))


def questions(scene: Given, references: Given, licence: Given | None = None, *, settings: Settings = None) -> Column:
    """Return questions with their answers: a struct of `answers`, a list of rows of `qa_pairs`, and `rejects`.

    `licence` is the column that the answers carry.
    """
    limits = _merged(settings).synthesize
    inputs = {"scene": Input(as_column(scene), SCENES), "references": Input(as_column(references), REFERENCES)}
    if licence is not None:
        inputs["licence"] = Input(as_column(licence))
    answer = StructType([field for field in struct_of(QA_PAIRS).fields if field.name != "rejects"])
    rejects = struct_of(QA_PAIRS)["rejects"]

    def asked(values: Plain) -> Plain:
        scene = {**values["scene"], "scene_recipe": RECIPE, "licence": values.get("licence"), "ingest_shard": 0}
        return {"answers": questions_of(scene, values["references"]["references"], limits, RECIPE)}

    def joined(values: Plain) -> Plain:
        return {**values, "image_id": values["scene"]["image_id"]}

    returns = StructType([StructField("answers", ArrayType(answer), True), rejects])
    return column_of(_rows_of(joined, asked), inputs, returns)


def _merged(settings: Settings, experts: Experts | None = None) -> RunSettings:
    named = {} if experts is None else {"experts": str(experts) if isinstance(experts, Path) else experts}
    return load_settings({**(settings or {}), **named, "lake": "."}, None, [])


def _rows_of(joined: RowFunction, function: RowFunction) -> Run:
    return by_row(lambda values: applied({"ingest_shard": 0, **joined(values)}, function, RECIPE))


def _predicted(
    slot: str,
    finish: Finish,
    table: Table,
    image: Given,
    settings: RunSettings,
    scores: Column | None = None,
) -> Column:
    warn_of_large_batches()
    spec: ExpertSpec = getattr(settings.profile(), slot)
    wanted = tuple(dict.fromkeys(("image_id", "width", "height", *expert_class(slot, spec).columns)))
    whole = as_column(image)
    # Only what the expert reads goes to Python; `has_depth` stands for a depth map without its bytes.
    fields = [(whole["depth"].isNotNull() if name == "has_depth" else whole[name]).alias(name) for name in wanted]
    own = F.struct(*fields, whole["rejects"].alias("rejects"))
    inputs = {"image": Input(own, IMAGES)} | ({} if scores is None else {"scores": Input(scores, IMAGE_SCORES)})
    thresholds = {} if scores is None else settings.context.thresholds

    def run(batches: Any) -> Any:
        rows = ([_of_image(row) for row in batch] for batch in batches)
        return perceived(rows, Perception(slot, spec, finish, RECIPE, thresholds))

    def _of_image(row: Plain) -> Plain:
        return {**row["image"], "ingest_shard": 0, "scores": (row.get("scores") or {}).get("scores")}

    return column_of(run, inputs, struct_of(table))
