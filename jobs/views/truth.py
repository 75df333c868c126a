"""`spatiallake truth`: oracle ablation, replacing masks, depth and gravity by ground truth one at a time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.engine.errors import ModelFailed, UsageError
from jobs.engine.settings import RunSettings
from jobs.views.pages.markdown import row as table_row
from jobs.views.truth_slots import (
    ABLATIONS,
    Candidates,
    Slots,
    answers_of,
    candidates_of,
    depth_m_of,
    exact_scene,
    is_exact,
)
from jobs.views.truth_slots import images_with_truth as images_of
from scenes.truth.answers import Answers
from scenes.truth.masks import overlaps, spoken_of
from scenes.truth.measure import MANIFEST_NAME, ExactScene, angle_deg, read_manifest
from scenes.truth.perception import Perception
from scenes.truth.words import Words
from udfs.crawl.entries import manifest_folder
from udfs.experts.loading import ModelUnavailable

_COLUMNS = (
    *("mask_recall_50", "mask_precision_50", "name_right", "depth_abs_rel", "gravity_median_deg"),
    *("qualitative_right", "in_range_2", "within_25", "interval_80_coverage", "answers_per_image"),
    *("nouns_right", "colors_right", "every_word_right"),
)


@dataclass
class Line:
    """The results of one ablation."""

    slots: Slots
    answers: Answers = field(default_factory=Answers)
    perception: Perception = field(default_factory=Perception)
    words: Words = field(default_factory=Words)

    def figures(self) -> dict[str, Any]:
        """Return the slots and their scores, as `--json` prints them."""
        scores = {**self.perception.figures(), **self.answers.figures(), **self.words.figures()}
        return {"slots": self.slots.words(), **{name: scores[name] for name in _COLUMNS}}


def truth(settings: RunSettings, crawl: str, against: str | None, limit: int | None) -> list[Line]:
    """Run every ablation: all slots true first, all predicted last.

    `crawl` holds the images; `against` holds the same images with exact depth, masks and boxes if those of `crawl` are
    noisy. Images without gravity, or without a box for every object, count toward the perception scores only.

    Raises:
        UsageError: `crawl` has no image with ground truth, or an image is missing from `against`.
        ModelFailed: an expert fails to load.
    """
    profile = settings.profile()
    exact = Path(manifest_folder(against or crawl)).resolve()
    if not (exact / MANIFEST_NAME).is_file():
        raise UsageError(f"{exact} contains no {MANIFEST_NAME}; pass a crawl with depth and instances.")
    manifest = {row["image"]: row for row in read_manifest(exact)}
    lines = [Line(slots) for slots in ABLATIONS]
    for row, image in images_of(crawl, limit, settings):
        if row["image"] not in manifest:
            raise UsageError(f"{against} has no image {row['image']}; pass the crawl from which {crawl} was made.")
        try:
            candidates = candidates_of(image, profile)
        except ModelUnavailable as error:
            raise ModelFailed(str(error)) from error
        scene = exact_scene(exact, manifest[row["image"]]) if is_exact(image) else None
        for line in lines:
            _add(line, candidates, scene, settings)
    return lines


def _add(line: Line, given: Candidates, scene: ExactScene | None, settings: RunSettings) -> None:
    """Add one image to the scores of an ablation; without an exact scene, to the perception scores only."""
    height, width = given.image["height"], given.image["width"]
    regions = (given.regions or []) if line.slots.masks else given.true_regions
    overlap = overlaps(regions, given.true_regions, height, width)
    matches = spoken_of(regions, given.true_regions, height, width)
    true_ids = {regions[i]["region_id"]: given.true_regions[j]["region_id"] for i, j in matches.items()}
    line.perception.add_regions(regions, given.true_regions, overlap, width * height)
    depth = given.depth if line.slots.depth else given.true_depth
    if depth is not None:
        line.perception.add_depth(depth_m_of(depth), depth_m_of(given.true_depth))
    attitude = given.depth if line.slots.gravity else given.true_depth
    rows, lifted = answers_of(given, line.slots, settings)
    gravity = lifted["gravity_c"] if lifted else attitude["gravity"] if attitude else None
    if gravity is not None and given.image["gravity"]:
        line.perception.gravity_deg.append(angle_deg(gravity, given.image["gravity"]))
    if scene is None:
        return
    line.answers.images += 1
    said = {region["region_id"]: region for region in regions}
    true = {region["region_id"]: region for region in given.true_regions}
    for row in rows:
        right = line.answers.add(row, scene, true_ids)
        if right is not None:
            ids = row["object_ids"]
            shown = [true.get(true_ids.get(one, -1)) for one in ids]
            line.words.add(row["references"], [said[one] for one in ids], shown, right)


def as_json(lines: list[Line]) -> Iterator[str]:
    """Yield one JSON object per ablation; the fully predicted pipeline is last."""
    for line in lines:
        yield json.dumps(line.figures())


def as_tables(lines: list[Line]) -> Iterator[str]:
    """Yield Markdown tables: by ablation, and for the fully predicted pipeline by type and by distance."""
    yield table_row(["masks", "depth", "gravity", *_COLUMNS])
    yield table_row(["---"] * (3 + len(_COLUMNS)))
    for line in lines:
        figures = line.figures()
        yield table_row([*figures["slots"].values(), *(_text(figures[name]) for name in _COLUMNS)])
    learned = lines[-1].answers
    for title, parts in (
        ("type", sorted(learned.by_type.items())),
        ("nearest object up to", [(f"{m:g} m", judged) for m, judged in sorted(learned.by_distance_m.items())]),
    ):
        if not parts:
            continue
        names = ("qualitative", "numbers", "qualitative_right", "in_range_2", "within_25", "interval_80_coverage")
        yield ""
        yield table_row([title, *names])
        yield table_row(["---"] * (1 + len(names)))
        for name, judged in parts:
            figures = judged.figures()
            yield table_row([name, *(_text(figures[column]) for column in names)])


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
