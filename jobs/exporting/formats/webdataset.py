"""WebDataset: tars of samples, each an image `KEY.jpg` and a conversation `KEY.json`."""

import io
import json
import tarfile
from collections.abc import Iterable

from jobs.exporting.chunk import Chunk, Example
from jobs.exporting.layouts import ExportFormat, ShardFiles


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    with tarfile.open(files.path(f"{files.split}/{files.name}.tar"), "w", format=tarfile.USTAR_FORMAT) as tar:
        for chunk in chunks:
            for example in chunk.examples():
                if example.image and example.image.data is not None:
                    _add(tar, f"{example.example_id}.jpg", example.image.data)
                _add(tar, f"{example.example_id}.json", json.dumps(_about(example), ensure_ascii=False).encode())


def _about(example: Example) -> dict[str, object]:
    turns = [{"question": question, "answer": answer} for question, answer in example.turns]
    about = {"qa_ids": example.qa_ids, "type_ids": example.type_ids, "licence": example.licence}
    return {"image_id": example.image_id, "turns": turns, **about}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    tar.addfile(info, io.BytesIO(data))


EXPORT = ExportFormat(
    name="webdataset",
    title="WebDataset: tars of `KEY.jpg` and `KEY.json`",
    read_by="`webdataset`, `datasets`, OpenCLIP, NVIDIA DALI",
    write=_write,
    conversations=True,
    images=("inside", "none"),
    hub=lambda split: f"{split}/*.tar",
)
