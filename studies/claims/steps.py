"""All steps of a study in order; finished steps are skipped, so a killed study resumes where it stopped.

Every run of a condition has its own process: `python -m studies.claims.steps STUDY_JSON STEP ..`.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from jobs.engine.errors import SpatialLakeError, UsageError
from studies.claims import data, training
from studies.claims.children import end_with_parent, run_module
from studies.claims.start import write_encoder
from studies.claims.study import Marks, Study
from udfs.experts.pinning import folder_digest
from vlm.errors import UNUSABLE

_DATA = "data"


class Step(NamedTuple):
    """A step with the settings it depends on, its function, and the run that it belongs to, if any."""

    name: str
    settings: dict[str, Any]
    do: Callable[[], None]
    run: str = ""


def steps(study: Study, write: training.WriteEncoder) -> Iterator[Step]:
    """Yield all steps after the data."""
    sizes = study.sizes
    general = {"max": sizes.general_max, "items": sizes.general_items}
    yield Step("general", general, partial(training.write_general, study))
    yield Step("items", {"max": sizes.items_max}, partial(training.write_items, study))
    base = {"committed": training.base_digest(study)}
    if base["committed"] is None:
        start = sizes.model_dump(include={"texts", "scaled_on", "layers", "hidden"})
        start["begin"] = folder_digest(study.begin) if study.begin else None
        yield Step("start", start, partial(training.write_start, study, write))
        base |= _relevant(training.base_settings(study))
        yield Step("base", base, partial(training.train_base, study))
    for condition, seed in study.runs:
        own = {**_relevant(training.condition_settings(study, condition, seed)), "base": base["committed"]}
        for name, do in (("train", training.train_run), ("ask", training.ask)):
            yield Step(f"{name}-{condition}-{seed}", own, partial(do, study, condition, seed), f"{condition}-{seed}")


def _relevant(settings: Any) -> dict[str, Any]:
    return settings.model_dump(mode="json", include={"feed", "mixture", "model", "optimizer", "loop"})


def run(study: Study, write: training.WriteEncoder, until: str | None = None) -> None:
    """Run all open steps, or those up to `until`.

    Raises:
        UsageError: a step was started with other settings or does not exist, or runs failed.
    """
    marks = Marks(study.work)
    after = list(steps(study, write))
    names = [_DATA, *(step.name for step in after)]
    if until is not None and until not in names:
        raise UsageError(f"There is no step {until!r}; the steps are {', '.join(names)}.")
    # Differing settings are reported before hours of work.
    done = [marks.done(step.name, step.settings) for step in after]
    _check_space(study)
    if data.pending(study):
        # In a process of its own, so that Spark's memory is free for training.
        ended = run_module("studies.claims.data", [study.model_dump_json()], {})
        if ended:
            raise UsageError(f"Making rooms and lakes failed with exit code {ended}; see its output above, then rerun.")
    last = len(after) if until is None else names.index(until)
    pending = [step for step, did in zip(after[:last], done, strict=False) if not did]
    _do(marks, (step for step in pending if not step.run))
    runs = [(run, [step.name for step in own]) for run, own in groupby(pending, lambda step: step.run) if run]
    with ThreadPoolExecutor(study.processes) as pool:
        ended = pool.map(partial(_in_own_process, study), *zip(*runs, strict=True)) if runs else ()
        failed = [str(_log(study, run)) for (run, _), code in zip(runs, ended, strict=True) if code]
    if failed:
        raise UsageError(f"{len(failed)} runs failed; see {', '.join(failed)}, then rerun.")


def _do(marks: Marks, pending: Iterable[Step]) -> None:
    for step in pending:
        print(f"claims: {step.name}", flush=True)
        marks.begin(step.name, step.settings)
        step.do()
        marks.finish(step.name, step.settings)


def _log(study: Study, run: str) -> Path:
    return study.folder("logs", f"{run}.log")


def _in_own_process(study: Study, run: str, names: Sequence[str]) -> int:
    """Run the steps of a condition with its share of the cores, and return the exit code."""
    log = _log(study, run)
    log.parent.mkdir(exist_ok=True)
    print(f"claims: {run}, see {log}", flush=True)
    threads = str(max(1, (os.cpu_count() or 1) // study.processes))
    with log.open("ab") as out:
        arguments = [study.model_dump_json(), *names]
        return run_module("studies.claims.steps", arguments, {"OMP_NUM_THREADS": threads}, out)


def _check_space(study: Study) -> None:
    needed_gb = 1 + study.sizes.images * 2e-3
    study.work.mkdir(parents=True, exist_ok=True)
    free_gb = shutil.disk_usage(study.work).free / 1e9
    if free_gb < needed_gb:
        raise UsageError(
            f"{study.work} has {free_gb:.0f} GB free, the study needs {needed_gb:.0f} GB; name another --work."
        )


def main(study: Study, names: Sequence[str]) -> None:
    """Run the named steps."""
    end_with_parent()
    _do(Marks(study.work), [step for step in steps(study, write_encoder) if step.name in names])


if __name__ == "__main__":
    try:
        main(Study.model_validate_json(sys.argv[1]), sys.argv[2:])
    except (SpatialLakeError, *UNUSABLE) as error:
        sys.exit(f"studies.claims: {error}")
