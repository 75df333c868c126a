"""An export format: a dialogue, one turn a line, a tab before its answer."""

from collections.abc import Iterable

from jobs.exporting.chunk import Chunk
from jobs.exporting.layouts import ExportFormat, ShardFiles


def write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    with files.path(f"{files.name}.txt").open("w") as stream:
        for chunk in chunks:
            for example in chunk.examples():
                stream.writelines(f"{question}\t{answer}\n" for question, answer in example.turns)


EXPORT = ExportFormat(
    name="spoken",
    title="a dialogue",
    read_by="people",
    write=write,
    images=("none",),
)
