"""Measures the rates of `spatiallake plan`, and compares what it predicts with real runs.

`python -m benchmarks.plan --fit 500 5000 --fit-small 100 600 --check 500 2000 10000 --write` runs `spatiallake run
--experts sensor` on crawls of rendered images, in Spark at the sizes of --fit and without it at those of --fit-small.
Of each, the processor time of the whole process tree at the two sizes gives the cost of a further image and of a start;
the stages' shares of it are those of their micro-batches. --check predicts further runs, each in the engine that a run
of its size has by default, from these rates and a pilot that ran without Spark; --write replaces the measured part of
`jobs/views/rates.yaml`.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from deltalake import DeltaTable

from benchmarks.engine import enlarged
from benchmarks.processor import heading, machine, tree_seconds
from jobs.engine.registry import run_stages, stage_definitions
from jobs.engine.settings import load_settings
from jobs.engine.small.limits import allow_small
from jobs.views import planning
from jobs.views.planning import Fleet, pilot_of, plan_of
from jobs.views.rates import EngineRates, Rates, measured_rates
from jobs.views.reader import LakeReader
from scenes.crawl import write_crawl
from udfs.experts.expert import PROFILES


@dataclass(frozen=True)
class Run:
    """One run: images, processor seconds of the process tree, and the lake."""

    images: int
    cpu_s: float
    lake: Path


def run(base: Path, folder: Path, images: int, *settings: str) -> Run:
    """Run all stages on a fresh lake of `images` images, with further settings."""
    folder.mkdir(exist_ok=True)
    crawl, lake = folder / f"crawl-{images}", folder / f"lake-{images}"
    manifest = enlarged(base, crawl, images)
    command = [sys.executable, "-m", "spatiallake", "run", "--crawl", str(manifest), "--lake", str(lake)]
    command += ["--experts", "sensor", "--set", f"ingest.allowed_roots=[{base.parent}]"]
    command += [word for one in settings for word in ("--set", one)]
    seconds = tree_seconds(command, folder / "log")
    shutil.rmtree(crawl)
    return Run(images, seconds, lake)


def busy_seconds(lake: Path) -> dict[str, float]:
    """Return the core-seconds of each stage's micro-batches."""
    rows = DeltaTable(str(lake / "stage_runs")).to_pyarrow_table(columns=["stage", "seconds", "cores"]).to_pylist()
    found = dict.fromkeys(run_stages(), 0.0)
    for row in rows:
        found[row["stage"]] = found.get(row["stage"], 0.0) + row["seconds"] * row["cores"]
    return found


def fitted(small: Run, large: Run, before_rates: EngineRates) -> EngineRates:
    """Return the rates of an engine on which two runs lie; what experts of other families cost stays."""
    per_image_ms = (large.cpu_s - small.cpu_s) / (large.images - small.images) * 1000
    before, after = busy_seconds(small.lake), busy_seconds(large.lake)
    further = {name: max(after[name] - before[name], 0.0) for name in after}
    share = {name: seconds / sum(further.values()) for name, seconds in further.items()}
    slots = [name for name, definition in stage_definitions().items() if definition.slot]
    milliseconds = {name: round(per_image_ms * part, 2) for name, part in share.items()}
    of_experts = {**before_rates.expert_cpu_ms_per_image, "sensor": {name: milliseconds[name] for name in slots}}
    return EngineRates(
        measured_on=datetime.now(UTC).date(),
        machine=machine(),
        start_cpu_s=round(small.cpu_s - per_image_ms / 1000 * small.images, 1),
        cpu_ms_per_image={name: value for name, value in milliseconds.items() if name not in slots},
        expert_cpu_ms_per_image=of_experts,
    )


def measured(base: Path, folder: Path, in_spark: Sequence[int], without: Sequence[int]) -> tuple[Rates, Run]:
    """Return the rates of both engines, and as a pilot the smaller of the runs without Spark.

    Those of Spark stay where no sizes are given for it.
    """
    held = measured_rates()
    few, many = (run(base, folder / "without", images) for images in without)
    rates = held.model_copy(update={"without_spark": fitted(few, many, held.without_spark)})
    if not in_spark:
        return rates, few
    first, last = (run(base, folder / "spark", images, "max_images_without_spark=0") for images in in_spark)
    sizes = pilot_of(LakeReader(str(last.lake))).bytes_per_image
    found = {name: round(size) for name, size in sizes.items()}
    rates = rates.model_copy(update={"spark": fitted(first, last, held.spark), "bytes_per_image": found})
    shutil.rmtree(folder / "spark")
    return rates, few


def written(rates: Rates) -> None:
    """Replace the measured part of the packaged rates; comments stay."""
    path = Path(planning.__file__).with_name("rates.yaml")
    values: dict[str, Any] = rates.model_dump(exclude={"instances"})
    comments, _, instances = (
        path.read_text().partition("spark:")[0],
        *path.read_text().partition("# On-demand")[1:],
    )
    body = yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=100)
    path.write_text(f"{comments}{body}# On-demand{instances}")


def checked(rates: Rates, pilot: Run, one: Run) -> str:
    """Return a row of the table of predictions."""
    shown, settings = pilot_of(LakeReader(str(pilot.lake))), load_settings({"lake": str(one.lake)}, None, [])
    without_spark = allow_small(settings, one.images)
    planned = plan_of(one.images, PROFILES["sensor"], Fleet(without_spark=without_spark), shown)
    start_s = rates.of(without_spark).start_cpu_s
    predicted_s = sum(load.core_hours or 0 for load in planned.loads) * 3600 + start_s
    real = pilot_of(LakeReader(str(one.lake)))
    size, planned_size = sum(real.bytes_per_image.values()) * one.images, sum(planned.bytes_by_table.values())
    answers = round(real.answers_per_image * one.images)
    cells = (
        (predicted_s, one.cpu_s, ",.0f"),
        (planned_size / 1e6, size / 1e6, ",.0f"),
        (planned.answers or 0, answers, ",d"),
    )
    texts = (f"{a:{form}} | {b:{form}} | {(a / b - 1) * 100:+.1f} %" for a, b, form in cells)
    return f"| {one.images:,} | {'no' if without_spark else 'yes'} | {' | '.join(texts)} |"


def main() -> None:
    """Measure, check and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--fit", nargs="*", type=int, default=[500, 5000], help="two sizes that give the rates in Spark; none keep them"
    )
    parser.add_argument("--fit-small", nargs=2, type=int, default=[100, 600], help="sizes that give those without it")
    parser.add_argument("--check", nargs="*", type=int, default=[500, 2000, 10000], help="numbers of images to predict")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="replace the packaged rates")
    arguments = parser.parse_args()
    print(heading())
    folder = Path(tempfile.mkdtemp(prefix="spatiallake-plan-"))
    try:
        write_crawl(str(folder / "base"), 200, arguments.seed)
        rates, pilot = measured(folder / "base", folder, arguments.fit, arguments.fit_small)
        print(yaml.safe_dump(rates.model_dump(exclude={"instances"}), sort_keys=False, width=100))
        if arguments.write:
            written(rates)
        planning.measured_rates = lambda: rates
        print("| images | in Spark | CPU s planned | real | | MB planned | real | | answers planned | real | |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        for images in arguments.check:
            one = run(folder / "base", folder / "check", images)
            print(checked(rates, pilot, one), flush=True)
            shutil.rmtree(one.lake)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
