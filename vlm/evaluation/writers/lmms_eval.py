"""A task folder of lmms-eval, for `lmms-eval --include_path FOLDER --tasks NAME`.

The task scores with our parsers, so spatiallake has to be installed beside lmms-eval.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from vlm.evaluation.formats.native import FORMAT
from vlm.evaluation.formats.rows import Row
from vlm.evaluation.items import Item, Prediction, Rejected
from vlm.evaluation.reading.answer import read
from vlm.evaluation.scores.success import success
from vlm.evaluation.writers import native

_FUNCTIONS = '''"""Pictures, prompt and score of the items in items.parquet; needs spatiallake for the score."""

import io

from PIL import Image
from vlm.evaluation.writers.lmms_eval import success_of


def doc_to_visual(doc):
    return [Image.open(io.BytesIO(picture["bytes"])).convert("RGB") for picture in doc["images"]]


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


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write the folder `path`: `<its name>.yaml`, `utils.py`, `items.parquet`; return the items that were left out."""
    path.mkdir(parents=True, exist_ok=True)
    data = path / "items.parquet"
    rejected = native.write(items, data)
    dataset = {
        "dataset_path": "parquet",
        "dataset_kwargs": {"data_files": {"test": str(data.resolve())}},
        "test_split": "test",
    }
    config = _CONFIG.format(name=path.name, dataset=yaml.safe_dump(dataset, sort_keys=False))
    (path / f"{path.name}.yaml").write_text(config, encoding="utf-8")
    (path / "utils.py").write_text(_FUNCTIONS, encoding="utf-8")
    return rejected


def success_of(document: Mapping[str, Any], output: str) -> float:
    """Return the success of what a model said to a row of `items.parquet`."""
    (item,) = FORMAT.items(Row(document, 0, Path()))
    return success(Prediction("", item, output, read(item, output)))
