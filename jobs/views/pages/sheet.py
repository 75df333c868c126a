"""One image's sheet: everything that a page says about it, gathered from its rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jobs.engine.registry import stage_definitions
from jobs.one_image.lengths import Lengths
from jobs.views.pages.cloud import depth_grid
from jobs.views.pages.images import DepthImage, depth_image, image_uri, mask_anchor, mask_path
from jobs.views.pages.objects import ObjectCard, dropped, object_cards, palette
from jobs.views.pages.plan import Plan, floor_plan
from jobs.views.pages.projection import Segment, View, box_segments
from jobs.views.pages.questions import question_entry
from jobs.views.pages.scene import spans_shown
from jobs.views.pages.selection import first
from jobs.views.reader import Row
from udfs.margins import MAX_GRAVITY_SIGMA_DEG

_IMAGE_PX = 1280
_THUMB_PX = 168
_DEPTH_PX = 480

Rows = dict[str, dict[str, list[Row]]]


@dataclass(frozen=True)
class Fact:
    """A flag of the scene; `tone` is plain, good or warn, `hint` explains it."""

    name: str
    text: str
    tone: str = "plain"
    hint: str = ""


@dataclass(frozen=True)
class Step:
    """A stage's outcome for the image: done, stopped or waiting."""

    stage: str
    state: str
    hint: str


@dataclass(frozen=True)
class Overlay:
    """One region on the image: mask path, label anchor px, and box lines."""

    object_id: int
    color: str
    mask: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Look:
    """How to draw a sheet beside another: colors by object, the other's objects for the plan, depth range in m."""

    colors: Mapping[int, str] = field(default_factory=dict)
    beside: Sequence[Row] = ()
    depth_span_m: tuple[float, float] | None = None


@dataclass(frozen=True)
class Sheet:
    """Everything that the templates draw."""

    image_id: str
    title: str
    width: int
    height: int
    image: str | None
    thumb: str | None
    depth: DepthImage | None
    overlays: tuple[Overlay, ...]
    plan: Plan | None
    objects: tuple[ObjectCard, ...]
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]
    origin: tuple[tuple[str, str], ...]
    dropped: tuple[dict[str, str], ...]
    tags: dict[str, list[dict[str, Any]]]
    questions: list[dict[str, Any]]
    space: dict[str, Any] | None


def sheet_of(rows: Rows, image_id: str, look: Look | None = None) -> Sheet:
    """Return the sheet of one image from `selection.rows_of`; `look` may fix how it is drawn."""
    look = look or Look()
    image = first(rows, "images", image_id) or {}
    scene = first(rows, "scenes", image_id)
    regions = regions_of(rows, image_id)
    numbers = [*(r["region_id"] for r in regions), *(o["object_id"] for o in (scene or {}).get("objects") or [])]
    colors = {**palette(numbers), **look.colors}
    depths, depth = first(rows, "depths", image_id), depth_png(rows, image_id)
    plan = floor_plan(scene["objects"], view_of(scene), look.beside) if scene else None
    objects = object_cards(scene, regions, first(rows, "references", image_id), colors)
    return Sheet(
        image_id=image_id,
        title=_title(rows, image_id, image),
        width=image["width"],
        height=image["height"],
        image=image_uri(image["bytes"], _IMAGE_PX),
        thumb=image_uri(image["bytes"], _THUMB_PX, 76),
        depth=depth_image(depth, _DEPTH_PX, look.depth_span_m) if depth else None,
        overlays=_overlays(image, regions, scene, colors),
        plan=plan,
        objects=objects,
        facts=_facts(scene, depths, first(rows, "image_scores", image_id)),
        steps=_steps(rows, image_id),
        origin=_origin(rows, image_id, image),
        dropped=dropped(rows, image_id),
        tags=_tags(regions, objects, plan, image),
        questions=_questions(rows, image_id, scene, regions),
        space=_space(scene, depth, objects),
    )


def lengths_of(rows: Rows, image_id: str) -> Lengths | None:
    """Return what finds the points between which an image's lengths were measured; None without a scene."""
    scene, depth = first(rows, "scenes", image_id), depth_png(rows, image_id)
    if scene is None or depth is None:
        return None
    return Lengths(scene, {**scene, "depth": depth, "regions": regions_of(rows, image_id)})


def _questions(rows: Rows, image_id: str, scene: Row | None, regions: Sequence[Row]) -> list[dict[str, Any]]:
    lengths, labels = lengths_of(rows, image_id), {one["region_id"]: one["label"] for one in regions}
    view, entries = view_of(scene) if scene else None, []
    for row in rows.get("qa_pairs", {}).get(image_id, []):
        spans = spans_shown(lengths.lines_of(row), view) if lengths and view else []
        nouns = sorted({labels[number] for number in row["object_ids"] if labels.get(number)})
        entries.append({**question_entry(row, spans), "n": nouns})
    return entries


def _space(scene: Row | None, depth: bytes | None, objects: Sequence[ObjectCard]) -> dict[str, Any] | None:
    """Return what the 3D view of a page shows: camera, depth and boxes; None without a scene."""
    if scene is None or depth is None:
        return None
    cards = {card.number: card for card in objects}
    boxes = [
        {
            "o": item["object_id"],
            "corners": np.round(np.reshape(item["corners_m"], (8, 3)), 3).tolist(),
            "color": cards[item["object_id"]].color,
            "name": cards[item["object_id"]].name,
        }
        for item in scene["objects"]
        if item["corners_m"]
    ]
    size = {"width": scene["width"], "height": scene["height"]}
    pose = np.round(scene["world_from_camera"], 6).tolist()
    return {**size, "pose": pose, "camera": dict(scene["camera"]), "grid": depth_grid(depth), "boxes": boxes}


def regions_of(rows: Rows, image_id: str) -> list[Row]:
    """Return the regions of an image."""
    return (first(rows, "regions", image_id) or {}).get("regions") or []


def depth_png(rows: Rows, image_id: str) -> bytes | None:
    """Return an image's depth map; until the depth stage has run, the crawl's own."""
    held = first(rows, "depths", image_id) or first(rows, "images", image_id)
    return held["depth"] if held else None


def view_of(scene: Mapping[str, Any]) -> View:
    """Return the camera that sees a scene."""
    return View(scene["world_from_camera"], scene["camera"], scene["width"], scene["height"])


def _title(rows: Rows, image_id: str, image: Row) -> str:
    provenance = first(rows, "provenance", image_id) or {}
    if image.get("alt_text"):
        return image["alt_text"]
    place = provenance.get("uri") or ""
    return "/".join(place.split("/")[-2:]) or image_id[:12]


def _overlays(image: Row, regions: list[Row], scene: Row | None, colors: dict[int, str]) -> tuple[Overlay, ...]:
    boxes = {item["object_id"]: item["corners_m"] for item in (scene or {}).get("objects") or []}
    masks = {region["region_id"]: region["rle"] for region in regions}
    view = view_of(scene) if scene else None
    # Far boxes first, so that near ones are drawn over them.
    order = {item["object_id"]: -(item["range_m"] or 0.0) for item in (scene or {}).get("objects") or []}
    overlays = []
    for number in sorted({*boxes, *masks}, key=lambda number: (order.get(number, -math.inf), number)):
        path = mask_path(masks[number], image["width"], image["height"]) if number in masks else ""
        lines = tuple(box_segments(boxes[number], view)) if view and boxes.get(number) else ()
        overlays.append(Overlay(number, colors[number], path, lines))
    return tuple(overlays)


def _tags(
    regions: list[Row], objects: tuple[ObjectCard, ...], plan: Plan | None, image: Row
) -> dict[str, list[dict[str, Any]]]:
    names = {thing.number: thing.name for thing in objects}
    on_image = []
    for region in regions:
        anchor = mask_anchor(region["rle"], image["width"], image["height"])
        if anchor and region["region_id"] in names:
            on_image.append(_tag(region["region_id"], names, anchor, region["area_px"]))
    shapes = plan.shapes if plan else ()
    on_plan = [_tag(shape.object_id, names, shape.anchor, shape.area) for shape in shapes]
    return {"photo": on_image, "plan": on_plan}


def _tag(number: int, names: dict[int, str], anchor: tuple[float, float], area: float) -> dict[str, Any]:
    return {"o": number, "x": round(anchor[0], 1), "y": round(anchor[1], 1), "s": round(area), "t": names[number]}


def _facts(scene: Row | None, depths: Row | None, scores: Row | None) -> tuple[Fact, ...]:
    facts = []
    if scene:
        facts += _scene_facts(scene)
    elif depths:
        facts.append(Fact("Depth", _depth(depths)))
    ranked = sorted(dict((scores or {}).get("scores") or []).items(), key=lambda item: (-item[1], item[0]))
    if ranked:
        every = ", ".join(f"{name} {score:.2f}" for name, score in ranked)
        facts.append(Fact("Filter", f"{ranked[0][0].replace('_', ' ')} {ranked[0][1]:.2f}", hint=every))
    return tuple(facts)


def _depth(row: Row) -> str:
    """Return the source with its relative errors, that of the scale only if there is one."""
    scale = row["scale_sigma_rel"] or 0.0
    shared = f", scale {scale * 100:.2g} %" if scale else ""
    return f"{row['depth_src']}, σ {row['sigma_rel'] * 100:.2g} %{shared}"


def _scene_facts(scene: Row) -> list[Fact]:
    camera, sigma_deg = scene["camera"], scene["gravity_sigma_deg"]
    field_deg = 2 * math.degrees(math.atan(scene["width"] / 2 / camera["fx"]))
    level = scene["gravity_src"] != "none" and sigma_deg is not None and sigma_deg <= MAX_GRAVITY_SIGMA_DEG
    gravity = scene["gravity_src"] + (f" ± {sigma_deg:.1f}°" if sigma_deg is not None else "")
    noise = scene["depth_noise_rel"]
    depth = _depth(scene)
    return [
        Fact("Gravity", gravity, "good" if level else "warn", "Questions of height need gravity within 5°"),
        Fact(
            "Support",
            "no plane found" if scene["has_plane"] == "none" else scene["has_plane"],
            "good" if scene["has_plane"] != "none" else "warn",
            "The plane that heights are measured from",
        ),
        Fact("Depth", depth, hint=f"Pixel noise measured at {noise * 100:.2g} % of range" if noise is not None else ""),
        Fact(
            "Scale",
            "metric" if scene["scale_ok"] else "not metric",
            "good" if scene["scale_ok"] else "warn",
            "Questions with units need a metric depth map",
        ),
        Fact("Camera", f"{field_deg:.0f}° across", hint=f"fx {camera['fx']:.1f} px, from {scene['camera_src']}"),
    ]


def _steps(rows: Rows, image_id: str) -> tuple[Step, ...]:
    stops = {row["stage"]: row for row in rows.get("quarantine", {}).get(image_id, [])}
    steps = []
    for stage, definition in stage_definitions().items():
        table = definition.table
        # Stages without a row per image, such as statistics, and those outside `run` say nothing about one image.
        if not definition.in_run or "image_id" not in table.columns:
            continue
        if rows.get(table.name, {}).get(image_id):
            steps.append(Step(stage, "done", f"{stage}: done"))
        elif stage in stops:
            steps.append(Step(stage, "stopped", f"{stage}: {stops[stage]['error']}"))
        else:
            steps.append(Step(stage, "waiting", f"{stage}: has not reached this image"))
    return tuple(steps)


def _origin(rows: Rows, image_id: str, image: Row) -> tuple[tuple[str, str], ...]:
    provenance = first(rows, "provenance", image_id) or {}
    frame = f"{image['sequence_id']}, frame {image['frame_index']}" if image.get("sequence_id") else ""
    found = [
        ("Size", f"{image['width']} × {image['height']} px"),
        ("License", image.get("licence") or "not stated"),
        ("Source", provenance.get("source") or provenance.get("image_url") or ""),
        ("Sequence", frame),
        ("Read from", provenance.get("uri") or ""),
        ("Image", image_id),
    ]
    return tuple((name, text) for name, text in found if text)
