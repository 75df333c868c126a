"""The object cards of a sheet: names, measurements and flags; and what was dropped, with the reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.views.pages.wording import dimensions, meters, percent, plain
from jobs.views.reader import Row
from udfs.margins import MAX_OCCLUSION

# Twelve colors that are distinct on images and on both backgrounds.
_CODES = "#ff5a5f #35b6ff #ffc233 #58d68d #b985ff #ff8b3d #2fd6c3 #ff79c6 #a4c639 #6c8cff #e39a7b #d9d24a"
_COLORS = tuple(_CODES.split())


@dataclass(frozen=True)
class ObjectCard:
    """One object on a page: number, color, name, and its measurements as text."""

    number: int
    color: str
    name: str
    label: str
    form: str
    captions: tuple[str, ...]
    size: str
    size_hint: str
    distance: str
    flags: tuple[str, ...]
    details: tuple[tuple[str, str], ...]


def palette(numbers: Iterable[int]) -> dict[int, str]:
    """Return a color per object number, the same in all views of an image."""
    return {number: _COLORS[index % len(_COLORS)] for index, number in enumerate(sorted(set(numbers)))}


def object_cards(
    scene: Row | None, regions: Sequence[Row], references: Row | None, colors: dict[int, str]
) -> tuple[ObjectCard, ...]:
    """Return cards of the lifted objects, nearest first, or of the regions if nothing is lifted yet."""
    names = {item["object_id"]: item for item in (references or {}).get("references") or []}
    if scene is None:
        return tuple(_from_region(region, colors[region["region_id"]]) for region in regions)
    nearest_first = sorted(scene["objects"], key=lambda item: (item["range_m"] or 0.0, item["object_id"]))
    return tuple(_from_object(item, names.get(item["object_id"]), colors[item["object_id"]]) for item in nearest_first)


def dropped(rows: dict[str, dict[str, list[Row]]], image_id: str) -> tuple[dict[str, str], ...]:
    """Return the dropped regions, objects and images: stage, what, reason, detail."""
    regions = (rows.get("regions", {}).get(image_id) or [{}])[0].get("regions") or []
    labels = {region["region_id"]: region["label"] for region in regions}
    drops = []
    for stage, table in (("lift", "scenes"), ("disambiguate", "references")):
        for row in rows.get(table, {}).get(image_id, []):
            for item in row["rejected"]:
                name = labels.get(item["region_id"], "region")
                what = f"{name} (object {item['region_id']})"
                drops.append(_dropped(stage, what, item["reason"], item["detail"]))
    for row in rows.get("quarantine", {}).get(image_id, []):
        what = f"image, {row['outcome']}"
        drops.append(_dropped(row["stage"], what, row["reason"], row["error"]))
    return tuple(drops)


def _dropped(stage: str, what: str, reason: str, detail: str | None) -> dict[str, str]:
    return {"stage": stage, "what": what, "reason": plain(reason), "detail": detail or ""}


def _from_region(region: Row, color: str) -> ObjectCard:
    score = region["score"]
    return ObjectCard(
        number=region["region_id"],
        color=color,
        name=region["label"] or "region",
        label=region["label"] or "region",
        form="",
        captions=tuple(region["captions"] or ()),
        size="",
        size_hint="",
        distance="",
        flags=(f"score {score:.2f}",) if score is not None and score < 1.0 else (),
        details=(("Mask", f"{region['area_px']:,} px"),),
    )


def _from_object(item: Row, reference: Row | None, color: str) -> ObjectCard:
    flags = [] if reference else ["no unique name"]
    if item["truncated"]:
        flags.append("cut by the border")
    if (item["occlusion"] or 0.0) > MAX_OCCLUSION:
        flags.append(f"{percent(item['occlusion'])} hidden")
    if not item["size_ok"]:
        flags.append("no size questions")
    size = item["size_m"]
    return ObjectCard(
        number=item["object_id"],
        color=color,
        name=reference["expression"] if reference else item["label"],
        label=item["label"],
        form=reference["form"] if reference else "",
        captions=tuple(item["captions"] or ()),
        size=dimensions([size[3], size[4], size[2]]) if size else "–",
        size_hint=f"length × depth × height, {item['size_source']}",
        distance=meters(item["range_m"]),
        flags=tuple(flags),
        details=_object_details(item, reference),
    )


def _object_details(item: Row, reference: Row | None) -> tuple[tuple[str, str], ...]:
    forward, left, up = item["center_m"]
    liters = (item["volume_m3"] or 0.0) * 1000
    volume = f"{liters:.2g} l" if liters < 200 else f"{liters / 1000:.2g} m³"
    expression = f"{reference['form']}, one of {reference['group_size']} similar" if reference else "none"
    side = f"{meters(abs(left))} {'left' if left >= 0 else 'right'}"
    return (
        ("Center", f"{meters(forward)} ahead, {side}, {meters(up)} up"),
        ("Heights", f"{meters(item['lo_m'][2])} to {meters(item['hi_m'][2])}"),
        ("Visible width", meters(item["size_m"][1]) if item["size_m"] else "–"),
        ("Volume", volume),
        ("Size from", item["size_source"]),
        ("Range error", f"± {meters(item['sigma_m'])}"),
        ("Points", f"{item['n_points']:,}"),
        ("Hidden", percent(item["occlusion"])),
        ("Expression", expression),
    )
