"""`spatiallake truth`: answers against exact geometry, each slot filled in turn by the truth and by an expert."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.engine.errors import ModelFailed, UsageError
from jobs.engine.settings import RunSettings
from jobs.views.truth_slots import EACH_IN_TURN, Perceived, Slots, answers_of, depth_m_of, is_exact, perceived
from jobs.views.truth_slots import photographs as photographs_of
from scenes.truth.answers import Answers
from scenes.truth.masks import overlaps, spoken_of
from scenes.truth.measure import MANIFEST_NAME, ExactScene, angle_deg, read_manifest, read_scene
from scenes.truth.perception import Perception
from udfs.crawl.entries import manifest_folder
from udfs.experts.loading import ModelUnavailable

_COLUMNS = (
    *("mask_recall_50", "mask_precision_50", "name_right", "depth_abs_rel", "gravity_median_deg"),
    *("qualitative_right", "in_range_2", "within_25", "interval_80_coverage", "answers_per_image"),
)


@dataclass
class Line:
    """What came of one choice of slots."""

    slots: Slots
    answers: Answers = field(default_factory=Answers)
    perception: Perception = field(default_factory=Perception)

    def figures(self) -> dict[str, Any]:
        """Return the slots and their figures, as `--json` prints them."""
        known = {**self.perception.figures(), **self.answers.figures()}
        return {"slots": self.slots.words(), **{name: known[name] for name in _COLUMNS}}


def truth(settings: RunSettings, crawl: str, against: str | None, limit: int | None) -> list[Line]:
    """Return a line per choice of slots, all of them true first and all learned last.

    `crawl` holds the photographs, `against` the same ones with exact depth, masks and boxes where those of `crawl` are
    noisy. Photographs without gravity, or without a box of every object, such as real ones, show how good perception
    is; answers about them are not judged.

    Raises:
        UsageError: no photograph with the truth, or `against` shows others.
        ModelFailed: an expert does not load.
    """
    profile = settings.profile()
    exact = Path(manifest_folder(against or crawl)).resolve()
    if not (exact / MANIFEST_NAME).is_file():
        raise UsageError(f"{exact} holds no {MANIFEST_NAME}; name a crawl with depth and instances.")
    manifest = {row["image"]: row for row in read_manifest(exact)}
    lines = [Line(slots) for slots in EACH_IN_TURN]
    for row, image in photographs_of(crawl, limit, settings):
        if row["image"] not in manifest:
            raise UsageError(f"{against} has no photograph {row['image']}; name the crawl that {crawl} was made from.")
        try:
            seen = perceived(image, profile)
        except ModelUnavailable as error:
            raise ModelFailed(str(error)) from error
        scene = read_scene(exact, manifest[row["image"]]) if is_exact(image) else None
        for line in lines:
            _judge(line, seen, scene, settings)
    return lines


def _judge(line: Line, seen: Perceived, scene: ExactScene | None, settings: RunSettings) -> None:
    height, width = seen.image["height"], seen.image["width"]
    regions = (seen.regions or []) if line.slots.masks else seen.true_regions
    overlap = overlaps(regions, seen.true_regions, height, width)
    spoken = spoken_of(regions, seen.true_regions, height, width)
    shown = {regions[i]["region_id"]: seen.true_regions[j]["region_id"] for i, j in spoken.items()}
    line.perception.add_regions(regions, seen.true_regions, overlap, width * height)
    depth = seen.depth if line.slots.depth else seen.true_depth
    if depth is not None:
        line.perception.add_depth(depth_m_of(depth), depth_m_of(seen.true_depth))
    attitude = seen.depth if line.slots.gravity else seen.true_depth
    rows, lifted = answers_of(seen, line.slots, settings)
    found = lifted["gravity_c"] if lifted else attitude["gravity"] if attitude else None
    if found is not None and seen.image["gravity"]:
        line.perception.gravity_deg.append(angle_deg(found, seen.image["gravity"]))
    if scene is None:
        return
    line.answers.photographs += 1
    for row in rows:
        line.answers.add(row, scene, shown)


def as_json(lines: list[Line]) -> Iterator[str]:
    """Yield one JSON object per line, all learned last."""
    for line in lines:
        yield json.dumps(line.figures())


def as_tables(lines: list[Line]) -> Iterator[str]:
    """Yield Markdown tables: by slots, and for all learned by type and by distance."""
    yield _row(["masks", "depth", "gravity", *_COLUMNS])
    yield _row(["---"] * (3 + len(_COLUMNS)))
    for line in lines:
        figures = line.figures()
        yield _row([*figures["slots"].values(), *(_said(figures[name]) for name in _COLUMNS)])
    learned = lines[-1].answers
    for title, parts in (
        ("type", sorted(learned.by_type.items())),
        ("nearest object up to", [(f"{m:g} m", judged) for m, judged in sorted(learned.by_distance_m.items())]),
    ):
        if not parts:
            continue
        names = ("qualitative", "numbers", "qualitative_right", "in_range_2", "within_25", "interval_80_coverage")
        yield ""
        yield _row([title, *names])
        yield _row(["---"] * (1 + len(names)))
        for name, judged in parts:
            figures = judged.figures()
            yield _row([name, *(_said(figures[column]) for column in names)])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _said(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
