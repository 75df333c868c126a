"""One photograph through the stages' row functions, each slot filled by the truth or by an expert."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.engine.errors import UsageError
from jobs.engine.settings import RunSettings
from udfs.crawl.entries import MANIFEST, parsed
from udfs.crawl.fetch import fetched
from udfs.crawl.layout import layout_of
from udfs.crawl.listing import entries_of
from udfs.experts.expert import SENSOR, ExpertSpec, Profile, loaded_expert
from udfs.stages.disambiguate import disambiguate_row
from udfs.stages.ingest import ingest_row
from udfs.stages.lift import lift_row
from udfs.stages.rows import Row, RowRejected
from udfs.stages.synthesize import QaColumns, synthesize_scene

_CHUNK_BYTES = 32 * 2**20
_RECIPE = "truth"


@dataclass(frozen=True)
class Slots:
    """Which slots an expert fills; the truth fills the others."""

    masks: bool
    depth: bool
    gravity: bool

    def words(self) -> dict[str, str]:
        """Return true or learned by slot."""
        return {name: "learned" if value else "true" for name, value in vars(self).items()}


ALL_TRUE, ALL_LEARNED = Slots(False, False, False), Slots(True, True, True)
EACH_IN_TURN = (ALL_TRUE, Slots(True, False, False), Slots(False, True, False), Slots(False, False, True), ALL_LEARNED)


@dataclass(frozen=True)
class Perceived:
    """A photograph's `images` row with what the truth and the experts see in it; None where an expert sees nothing."""

    image: Row
    true_regions: list[Row]
    true_depth: Row
    regions: list[Row] | None
    depth: Row | None


def photographs(crawl: str, limit: int | None, settings: RunSettings) -> Iterator[tuple[Row, Row]]:
    """Yield (manifest row, `images` row) of a local manifest's photographs, those with depth and masks.

    Raises:
        UsageError: the crawl is no manifest, or none of its photographs carries the truth.
    """
    layout = layout_of(crawl, _CHUNK_BYTES)
    if layout.kind != MANIFEST:
        raise UsageError(f"{crawl} is a {layout.kind}; the truth is read from a manifest with depth and instances.")
    entries = [row for piece in layout.pieces for row in entries_of(piece, layout.crawl_uri)]
    none = True
    for one in fetched([{**row, "ingest_shard": 0} for row in entries[:limit]], settings.ingest):
        image = ingest_row(one, settings.ingest)
        if all(image.get(name) for name in ("depth", "instances", "objects")):
            none = False
            yield parsed(one.entry["row_json"]), image
    if none:
        raise UsageError(f"No photograph of {crawl} carries depth, instances and objects; there is nothing to compare.")


def is_exact(image: Row) -> bool:
    """Return whether a photograph carries all that answers are judged by: gravity, and a box of every object."""
    return bool(image.get("gravity")) and all(one.get("box_3d") for one in image["objects"])


def perceived(image: Row, profile: Profile) -> Perceived:
    """Let truth and experts see a photograph; experts get neither its intrinsics nor anything else of the truth.

    True regions come without amodal boxes, which would give away every size whatever the depth.
    """
    regions = [{**r, "box_3d": None, "front": None} for r in _seen("context", SENSOR, image)["regions"]]
    bare = {**image, "camera": None, "gravity": None, "depth": None, "instances": None, "objects": None}
    return Perceived(
        image,
        regions,
        _seen("depth", SENSOR, image),
        _or_none("context", profile.context, bare, "regions"),
        _or_none("depth", profile.depth, bare),
    )


def _or_none(slot: str, spec: ExpertSpec, image: Row, part: str | None = None) -> Any:
    try:
        prediction = _seen(slot, spec, image)
    except RowRejected:
        return None
    return prediction[part] if part else prediction


def _seen(slot: str, spec: ExpertSpec, image: Row) -> Row:
    (prediction,) = loaded_expert(slot, spec).predict([image])
    if isinstance(prediction, Exception):
        raise prediction
    return prediction


def answers_of(seen: Perceived, slots: Slots, settings: RunSettings) -> tuple[list[Row], Row | None]:
    """Return `qa_pairs` rows and the `scenes` row of one choice of slots; nothing where a stage rejects it."""
    regions = seen.regions if slots.masks else seen.true_regions
    depth = seen.depth if slots.depth else seen.true_depth
    gravity = seen.depth if slots.gravity else seen.true_depth
    if not regions or depth is None or gravity is None:
        return [], None
    attitude = {name: gravity[name] for name in ("gravity", "gravity_src", "gravity_sigma_deg")}
    keys = {"image_id": seen.image["image_id"], "ingest_shard": 0}
    size = {"width": seen.image["width"], "height": seen.image["height"]}
    try:
        scene = {**lift_row({**depth, **attitude, **keys, **size, "regions": regions}, settings.lift), **keys}
    except RowRejected:
        return [], None
    named = disambiguate_row({**scene, "regions": regions}, settings.disambiguate)
    columns = QaColumns(_RECIPE)
    asked = {**scene, "scene_recipe": _RECIPE, "licence": None}
    synthesize_scene(asked, named["references"], settings.synthesize, columns)
    return columns.rows(), scene


def depth_m_of(depth: Row) -> NDArray[np.float64]:
    """Return the map (h, w) of a `depths` row in m, 0 = none."""
    pixels = cv2.imdecode(np.frombuffer(depth["depth"], np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(pixels, dtype=np.float64) / 1000.0
