"""`spatiallake demo`: render rooms, show the engine their photographs alone, and set what it makes beside the truth."""

import json
from pathlib import Path

from jobs.engine.pipeline import open_lake, run
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from jobs.views.preview import write_preview
from jobs.views.render import render
from jobs.views.report import write_report
from scenes.crawl import MANIFEST
from scenes.settings import RenderSettings

_BARE_MANIFEST = "photographs.jsonl"


def demo(lake: str, rooms: int, seed: int, reporter: Reporter) -> tuple[Path, Path]:
    """Fill `lake` from `rooms` rendered rooms; return the preview and report pages.

    `lake` is what the `builtin` experts make of the bare photographs, `lake`/truth what `sensor` makes of the same ones
    with exact depth, masks, camera and gravity. Both pages are of `lake`; the preview shows the truth beside it.
    """
    folder = lake.rstrip("/")
    crawl = Path(f"{folder}/crawl-{rooms}-{seed}")
    bare = load_settings({"lake": folder, "crawl": str(crawl / _BARE_MANIFEST), "experts": "builtin"}, None, [])
    full = load_settings({"lake": f"{folder}/truth", "crawl": str(crawl), "experts": "sensor"}, None, [])
    opened = open_lake(bare)
    if not (crawl / MANIFEST).exists():
        reporter.say(f"Rendering {rooms} rooms into {crawl} ..")
        render(opened.session, RenderSettings(out=str(crawl), count=rooms, seed=seed))
    _write_bare_manifest(crawl)
    reporter.say(f"The photographs alone, through `builtin`, into {folder} ..")
    run(bare, reporter=reporter, lake=opened)
    reporter.say(f"With exact depth, masks, camera and gravity, through `sensor`, into {full.lake} ..")
    # the session is joined, not started again
    run(full, reporter=reporter, lake=open_lake(full))
    preview, report = Path(folder, "preview.html"), Path(folder, "report.html")
    write_preview(bare.lake_uri, preview, beside_uri=full.lake_uri)
    write_report(bare.lake_uri, report)
    return preview.resolve(), report.resolve()


def _write_bare_manifest(crawl: Path) -> None:
    """Write a manifest that lists the crawl's photographs and nothing that is known of them."""
    rows = (crawl / MANIFEST).read_text(encoding="utf-8").splitlines()
    lines = [json.dumps({"image": json.loads(row)["image"]}) for row in rows if row]
    (crawl / _BARE_MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
