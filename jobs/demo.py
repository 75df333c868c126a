"""`spatiallake demo`: render rooms, run the engine on them, and make the pages that show what came out."""

from pathlib import Path

from jobs.pipeline import ENGINE_STAGES, open_lake, run
from jobs.preview import write_preview
from jobs.progress import Reporter
from jobs.render import render
from jobs.report import write_report
from jobs.settings import load_settings
from scenes.settings import RenderSettings


def demo(lake: str, rooms: int, seed: int, reporter: Reporter) -> tuple[Path, Path]:
    """Fill `lake` from `rooms` rendered rooms; return the preview and report pages."""
    crawl = f"{lake.rstrip('/')}/crawl-{rooms}-{seed}"
    settings = load_settings({"lake": lake, "crawl": crawl}, None, [])
    opened = open_lake(settings)
    if not Path(crawl, "manifest.jsonl").exists():
        reporter.say(f"Rendering {rooms} rooms into {crawl} ..")
        render(opened.session, RenderSettings(out=crawl, count=rooms, seed=seed))
    run(settings, ENGINE_STAGES, reporter, opened)
    preview, report = Path(lake, "preview.html"), Path(lake, "report.html")
    write_preview(settings.lake_uri, preview)
    write_report(settings.lake_uri, report)
    return preview.resolve(), report.resolve()
