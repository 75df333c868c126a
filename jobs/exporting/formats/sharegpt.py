"""LLaMA-Factory's ShareGPT layout: `messages[{role, content}]` and `images`, registered in `dataset_info.json`."""

import json
from functools import partial

from jobs.exporting.chunk import Example
from jobs.exporting.json_rows import write_examples
from jobs.exporting.layouts import ExportFormat, Whole

_TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}


def _row(example: Example) -> dict[str, object]:
    messages = []
    for place, (question, answer) in enumerate(example.turns):
        shown = "<image>" if place == 0 and example.image else ""
        messages += [{"role": "user", "content": shown + question}, {"role": "assistant", "content": answer}]
    return {
        "messages": messages,
        **({"images": [example.image.place]} if example.image else {}),
        "id": example.example_id,
        "image_id": example.image_id,
        "type_ids": example.type_ids,
        "licence": example.licence,
    }


def _whole(whole: Whole) -> dict[str, str]:
    """Return `dataset_info.json`, with a data set for each split."""
    splits = {record["split"] for record in whole.records() if record["rows"]}
    images = {} if whole.settings.images == "none" else {"images": "images"}
    columns = {"messages": "messages", **images}
    info = {
        f"spatiallake_{split}": {"file_name": split, "formatting": "sharegpt", "columns": columns, "tags": _TAGS}
        for split in whole.splits
        if split in splits
    }
    return {"dataset_info.json": json.dumps(info, indent=2) + "\n"}


EXPORT = ExportFormat(
    name="sharegpt",
    title="ShareGPT JSON lists with `dataset_info.json`, images as files",
    read_by="LLaMA-Factory, ms-swift",
    write=partial(write_examples, row=_row),
    conversations=True,
    whole=_whole,
    images=("files", "none"),
)
