"""The rooms and lakes of a study, made in one Spark session: `python -m studies.claims.data STUDY_JSON`."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

from jobs.engine.errors import SpatialLakeError
from jobs.engine.lake import Lake
from jobs.engine.pipeline import run, stages_of
from jobs.engine.progress import Reporter
from jobs.engine.registry import run_stages
from jobs.engine.session import start_session
from jobs.engine.settings import RunSettings
from jobs.views.render import render
from scenes.settings import RenderSettings
from studies.claims.children import end_with_parent
from studies.claims.study import Marks, Study
from udfs.crawl.limits import IngestSettings
from udfs.questions.settings import SynthesizeSettings

_SEEDS = {"sensor": 5000, "held_out": 5999}
_OF_SENSORS = ("image", "depth", "instances")
_LEARNED = ("synthesize", "examples")

Step = tuple[str, dict[str, Any], Callable[[SparkSession], object]]


def steps(study: Study) -> Iterator[Step]:
    """Yield the steps that need Spark, in order: name, settings, and function."""
    for name in ("sensor", "held_out"):
        settings = _rooms(study, name)
        yield f"rooms-{name}", settings.model_dump(exclude={"out"}), partial(render, settings)
    style = _style(study)
    for name in study.lakes:
        few = {"few": study.sizes.few} if name in ("few", "builtin") else {}
        own = {"lake": name, **style, **few}
        yield f"lake-{name}", own, partial(_lake, study=study, name=name)
    for noise_m in sorted({condition.noise_m for condition in study.conditions.values()} - {0.0}):
        own = {"noise_m": noise_m, **style}
        yield f"lake-sensor-{noise_m}", own, partial(_noisy, study=study, noise_m=noise_m)


def pending(study: Study) -> bool:
    """Return whether any step is open.

    Raises:
        UsageError: a step was started with other settings.
    """
    marks = Marks(study.work)
    # All steps are checked, so that differing settings are reported before hours of work.
    done = [marks.done(name, settings) for name, settings, _ in steps(study)]
    return not all(done)


def run_settings(study: Study, lake: str, noise_m: float = 0.0) -> RunSettings:
    """Return the engine's settings for a lake, all of whose images belong to one split."""
    style = {**_style(study), "noise_m": noise_m}
    return RunSettings(
        lake=str(study.lake(lake)),
        crawl=str(study.crawl(lake)),
        experts="builtin" if lake == "builtin" else "sensor",
        # Crawls of a few images name those of the whole one.
        ingest=IngestSettings(allowed_roots=(str(study.crawl("sensor")),)),
        synthesize=SynthesizeSettings.model_validate({**style, "test_share": 0.0, "validation_share": 0.0}),
    )


def examples_recipe(study: Study, lake: str, noise_m: float) -> str:
    """Return the recipe of a lake's training examples."""
    return stages_of(run_settings(study, lake, noise_m))["examples"].recipe


def _style(study: Study) -> dict[str, Any]:
    """Return the answer style of all lakes."""
    return study.sizes.model_dump(include={"short_share", "lengths"})


def _rooms(study: Study, name: str) -> RenderSettings:
    sizes = study.sizes
    return RenderSettings(
        out=str(study.crawl(name)),
        count=sizes.images if name == "sensor" else sizes.held_out,
        seed=_SEEDS[name],
        width=sizes.width,
        height=sizes.height,
        min_object_px=24,
    )


def _lake(session: SparkSession, study: Study, name: str) -> None:
    if name in ("few", "builtin"):
        write_few(study, name)
    stages = run_stages() if name == "held_out" else (*run_stages(), "examples")
    _run(session, run_settings(study, name), stages)


def _noisy(session: SparkSession, study: Study, noise_m: float) -> None:
    _run(session, run_settings(study, "sensor", noise_m), _LEARNED)


def write_few(study: Study, name: str) -> None:
    """Write a crawl of the first images of another; for built-in experts, with nothing but the images."""
    source, target = study.crawl("sensor"), study.crawl(name)
    target.mkdir(parents=True, exist_ok=True)
    lines = (source / "manifest.jsonl").read_text().splitlines()[: study.sizes.few]
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row |= {column: str(source / row[column]) for column in _OF_SENSORS}
    if name == "builtin":
        rows = [{column: row[column] for column in ("image", "crawl_id", "licence")} for row in rows]
    draft = target / "manifest.part"
    draft.write_text("".join(json.dumps(row) + "\n" for row in rows))
    draft.replace(target / "manifest.jsonl")


def _run(session: SparkSession, settings: RunSettings, stages: tuple[str, ...]) -> None:
    with Reporter() as reporter:
        run(settings, stages, reporter, _opened(session, settings))


def _opened(session: SparkSession, settings: RunSettings) -> Lake:
    return Lake(session, settings.lake_uri, settings.checkpoint_uri)


def main(study: Study) -> None:
    """Run all open steps."""
    end_with_parent()
    marks, session = Marks(study.work), start_session()
    for name, settings, do in steps(study):
        if not marks.done(name, settings):
            marks.begin(name, settings)
            print(f"claims: {name}", flush=True)
            do(session)
            marks.finish(name, settings)


if __name__ == "__main__":
    try:
        main(Study.model_validate_json(sys.argv[1]))
    except SpatialLakeError as error:
        sys.exit(f"studies.claims: {error}")
