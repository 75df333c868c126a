"""Manifests as JSON lines, CSV or TSV, plain or compressed: whether a file is one, and its rows as JSON."""

import csv
import io
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from udfs.storage.compressed import open_unzipped, unzipped_start
from udfs.storage.files import MissingFile

IMAGE_FIELDS = ("image", "file_name")
TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")

_HEAD_BYTES = 64 * 2**10
_HEAD_LINES = 50
_MAX_FIELD_CHARS = 16 * 2**20
_MAX_ROW_LINES = 1_000
_SHOWN_CHARS = 100
_DELIMITERS = (",", "\t", ";", "|")
# Columns whose cells hold JSON; every other cell is a text.
_JSON_COLUMNS = ("camera", "gravity", "pose", "objects", "action", "state", "frame_index", "depth_scale")


class NotAManifest(Exception):
    """A file named as a manifest that is of a kind that is not read; the message says which, and the remedy."""


@dataclass(frozen=True)
class TableRow:
    """A row of a table: its JSON, or why it has none."""

    text: str = ""
    fault: str = ""


def check_manifest(uri: str, manifest: str) -> None:
    """Check the first 64 KiB of a manifest or of a part of one; the name of the whole says what it is.

    Raises:
        NotAManifest: it is a JSON array or object over several lines, not UTF-8, parquet under another name, or a
            table without a column `image`.
    """
    try:
        head = unzipped_start(uri, _HEAD_BYTES)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise MissingFile(f"{uri} cannot be read ({error}); download it again.") from error
    if head.startswith(b"PAR1"):
        raise NotAManifest(f"{uri} is a parquet file; give it a name that ends in .parquet.")
    lines = _lines(uri, head, whole=len(head) < _HEAD_BYTES)
    if not lines:
        return
    if is_table(manifest):
        _table_header(uri, lines[0])
    elif manifest.lower().endswith((".json", ".json.gz")) and not _spreads_over_lines(lines) and not image_field(uri):
        raise NotAManifest(f"{uri} is no manifest: none of its first lines is an object with `image`; rename the file.")
    elif _spreads_over_lines(lines):
        kind = "a JSON array" if lines[0].startswith("[") else "one JSON value over several lines"
        raise NotAManifest(
            f"{uri} is {kind}, not JSON lines; write one object per line (with jq: `jq -c '.[]' IN > manifest.jsonl`)."
        )


def is_table(uri: str) -> bool:
    """Return whether a manifest is named as CSV or TSV."""
    return uri.lower().endswith(TABLE_SUFFIXES)


def image_field(uri: str) -> str | None:
    """Return the field by which a file of any name lists images, `image` or `file_name`; None where it lists none."""
    try:
        lines = _lines(uri, unzipped_start(uri, _HEAD_BYTES), whole=False)
        if is_table(uri):
            named = [set(re.split(r"[,;\t|]", lines[0].replace('"', "")))] if lines else []
        else:
            named = [set(row) for row in map(_object, lines[:_HEAD_LINES]) if row]
        return next((name for name in IMAGE_FIELDS if any(name in one for one in named)), None)
    except (NotAManifest, MissingFile, OSError, EOFError, ValueError, zlib.error):
        return None


def table_rows(uri: str) -> Iterator[TableRow]:
    """Yield the rows of a CSV or TSV manifest in order.

    A quote that does not close costs only the line that it stands in.
    """
    with open_unzipped(uri) as stream:
        yield from _Table(uri, io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")).rows()


@dataclass
class _Table:
    uri: str
    lines: Iterator[str]
    # Lines of the row that is being parsed, and lines to be read again since that row never closed its quote.
    taken: list[str] = field(default_factory=list)
    again: deque[str] = field(default_factory=deque)

    def rows(self) -> Iterator[TableRow]:
        header = next((line for line in self.lines if line.strip()), None)
        if header is None:
            return
        delimiter, names = _table_header(self.uri, header)
        csv.field_size_limit(_MAX_FIELD_CHARS)
        while True:
            self.taken = []
            try:
                cells = next(csv.reader(self._feed(), delimiter=delimiter, strict=True), None)
            except csv.Error as error:
                first = self.taken[0]
                self.again.extendleft(reversed(self.taken[1:]))
                yield TableRow(fault=f"The row is not valid CSV ({error}): {first[:_SHOWN_CHARS]!r}; fix or remove it.")
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield _table_row(names, cells)

    def _feed(self) -> Iterator[str]:
        while len(self.taken) < _MAX_ROW_LINES:
            line = self.again.popleft() if self.again else next(self.lines, None)
            if line is None:
                return
            self.taken.append(line)
            yield line


def _table_row(names: list[str], cells: list[str]) -> TableRow:
    if len(cells) > len(names):
        shown = ", ".join(cells)[:_SHOWN_CHARS]
        error = f"The row has {len(cells)} cells and the header {len(names)}: {shown!r}; fix or remove it."
        return TableRow(fault=error)
    row = {name: _cell(name, cell) for name, cell in zip(names, cells, strict=False) if cell.strip()}
    return TableRow(json.dumps(row, ensure_ascii=False))


def _cell(name: str, cell: str) -> object:
    if name not in _JSON_COLUMNS:
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _table_header(uri: str, line: str) -> tuple[str, list[str]]:
    first = "\t" if ".tsv" in uri.lower()[-7:] else ","
    for delimiter in (first, *_DELIMITERS):
        names = [name.strip() for name in next(csv.reader([line.strip("\ufeff\r\n")], delimiter=delimiter), [])]
        if "image" in names:
            return delimiter, names
    raise NotAManifest(
        f"{uri} has no column `image` (its header is {line.strip()[:_SHOWN_CHARS]!r}); name the column that holds the "
        "paths of the images `image`."
    )


def _lines(uri: str, head: bytes, whole: bool) -> list[str]:
    """Return the non-blank lines of a file's beginning; the last one is left out if it may be cut."""
    beginning = head[:_SHOWN_CHARS]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or 4 * beginning.count(b"\0") > len(beginning):
        raise NotAManifest(f"{uri} is UTF-16 or UTF-32, not UTF-8; save it as UTF-8.")
    raw = [line for line in head.split(b"\n") if line.strip()]
    if not whole and len(raw) > 1:
        raw = raw[:-1]
    wrong = [line for line in raw if _is_not_utf8(line, whole)]
    # A few damaged rows cost themselves; half of them and more mean another encoding.
    if wrong and 2 * len(wrong) >= len(raw):
        shown = wrong[0][:_SHOWN_CHARS]
        raise NotAManifest(f"{uri} is not UTF-8 (its rows hold bytes such as {shown!r}); save it as UTF-8.")
    return [line.decode("utf-8", "replace").strip("\ufeff \t\r\n") for line in raw]


def _is_not_utf8(line: bytes, whole: bool) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return whole or error.end < len(line)
    return False


def _spreads_over_lines(lines: list[str]) -> bool:
    """Return whether a file holds one JSON value instead of one per line; single bad rows do not count as such."""
    if lines[0] == "[":
        return True
    if lines[0] == "{" or lines[0].startswith("["):
        return not any(row is not None and "image" in row for row in map(_object, lines[:_HEAD_LINES]))
    return False


def _object(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
