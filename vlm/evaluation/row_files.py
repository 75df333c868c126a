"""Rows of local files or folders in Parquet, JSON, JSON lines, TSV and CSV.

Texts may have a byte order mark, be UTF-16 with one, or end in the middle of a line: a line that cannot be read is a
row with a fault, and the lines beside it are read.
"""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vlm.evaluation.rows import InCell, Row, Unreadable

_SUFFIXES = (".parquet", ".jsonl", ".json", ".tsv", ".csv")
_LISTS = ("data", "questions", "annotations", "items")
_MARKS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DELIMITERS = "\t;,|"
# What `surrogateescape` leaves of bytes that are not UTF-8.
_UNDECODED = re.compile("[\udc80-\udcff]")


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, or of all files in a folder that have the first known suffix, ordered by name.

    Raises:
        Unreadable: there is nothing to read.
    """
    if not path.exists():
        raise Unreadable(f"{path} does not exist.")
    number = 0
    for file in _files(path):
        for row in _READERS[file.suffix](file):
            yield Row(row.values, number, row.folder, row.cell, row.fault)
            number += 1


def text_of(file: Path) -> str:
    """Return the text of a file, without a byte order mark; bytes that are not UTF-8 become lone surrogates."""
    encoding, errors = _encoding_of(file)
    return file.read_text(encoding=encoding, errors=errors)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            hint = " Write predictions as TSV (PRED_FORMAT=tsv)." if path.suffix == ".xlsx" else ""
            raise Unreadable(f"{path.name} is none of {', '.join(_SUFFIXES)}.{hint}")
        return [path]
    for suffix in _SUFFIXES:
        found = sorted(path.rglob(f"*{suffix}"))
        if found:
            return found
    raise Unreadable(f"{path} holds no file of {', '.join(_SUFFIXES)}.")


def _encoding_of(file: Path) -> tuple[str, str]:
    """Return the encoding of a file and how to treat bytes that violate it."""
    with file.open("rb") as held:
        start = held.read(64)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, "replace"
    if len(start) > 3 and start[1] == 0 and start[3] == 0:
        return "utf-16-le", "replace"
    if len(start) > 3 and start[0] == 0 and start[2] == 0:
        return "utf-16-be", "replace"
    return "utf-8-sig", "surrogateescape"


def _parquet(file: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise Unreadable(f"{file.name} is not a whole Parquet file: {str(error).splitlines()[0]}") from error
    held = [field.name for field in table.schema_arrow if _holds_bytes(field.type)]
    plain = [name for name in table.schema_arrow.names if name not in held]
    for group in range(table.num_row_groups):
        rows = table.read_row_group(group, columns=plain).to_pylist() or [{}] * table.metadata.row_group(group).num_rows
        counts = {name: _counts(table, group, name, pa) for name in held}
        for place, values in enumerate(rows):
            inside = {name: InCell(count[place]) for name, count in counts.items() if count[place]}
            yield Row({**values, **inside}, 0, file.parent, (str(file), group, place))


def _holds_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_bytes(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _counts(table: Any, group: int, name: str, pa: Any) -> list[int]:
    """Return the number of images in each row of a column."""
    column = table.read_row_group(group, columns=[name]).column(name)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [length or 0 for chunk in column.chunks for length in chunk.value_lengths().to_pylist()]
    return [int(valid) for valid in column.is_valid().to_pylist()]


def _json_lines(file: Path) -> Iterator[Row]:
    encoding, errors = _encoding_of(file)
    with file.open(encoding=encoding, errors=errors) as lines:
        if lines.read(1) == "[":
            yield from _json(file)
            return
        lines.seek(0)
        yield from _rows_of_lines(lines, file.parent)


def _rows_of_lines(lines: Iterable[str], folder: Path) -> Iterator[Row]:
    for line in lines:
        if not line.strip():
            continue
        if _UNDECODED.search(line):
            yield _faulty(folder, f"holds bytes that are not UTF-8: {_shown(line)}; save the file as UTF-8")
            continue
        try:
            yield _row(json.loads(line), folder)
        except (ValueError, RecursionError):
            yield _faulty(folder, f"is not JSON, perhaps cut off: {_shown(line)}")


def _json(file: Path) -> Iterator[Row]:
    """Yield the rows of a JSON document, those before its end if it is cut off, or of JSON lines named so."""
    text = text_of(file)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield from _rows_of_part(text, file, error)
        return
    if isinstance(document, dict):
        document = next((document[key] for key in _LISTS if isinstance(document.get(key), list)), [document])
    for values in document if isinstance(document, list) else [document]:
        yield _row(values, file.parent)


def _rows_of_part(text: str, file: Path, error: Exception) -> Iterator[Row]:
    text = text.lstrip()
    first = text.partition("\n")[0]
    if first.startswith("{") and first.rstrip().endswith("}") and _parses(first):
        yield from _rows_of_lines(text.splitlines(), file.parent)
        return
    decoder, place, any_rows = json.JSONDecoder(), 1, False
    while text.startswith("["):
        place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n,"))
        try:
            values, place = decoder.raw_decode(text, place)
        except ValueError:
            break
        any_rows = True
        yield _row(values, file.parent)
    if not any_rows:
        raise Unreadable(f"{file.name} is not JSON: {error}.") from error
    yield _faulty(file.parent, f"is not JSON, perhaps cut off: {_shown(text[place:])}")


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _separated(file: Path) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)  # cells may hold images in base64
    encoding, errors = _encoding_of(file)
    with file.open(encoding=encoding, errors=errors, newline="") as lines:
        header = lines.readline()
        named = re.fullmatch(r"sep=(.)\s*", header)  # the first line of some files of Excel
        if not named:
            lines.seek(0)
        table = csv.DictReader(lines, delimiter=named[1] if named else _delimiter_of(header, file.suffix))
        previous: Mapping[str, Any] | None = None
        while True:
            try:
                values = next(table, None)
            except csv.Error as error:
                yield _faulty(file.parent, f"cannot be split into cells: {error}")
                continue
            if previous is not None:
                yield _of_cells(previous, file.parent, last=values is None)
            if values is None:
                return
            previous = values


def _delimiter_of(header: str, suffix: str) -> str:
    """Return the delimiter that a header has most, by default that of the file's suffix."""
    usual = "\t" if suffix == ".tsv" else ","
    plain = re.sub(r'"[^"]*"', "", header)
    return usual if usual in plain else max(_DELIMITERS, key=plain.count) if plain.strip() else usual


def _of_cells(values: Mapping[str, Any], folder: Path, *, last: bool) -> Row:
    missing = sum(value is None for value in values.values())
    if last and missing:
        return _faulty(folder, f"is cut off: it has {len(values) - missing} of {len(values)} cells")
    wrong = next((str(one) for one in values.values() if isinstance(one, str) and _UNDECODED.search(one)), None)
    if wrong is not None:
        return _faulty(folder, f"holds bytes that are not UTF-8: {_shown(wrong)}; save the file as UTF-8")
    return Row({key: value for key, value in values.items() if key is not None}, 0, folder)


def _row(values: Any, folder: Path) -> Row:
    return Row(values if isinstance(values, dict) else {"value": values}, 0, folder)


def _faulty(folder: Path, fault: str) -> Row:
    return Row({}, 0, folder, fault=fault)


def _shown(text: str) -> str:
    """Return the start of a text for a message."""
    return repr(_UNDECODED.sub("\ufffd", text.strip())[:60])


_READERS = {".parquet": _parquet, ".jsonl": _json_lines, ".json": _json, ".tsv": _separated, ".csv": _separated}
