"""A general stream from Parquet with `images` and `messages`, as in Hugging Face data sets."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import fs

from udfs.language.tokens import token_counter
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized
from vlm.errors import StreamUnreadable
from vlm.examples import Example, Turn, images_first, turns_of
from vlm.feed.feed import Feed, Row
from vlm.feed.settings import FeedSettings
from vlm.feed.snapshot import RowGroup, Snapshot
from vlm.mixture.general import counted
from vlm.mixture.settings import MixtureSettings, StreamSettings

_COLUMNS = ("images", "messages")

Tokenizer = tuple[str | None, str | None]


class MessagesFeed(Feed):
    """Rows with images before text turns; other rows count no tokens and are skipped."""

    columns = _COLUMNS

    def __init__(self, settings: FeedSettings, snapshot: Snapshot, name: str, tokenizer: Tokenizer) -> None:
        super().__init__(settings, snapshot, name)
        self._tokenizer = tokenizer
        self._count = token_counter(*tokenizer)
        # Tokens are counted before any image is read.
        schema = pq.read_schema(snapshot.groups[0].path, filesystem=filesystem_of(snapshot.table))
        self.token_columns = ("messages", *_without_bytes(schema))
        if not self.epoch_tokens:
            raise StreamUnreadable(f"Stream {name} has no row with an image and an answer; name other files.")

    def __reduce__(self) -> Any:
        return MessagesFeed, (self.settings, self.snapshot, self.name, self._tokenizer)

    def example_of(self, row: Row) -> Example:
        """Return the example of a row."""
        turns = _turns(row["messages"])
        image, *further = (one["bytes"] for one in row["images"])
        image_id = hashlib.sha256(image).hexdigest()
        others = "".join(hashlib.sha256(one).hexdigest() for one in further)
        identity = hashlib.blake2b(f"{image_id}{others}{turns}".encode(), digest_size=16).hexdigest()
        return Example(self.name, identity, image_id, image, turns, counted(turns, self._count), tuple(further))

    def tokens_of(self, table: pa.Table) -> NDArray[np.int64]:
        """Return the text tokens of every row; 0 for a row without a turn, without images, or with some later on."""
        rows = zip(table["images"].to_pylist(), table["messages"].to_pylist(), strict=True)
        tokens = [counted(_turns(own), self._count) if _is_shown(images, own) else 0 for images, own in rows]
        return np.array(tokens, np.int64)


def open_messages(settings: StreamSettings, mixture: MixtureSettings) -> MessagesFeed:
    """Return the stream of a Parquet file or of all Parquet files in a folder.

    Raises:
        StreamUnreadable: no Parquet file is there, or one lacks a column.
    """
    uri = normalized(settings.uri)
    groups = tuple(group for path in _paths(uri) for group in _groups(filesystem_of(uri), path))
    if not groups:
        raise StreamUnreadable(f"There are no rows in Parquet files at {uri}; correct stream {settings.name}.")
    snapshot = Snapshot(uri, "", 0, "", "train", groups, "")
    # Petastorm does not support nested columns.
    feed = FeedSettings(table=uri, backend="pyarrow", seed=mixture.seed)
    return MessagesFeed(feed, snapshot, settings.name, (mixture.tokenizer, mixture.tokenizer_revision))


def _paths(uri: str) -> list[str]:
    files, path = filesystem_of(uri), path_of(uri)
    if files.get_file_info(path).type == fs.FileType.File:
        return [path]
    found = files.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
    return sorted(info.path for info in found if info.path.endswith(".parquet"))


def _groups(files: fs.FileSystem, path: str) -> list[RowGroup]:
    footer = pq.read_metadata(path, filesystem=files)
    missing = [name for name in _COLUMNS if name not in footer.schema.to_arrow_schema().names]
    if missing:
        raise StreamUnreadable(f"{path} has no column {missing[0]}; a messages stream needs `images` and `messages`.")
    groups = (RowGroup(path, number, footer.row_group(number).num_rows) for number in range(footer.num_row_groups))
    return [group for group in groups if group.rows]


def _without_bytes(schema: pa.Schema) -> list[str]:
    fields = schema.field("images").type.value_type
    leaves = [field.name for field in fields if field.name != "bytes"] if pa.types.is_struct(fields) else []
    item = schema.field("images").type.value_field.name
    return [f"images.list.{item}.{leaf}" for leaf in leaves[:1]] or ["images"]


def _is_shown(images: list[Any] | None, messages: list[dict[str, Any]] | None) -> bool:
    """Return whether a row has images, several only where all come first: a prompt shows them so."""
    count = len(images or ())
    said = [(message["role"], message["content"]) for message in messages or ()]
    return count == 1 or (count > 1 and images_first(said, count))


def _turns(messages: list[dict[str, Any]] | None) -> tuple[Turn, ...]:
    return turns_of((message["role"], message["content"]) for message in messages or ())
