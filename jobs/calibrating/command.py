"""`spatiallake calibrate`: predicts depth for RGB-D images, fits the expert to them, and writes a profile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from jobs.calibrating.fit import Pair, Quality, before, fitted, group_count, kept_aside, pair_of
from jobs.engine.errors import ModelFailed, UsageError
from jobs.engine.settings import RunSettings
from jobs.stages.listing import crawl_layout
from schemas.reasons import Reason
from udfs.crawl.fetch import fetched
from udfs.crawl.listing import entries_of, loose_entries
from udfs.experts.depth_fit import DepthFit
from udfs.experts.expert import ExpertSpec, Profile, expert_class, loaded_expert
from udfs.experts.loading import ModelUnavailable
from udfs.pixels.maps import decoded_map
from udfs.stages.ingest import ingest_row
from udfs.stages.rows import Row
from udfs.storage.atomic import written_whole

_MIN_GROUPS = 6
_AT_ONCE = 8
_KNOWN = ("camera", "exif_focal_px", "exif_focal_sigma_rel")


@dataclass(frozen=True)
class Calibration:
    """A fit, how good the expert is without it and, on images kept aside, with it, and the numbers of images."""

    fit: DepthFit
    before: Quality
    after: Quality
    images: int
    groups: int
    left_out: int
    refused: int | None
    path: Path

    def __str__(self) -> str:
        kept = f"{self.images} images" + (f" of {self.groups} sequences" if self.groups < self.images else "")
        left = f", {self.left_out} left out for want of readable depth" if self.left_out else ""
        lines = [
            f"Depth of {kept}{left}; each error with the fit is of images kept aside from it.",
            f"  mean relative depth error      {self.before.abs_rel:.2f} -> {self.after.abs_rel:.2f}",
            f"  pixels in 80 % intervals       {self.before.coverage:.0%} -> {self.after.coverage:.0%}",
        ]
        if self.before.focal is not None and self.after.focal is not None:
            lines.append(f"  median relative focal error    {self.before.focal:.2f} -> {self.after.focal:.2f}")
        lines.append(f"{self.path}: depth times {self.fit.depth_scale:.3g}; use it with `--experts {self.path}`.")
        if self.refused:
            lines.append(
                f"Its filter refuses {self.refused} of these images as unlike those it was trained on, and names stay "
                "as uncertain as before; write `novelty: false` among the filter's options of the file to keep them."
            )
        return "\n".join(lines)


def calibrate(settings: RunSettings, crawl: str, out: Path, limit: int) -> Calibration:
    """Fit the depth expert of the settings' profile to at most `limit` RGB-D images of a crawl, and write the profile.

    Raises:
        CrawlUnreadable: there is no crawl.
        UsageError: the expert takes no calibration, or too few images have depth.
        ModelFailed: the expert does not load.
    """
    profile = settings.profile()
    family = expert_class("depth", profile.depth)
    names = family.calibrated_options
    if not names:
        raise UsageError(
            f"The depth family {profile.depth.family} has nothing to calibrate; name a profile with learned depth, "
            "such as --experts builtin."
        )
    plain = profile.depth.model_copy(
        update={"options": {name: value for name, value in profile.depth.options.items() if name not in names}}
    )
    rows, left_out = _rgbd_rows(settings, crawl, limit)
    try:
        pairs = list(_pairs(plain, rows))
        refused = _refused(profile.filter, rows)
    except ModelUnavailable as error:
        raise ModelFailed(str(error)) from error
    if group_count(pairs) < _MIN_GROUPS:
        raise UsageError(
            f"{crawl} has {group_count(pairs)} images or sequences with depth, and a calibration needs {_MIN_GROUPS}; "
            "add RGB-D images to its manifest (docs/crawls.md)."
        )
    fit, now, then = fitted(pairs), before(pairs), kept_aside(pairs)
    options = {**plain.options, **family.options_of_fit(fit)}
    found = Calibration(fit, now, then, len(pairs), group_count(pairs), left_out + len(rows) - len(pairs), refused, out)
    _write(out, profile.model_copy(update={"depth": plain.model_copy(update={"options": options})}), found, crawl)
    return found


def _rgbd_rows(settings: RunSettings, crawl: str, limit: int) -> tuple[list[Row], int]:
    """Return rows of `images` with depth, and how many entries were left out."""
    layout = crawl_layout(crawl)
    entries = list(islice(_entries(layout), limit))
    rows = [ingest_row(one, settings.ingest) for one in fetched(entries, settings.ingest)]
    sound = [row for row in rows if "image_id" in row and row.get("depth")]
    distinct = {row["image_id"]: row for row in sorted(sound, key=lambda row: row["entry_id"])}
    return list(distinct.values()), len(rows) - len(distinct)


def _entries(layout: Any) -> Iterator[Row]:
    for piece in layout.pieces:
        for row in entries_of(piece, layout.crawl_uri):
            yield {**row, "ingest_shard": 0}
    for row in loose_entries(layout):
        yield {**row, "ingest_shard": 0}


def _pairs(spec: ExpertSpec, rows: Sequence[Row]) -> Iterator[Pair]:
    expert = loaded_expert("depth", spec)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        bare = [{**row, **dict.fromkeys(_KNOWN)} for row in some]
        for row, predicted, guessed in zip(some, expert.predict(some), expert.predict(bare), strict=True):
            if isinstance(predicted, Exception) or isinstance(guessed, Exception):
                continue
            pair = pair_of(
                decoded_map(predicted["depth"]),
                decoded_map(row["depth"]),
                decoded_map(row["instances"]) if row.get("instances") else None,
                group=row.get("sequence_id") or row["image_id"],
                declared=(predicted["sigma_rel"], predicted["scale_sigma_rel"]),
                focal_px=(_focal_px(row.get("camera")), _focal_px(guessed["camera"])),
            )
            if pair is not None:
                yield pair


def _focal_px(camera: dict[str, float] | None) -> float | None:
    return float((camera["fx"] * camera["fy"]) ** 0.5) if camera else None


def _refused(spec: ExpertSpec, rows: Sequence[Row]) -> int:
    """Return how many images the filter refuses as unlike its training images."""
    if spec.options.get("novelty") is not True:
        return 0
    expert = loaded_expert("filter", spec)
    return sum(
        getattr(one, "reason", None) == Reason.NOT_LIKE_TRAINING
        for start in range(0, len(rows), _AT_ONCE)
        for one in expert.predict(rows[start : start + _AT_ONCE])
    )


def _write(path: Path, profile: Profile, found: Calibration, crawl: str) -> None:
    told = {"name": path.stem, **{slot: _told(slot, getattr(profile, slot)) for slot in ("filter", "context", "depth")}}
    head = (
        f"# Depth calibrated by `spatiallake calibrate` on {found.images} images of {crawl}: mean relative error\n"
        f"# {found.before.abs_rel:.3f} without, {found.after.abs_rel:.3f} with it on images kept aside.\n"
    )
    with written_whole(path) as draft:
        draft.write_text(head + yaml.safe_dump(told, sort_keys=False), encoding="utf-8")


def _told(slot: str, spec: ExpertSpec) -> dict[str, Any]:
    """Return a spec as a profile's file has it, without what is as by default."""
    family = expert_class(slot, spec)
    fields = family.options_type.model_fields
    options = {
        name: _rounded(value)
        for name, value in spec.options.items()
        if name not in fields or value != fields[name].get_default(call_default_factory=True)
    }
    slots = {**family.needed_parts, **family.optional_parts}
    parts = {name: _told(slots[name], part) for name, part in spec.parts.items()}
    written = {"family": spec.family, "model": spec.model, "revision": spec.revision}
    return {name: value for name, value in written.items() if value != "none"} | {
        name: value for name, value in (("options", options), ("parts", parts)) if value
    }


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
