"""The demo's lakes: the engine on rendered images alone, and its answers beside the ground truth."""

import json
from pathlib import Path

from jobs.engine.pipeline import run
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from jobs.views.preview import write_preview
from jobs.views.render import render
from jobs.views.report import write_report
from scenes.crawl import MANIFEST
from scenes.settings import RenderSettings

_BARE_MANIFEST = "images.jsonl"


def demo_lakes(folder: str, rooms: int, seed: int, reporter: Reporter) -> tuple[Path, Path]:
    """Fill the lake in `folder` from `rooms` rendered rooms; return the preview and report pages.

    The `builtin` experts fill it from the bare images; `sensor` fills the one in its folder `truth` from the same
    images with exact depth, masks, camera and gravity. Both pages show the first; the preview shows the ground truth
    beside it.
    """
    crawl = Path(f"{folder}/crawl-{rooms}-{seed}")
    bare = load_settings({"lake": folder, "crawl": str(crawl / _BARE_MANIFEST), "experts": "builtin"}, None, [])
    full = load_settings({"lake": f"{folder}/truth", "crawl": str(crawl), "experts": "sensor"}, None, [])
    if not (crawl / MANIFEST).exists():
        reporter.say(f"Rendering {rooms} rooms into {crawl}.")
        render(RenderSettings(out=str(crawl), count=rooms, seed=seed))
    _write_bare_manifest(crawl)
    reporter.say(f"Running the `builtin` experts on the images alone; the lake is {folder}.")
    run(bare, reporter=reporter)
    reporter.say(f"Running `sensor` on exact depth, masks, camera and gravity; the lake is {full.lake}.")
    run(full, reporter=reporter)
    preview, report = Path(folder, "preview.html"), Path(folder, "report.html")
    write_preview(bare.lake_uri, preview, beside_uri=full.lake_uri)
    write_report(bare.lake_uri, report)
    return preview.resolve(), report.resolve()


def _write_bare_manifest(crawl: Path) -> None:
    """Write a manifest that lists the crawl's images and none of their annotations."""
    rows = (crawl / MANIFEST).read_text(encoding="utf-8").splitlines()
    lines = [json.dumps({"image": json.loads(row)["image"]}) for row in rows if row]
    (crawl / _BARE_MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
