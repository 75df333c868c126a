"""lmms-eval: a task folder to write, and predictions `*_samples_*.jsonl` with `doc_id, resps, filtered_resps`.

The task is run by `lmms-eval --include_path FOLDER --tasks NAME` and scores with our parsers, so spatiallake has to be
installed beside lmms-eval.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from vlm.evaluation.formats import spatiallake
from vlm.evaluation.items import Answer, Item, Prediction, Rejected
from vlm.evaluation.layouts import Format, PredictionReader
from vlm.evaluation.reading.answer import read
from vlm.evaluation.row_files import rows_of
from vlm.evaluation.rows import BadRow, Row, Unreadable
from vlm.evaluation.scores.success import success

FUNCTIONS = '''"""Images, prompts and scores of the items in items.parquet; needs spatiallake for the scores."""

import io

from PIL import Image
from vlm.evaluation.formats.lmms_eval import success_of


def doc_to_visual(doc):
    return [Image.open(io.BytesIO(image["bytes"])).convert("RGB") for image in doc["images"]]


def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    asked = lmms_eval_specific_kwargs or {}
    return f"{asked.get('pre_prompt', '')}{doc['prompt']}{asked.get('post_prompt', '')}"


def process_results(doc, results):
    return {"success": success_of(doc, results[0])}
'''
# YAML's own dumper would quote the tag.
_CONFIG = """task: {name}
{dataset}output_type: generate_until
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_target: answer
process_results: !function utils.process_results
generation_kwargs:
  max_new_tokens: 128
  temperature: 0
  do_sample: false
metric_list:
  - metric: success
    aggregation: mean
    higher_is_better: true
metadata:
  - version: 1.0
"""


def _write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write the folder `path`: `<its name>.yaml`, `utils.py`, `items.parquet`."""
    path.mkdir(parents=True, exist_ok=True)
    data = path / "items.parquet"
    rejected = spatiallake.write(items, data)
    (path / f"{path.name}.yaml").write_text(task_config(path.name, [str(data.resolve())]), encoding="utf-8")
    (path / "utils.py").write_text(FUNCTIONS, encoding="utf-8")
    return rejected


def task_config(name: str, paths: list[str]) -> str:
    """Return the YAML of a task over Parquet files of items, beside which lies `utils.py` with `FUNCTIONS`."""
    dataset = {
        "dataset_path": "parquet",
        "dataset_kwargs": {"data_files": {"test": paths[0] if len(paths) == 1 else paths}},
        "test_split": "test",
    }
    return _CONFIG.format(name=name, dataset=yaml.safe_dump(dataset, sort_keys=False))


def success_of(document: Mapping[str, Any], output: str) -> float:
    """Return the score of an output for a row of `items.parquet`."""
    (item,) = spatiallake.items_of(Row(document, 0, Path()))
    return success(Prediction("", item, output, read(item, output)))


def _rows(path: Path) -> Iterator[Row]:
    files = sorted(path.rglob("*samples_*.jsonl")) if path.is_dir() else [path]
    if len(files) != 1:
        raise Unreadable(f"{path} holds {len(files)} sample files; name one of them.")
    yield from rows_of(files[0])


def _answer(row: Row) -> Answer:
    number = row.get("doc_id")
    if number is None:
        raise BadRow("has no doc_id")
    # The raw output, before the harness filters it.
    raw = _first(row.get("resps"))
    text = raw if raw is not None else _first(row.get("filtered_resps"))
    if text is None:
        raise BadRow("has neither resps nor filtered_resps")
    return Answer(text, number=int(number))


def _first(value: Any) -> str | None:
    while isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else None


def _model(row: Row, path: Path) -> str:
    return row.folder.resolve().name


FORMAT = Format(
    name="lmms_eval",
    title="lmms-eval: sample files, and a task folder to write",
    predictions=PredictionReader(_answer, _rows, _model),
    write=_write,
)
