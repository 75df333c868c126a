"""Runs one image through the row functions of the stages, with each slot filled by ground truth or by an expert."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jobs.engine.errors import UsageError
from jobs.engine.settings import RunSettings
from jobs.stages.listing import crawl_layout
from scenes.truth.measure import ExactScene, png_pixels, scene_of
from udfs.crawl.entries import MANIFEST, parsed
from udfs.crawl.fetch import fetched
from udfs.crawl.listing import entries_of
from udfs.crawl.sidecars import Sidecars, upright_sidecars
from udfs.experts.expert import SENSOR, ExpertSpec, Profile
from udfs.pixels.decoding import orientation_of
from udfs.pixels.maps import decoded_map
from udfs.stages.ingest import ingest_row
from udfs.stages.one_image import prediction_of, question_image
from udfs.stages.rows import Row, RowRejected


@dataclass(frozen=True)
class Slots:
    """The slots that an expert fills; ground truth fills the others."""

    masks: bool
    depth: bool
    gravity: bool

    def words(self) -> dict[str, str]:
        """Return "true" or "learned" for each slot."""
        return {name: "learned" if value else "true" for name, value in vars(self).items()}


ALL_TRUE, ALL_LEARNED = Slots(False, False, False), Slots(True, True, True)
ABLATIONS = (ALL_TRUE, Slots(True, False, False), Slots(False, True, False), Slots(False, False, True), ALL_LEARNED)


@dataclass(frozen=True)
class Candidates:
    """An `images` row with the true and the predicted regions and depth; None where the expert rejects the image."""

    image: Row
    true_regions: list[Row]
    true_depth: Row
    regions: list[Row] | None
    depth: Row | None


def images_with_truth(crawl: str, limit: int | None, settings: RunSettings) -> Iterator[tuple[Row, Row]]:
    """Yield (manifest row, `images` row) of the images of a manifest that have depth, instances and objects.

    Raises:
        CrawlUnreadable: the crawl is not there, or of a kind that is not read.
        UsageError: the crawl has no manifest, or none of its images has ground truth.
    """
    layout = crawl_layout(crawl)
    if layout.kind != MANIFEST:
        raise UsageError(f"{crawl} is a {layout.kind}; pass a manifest with depth and instances.")
    entries = [row for piece in layout.pieces for row in entries_of(piece, layout.crawl_uri)]
    any_images = False
    for file in fetched([{**row, "ingest_shard": 0} for row in entries[:limit]], settings.ingest):
        image = ingest_row(file, settings.ingest)
        if all(image.get(name) for name in ("depth", "instances", "objects")):
            any_images = True
            yield parsed(file.entry["row_json"]), image
    if not any_images:
        raise UsageError(f"No image of {crawl} has depth, instances and objects; pass a crawl with ground truth.")


def is_exact(image: Row) -> bool:
    """Return whether an image has the ground truth that scoring answers needs: gravity, and a box for every object."""
    return bool(image.get("gravity")) and all(item.get("box_3d") for item in image["objects"])


def exact_scene(crawl: Path, row: Row) -> ExactScene:
    """Measure one row of an exact crawl, in the frame of its upright image."""
    with Image.open(crawl / row["image"]) as image:
        turn, size = orientation_of(image), image.size
    depth, instances = (turn.map(png_pixels(crawl / row[name])) for name in ("depth", "instances"))
    objects = [{"box_3d": None, "front": None, **item} for item in row["objects"]]
    carried = upright_sidecars(Sidecars(row["camera"], row["gravity"], row.get("pose"), objects), turn, size)
    return scene_of({**row, **carried.columns()}, depth, instances)


def candidates_of(image: Row, profile: Profile) -> Candidates:
    """Return the true and the predicted slots; the experts see neither the intrinsics nor any other ground truth.

    True regions have no amodal boxes, because those determine every size regardless of the depth.
    """
    regions = [{**r, "box_3d": None, "front": None} for r in prediction_of("context", SENSOR, image)["regions"]]
    bare = {**image, "camera": None, "gravity": None, "depth": None, "instances": None, "objects": None}
    return Candidates(
        image=image,
        true_regions=regions,
        true_depth=prediction_of("depth", SENSOR, image),
        regions=_or_none("context", profile.context, bare, "regions"),
        depth=_or_none("depth", profile.depth, bare),
    )


def _or_none(slot: str, spec: ExpertSpec, image: Row, part: str | None = None) -> Any:
    try:
        prediction = prediction_of(slot, spec, image)
    except RowRejected:
        return None
    return prediction[part] if part else prediction


def answers_of(given: Candidates, slots: Slots, settings: RunSettings) -> tuple[list[Row], Row | None]:
    """Return the `qa_pairs` rows and the `scenes` row of one ablation; ([], None) if a stage rejects the image."""
    regions = given.regions if slots.masks else given.true_regions
    depth = given.depth if slots.depth else given.true_depth
    gravity = given.depth if slots.gravity else given.true_depth
    if not regions or depth is None or gravity is None:
        return [], None
    attitude = {name: gravity[name] for name in ("gravity", "gravity_src", "gravity_sigma_deg")}
    try:
        asked = question_image(
            given.image, regions, {**depth, **attitude}, (settings.lift, settings.disambiguate, settings.synthesize)
        )
    except RowRejected:
        return [], None
    return asked.answers, asked.scene


def depth_m_of(depth: Row) -> NDArray[np.float64]:
    """Decode the depth map (h, w) of a `depths` row, m, 0 = no depth."""
    return decoded_map(depth["depth"]).astype(np.float64) / 1000.0
