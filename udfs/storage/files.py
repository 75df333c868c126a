"""Bytes and listings from local paths and `s3://`."""

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from schemas.secrets import masked
from udfs.storage.clients import s3_client
from udfs.storage.folders import FileStatus, local_files, local_status
from udfs.storage.locations import bucket_key, has_scheme, is_s3

_RANGE_BYTES = 4 * 2**20
_ABSENT = frozenset({"404", "403", "NoSuchKey", "NoSuchBucket", "AccessDenied"})


class MissingFile(Exception):
    """A URI that names nothing readable; the message says what and why."""


class TooLarge(Exception):
    """A file over the limit that it was read under; `size` is its length in bytes, None where it does not say."""

    def __init__(self, uri: str, size: int | None) -> None:
        super().__init__(f"{uri} has {'more bytes than it states' if size is None else f'{size:,} bytes'}.")
        self.size = size


def file_status(uri: str) -> FileStatus | None:
    """Return the status of one file, or None where `uri` names none."""
    if not is_s3(uri):
        path = Path(uri)
        return local_status(uri) if path.is_file() else None
    bucket, key = bucket_key(uri)
    if not key:
        return None
    try:
        head = s3_client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if _code(error) in _ABSENT:
            return None
        raise
    return FileStatus(uri, head["ContentLength"], head["ETag"].strip('"'))


def list_files(folder: str, after: str | None = None) -> Iterator[FileStatus]:
    """Yield every file under a folder or prefix, in no particular order; names that start with a dot are left out.

    Local folders are listed as `udfs.storage.folders.local_files` describes. With `after`, only files are yielded whose
    URIs come after it; an object store looks at no others.

    Raises:
        MissingFile: a bucket that does not exist or may not be listed.
    """
    if is_s3(folder):
        yield from _list_s3(folder, after)
    else:
        yield from (file for file in local_files(folder) if after is None or file.uri > after)


def names_in(folder: str, beginning: str) -> list[str]:
    """Return the names of files and folders directly in a folder or prefix that start with `beginning`, sorted.

    Raises:
        MissingFile: a bucket that does not exist or may not be listed.
    """
    if not is_s3(folder):
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted(name for name in names if name.startswith(beginning))
    bucket, prefix = bucket_key(folder)
    start = f"{prefix}/" if prefix else ""
    names = []
    for page in _pages(folder, Bucket=bucket, Prefix=start + beginning, Delimiter="/"):
        keys = [item["Key"] for item in page.get("Contents", ())]
        keys += [item["Prefix"].rstrip("/") for item in page.get("CommonPrefixes", ())]
        names += [key.removeprefix(start) for key in keys]
    return sorted(names)


def read_bytes(uri: str, limit_bytes: int) -> bytes:
    """Return the content of a file; never more than `limit_bytes` and one byte is read, whatever size it states.

    Raises:
        MissingFile: nothing readable there.
        TooLarge: longer than `limit_bytes`.
    """
    if is_s3(uri):
        bucket, key = bucket_key(uri)
        answer = _present(uri, lambda: s3_client().get_object(Bucket=bucket, Key=key))
        with answer["Body"] as body:
            return _bounded(body, uri, answer.get("ContentLength", 0), limit_bytes)
    with open_binary(uri) as stream:
        try:
            return _bounded(stream, uri, os.fstat(stream.fileno()).st_size, limit_bytes)
        except OSError as error:
            raise _unreadable(uri, error) from error


def _bounded(stream: Any, uri: str, stated: int, limit_bytes: int) -> bytes:
    if stated > limit_bytes:
        raise TooLarge(uri, stated)
    data = stream.read(limit_bytes + 1)
    if data is None:  # a file of the system that would wait for more
        raise MissingFile(f"{uri[:200]} is no file with an end; name another one.")
    if len(data) > limit_bytes:
        raise TooLarge(uri, None)
    return data


def open_binary(uri: str) -> BinaryIO:
    """Return a seekable reader; objects are read by ranges of 4 MiB.

    Raises:
        MissingFile: nothing readable there, or a scheme that is not served.
    """
    if is_s3(uri):
        return io.BufferedReader(_RangedObject(uri), _RANGE_BYTES)
    if has_scheme(uri):
        raise MissingFile(
            f"{masked(uri[:200])} has a scheme that is not served; copy the file to a local path or s3://."
        )
    try:
        # Not even opened, since a device may act on that.
        _require_regular(uri, os.stat(uri))
        # A named pipe that takes the file's place meanwhile, and some files of the system, would block forever.
        stream = os.fdopen(os.open(uri, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    except (OSError, ValueError) as error:
        raise _unreadable(uri, error) from error
    try:
        _require_regular(uri, os.fstat(stream.fileno()))
    except MissingFile:
        stream.close()
        raise
    return stream


def _require_regular(uri: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise MissingFile(f"{uri[:200]} is not a regular file; name a file.")


def _unreadable(uri: str, error: Exception) -> MissingFile:
    return MissingFile(f"{uri[:200]} cannot be read ({_cause(error)}); put the file there or correct the URI.")


def read_start(uri: str, length: int) -> bytes:
    """Return the first bytes of a file, at most `length`, and read no more.

    Raises:
        MissingFile: as `open_binary`.
    """
    with open_binary(uri) as stream:
        return cast(io.BufferedReader, stream).raw.read(length) or b""


class _RangedObject(io.RawIOBase):
    """An S3 object as a seekable raw stream, one ranged GET per read."""

    def __init__(self, uri: str) -> None:
        self._bucket, self._key = bucket_key(uri)
        head = _present(uri, lambda: s3_client().head_object(Bucket=self._bucket, Key=self._key))
        self._size: int = head["ContentLength"]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        span = f"bytes={self._position}-{end - 1}"
        # Not more than asked for, whatever the store sends.
        data = s3_client().get_object(Bucket=self._bucket, Key=self._key, Range=span)["Body"].read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _list_s3(folder: str, after: str | None) -> Iterator[FileStatus]:
    bucket, prefix = bucket_key(folder)
    start = f"{prefix}/" if prefix else ""
    mark = {"StartAfter": bucket_key(after)[1]} if after else {}
    for page in _pages(folder, Bucket=bucket, Prefix=start, **mark):
        for item in page.get("Contents", ()):
            name: str = item["Key"]
            if is_listed_key(name, start):
                yield FileStatus(f"s3://{bucket}/{name}", item["Size"], item["ETag"].strip('"'))


def is_listed_key(key: str, start: str) -> bool:
    """Return whether a listing has an object: no folder, and no name below the prefix `start` begins with a dot."""
    return not key.endswith("/") and not any(part.startswith(".") for part in key.removeprefix(start).split("/"))


def _pages(folder: str, **listing: str) -> Iterator[dict[str, Any]]:
    try:
        yield from s3_client().get_paginator("list_objects_v2").paginate(**listing)
    except ClientError as error:
        sentence = f"{folder} cannot be listed ({_code(error)}); check the bucket and its permissions."
        raise MissingFile(sentence) from error


def _present(uri: str, call: Any) -> Any:
    try:
        return call()
    except ClientError as error:
        if _code(error) not in _ABSENT:
            raise
        message = f"{uri} cannot be read ({_code(error)}); put the object there or allow reading it."
        raise MissingFile(message) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def _cause(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
