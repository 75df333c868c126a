"""lmms-eval: a folder with a task per split: YAML, the functions that it names, and Parquet files of items."""

from collections.abc import Iterable

from jobs.exporting.chunk import Chunk
from jobs.exporting.items import items_of
from jobs.exporting.layouts import ExportFormat, ShardFiles, Whole
from vlm.evaluation.formats import spatiallake
from vlm.evaluation.formats.lmms_eval import FUNCTIONS, task_config


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    spatiallake.write(items_of(chunks, files), files.path(f"data/{files.name}.parquet"))


def _whole(whole: Whole) -> dict[str, str]:
    places: dict[str, list[str]] = {}
    for record in whole.records():
        places.setdefault(record["split"], []).extend(f"{whole.out}/{name}" for name in record["files"])
    names = {f"spatiallake_{split}": places[split] for split in whole.splits if split in places}
    return {"utils.py": FUNCTIONS, **{f"{name}.yaml": task_config(name, paths) for name, paths in names.items()}}


EXPORT = ExportFormat(
    name="lmms_eval",
    title="lmms-eval task folder, a task `spatiallake_SPLIT` for each split",
    read_by="lmms-eval, with spatiallake installed beside it",
    write=_write,
    whole=_whole,
    tables=("qa_pairs",),
    needs_scenes=True,
)
