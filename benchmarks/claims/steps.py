"""All steps of a study in order; what is done is not done again, and a killed study goes on where it was."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.claims import data, training
from benchmarks.claims.study import Marks, Study
from jobs.errors import UsageError
from udfs.experts.pinning import folder_digest

Step = tuple[str, dict[str, Any], Callable[[], None]]

_DATA = "data"


def steps(study: Study, write_tower: training.WriteTower) -> Iterator[Step]:
    """Yield every step after the data: its name, the settings it depends on, and what does it."""
    sizes = study.sizes
    general = {"most": sizes.general_most, "items": sizes.general_items}
    yield "general", general, partial(training.write_general, study)
    yield "items", {"most": sizes.items_most}, partial(training.write_items, study)
    base = {"committed": training.base_digest(study)}
    if base["committed"] is None:
        start = sizes.model_dump(include={"texts", "scaled_on", "layers", "hidden"})
        start["begin"] = folder_digest(study.begin) if study.begin else None
        yield "start", start, partial(training.write_start, study, write_tower)
        base |= _told(training.base_settings(study))
        yield "base", base, partial(training.train_base, study)
    for name, seed in study.runs:
        own = {**_told(training.arm_settings(study, name, seed)), "base": base["committed"]}
        yield f"train-{name}-{seed}", own, partial(training.train_arm, study, name, seed)
        yield f"ask-{name}-{seed}", own, partial(training.ask, study, name, seed)


def _told(settings: Any) -> dict[str, Any]:
    return settings.model_dump(mode="json", include={"feed", "mixture", "model", "optimizer", "loop"})


def run(study: Study, write_tower: training.WriteTower, until: str | None = None) -> None:
    """Do every step that is not done, the last one being `until` where it is named.

    Raises:
        UsageError: a step that was begun with other settings, or no such step.
    """
    marks = Marks(study.work)
    after = list(steps(study, write_tower))
    names = [_DATA, *(name for name, _, _ in after)]
    if until is not None and until not in names:
        raise UsageError(f"There is no step {until!r}; the steps are {', '.join(names)}.")
    # Other settings are told before hours are spent.
    done = {name: marks.done(name, settings) for name, settings, _ in after}
    _check_space(study)
    if data.pending(study):
        # Spark's memory is free again before anything is trained.
        command = [sys.executable, "-m", "benchmarks.claims.data", study.model_dump_json()]
        ended = subprocess.run(command, check=False).returncode
        if ended:
            raise UsageError(f"Rooms and lakes ended with exit code {ended}; see above, and start the study again.")
    for name, settings, do in after if until != _DATA else ():
        if not done[name]:
            print(f"claims: {name}", flush=True)
            marks.begin(name, settings)
            do()
            marks.finish(name, settings)
        if name == until:
            return


def _check_space(study: Study) -> None:
    needed_gb = 1 + study.sizes.photographs * 2e-3
    study.work.mkdir(parents=True, exist_ok=True)
    free_gb = shutil.disk_usage(study.work).free / 1e9
    if free_gb < needed_gb:
        raise UsageError(f"{study.work} has {free_gb:.0f} GB left and the study needs {needed_gb:.0f}; name another.")
