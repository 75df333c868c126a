"""LLaVA's JSON: `id, image, conversations[{from, value}]`, files of images, and the list of files for LLaVA-NeXT."""

from functools import partial

import yaml

from jobs.exporting.chunk import Example
from jobs.exporting.json_rows import write_examples
from jobs.exporting.layouts import ExportFormat, Whole


def _row(example: Example) -> dict[str, object]:
    said = []
    for place, (question, answer) in enumerate(example.turns):
        shown = "<image>\n" if place == 0 and example.image else ""
        said += [{"from": "human", "value": shown + question}, {"from": "gpt", "value": answer}]
    image = {"image": example.image.place} if example.image else {}
    about = {"image_id": example.image_id, "type_ids": example.type_ids, "licence": example.licence}
    return {"id": example.example_id, **image, "conversations": said, **about}


def _whole(whole: Whole) -> dict[str, str]:
    """Return a list of the files of each split, as LLaVA-NeXT takes it for --data_path."""
    places = {split: [] for split in whole.splits}
    for record in whole.records():
        places[record["split"]] += [name for name in record["files"] if name.endswith(".json")]
    return {
        f"{split}.yaml": yaml.safe_dump(
            {"datasets": [{"json_path": f"{whole.out}/{name}", "sampling_strategy": "all"} for name in names]},
            sort_keys=False,
        )
        for split, names in places.items()
        if names
    }


EXPORT = ExportFormat(
    name="llava",
    title="LLaVA's JSON lists, images as files, and a YAML list of them per split",
    read_by="LLaVA, LLaVA-NeXT, SpatialRGPT, Qwen-VL's fine-tuning code",
    write=partial(write_examples, row=_row),
    conversations=True,
    whole=_whole,
    images=("files", "urls", "none"),
)
