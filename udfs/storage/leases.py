"""Leases on an object store, which has no file locks: one process at a time holds a name.

A lease is an object that a conditional PUT creates, so that of two commands one succeeds. Its holder writes it again
every few seconds. A lease that was not renewed for a while belongs to a command that was killed, and may be taken over.
Ages are told by the store's clock alone.
"""

import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from udfs.storage.clients import s3_client

RENEWED_EVERY_S = 15.0
LOST_AFTER_S = 90.0
_PAUSE_S = 0.5
_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_UNSUPPORTED = ("NotImplemented", "501")
# The leases that this process holds, by URI, and how often.
_HELD: dict[str, "_Lease"] = {}
_GUARD = threading.Lock()


class LeaseUnusable(Exception):
    """An object store that refuses, or does not answer."""


class NoConditionalWrites(LeaseUnusable):
    """An object store that does not know conditional writes."""


@contextmanager
def leased(uri: str, wait: bool) -> Iterator[str | None]:
    """Yield None with the lease at an `s3://` URI held, or who holds it; wait for it if asked to.

    A process that holds the lease already shares it.

    Raises:
        NoConditionalWrites: the store cannot keep two processes apart.
        LeaseUnusable: the store refuses or does not answer.
    """
    holder = _acquired(uri)
    while wait and holder is not None:
        time.sleep(_PAUSE_S)
        holder = _acquired(uri)
    try:
        yield holder
    finally:
        if holder is None:
            _released(uri)


def _acquired(uri: str) -> str | None:
    with _GUARD:
        if uri in _HELD:
            _HELD[uri].users += 1
            return None
        lease = _Lease(uri)
        holder = lease.take()
        if holder is None:
            _HELD[uri] = lease
            lease.start()
        return holder


def _released(uri: str) -> None:
    with _GUARD:
        lease = _HELD[uri]
        lease.users -= 1
        if not lease.users:
            del _HELD[uri]
            lease.end()


@dataclass
class _Lease:
    uri: str
    users: int = 1
    etag: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def take(self) -> str | None:
        """Create the object, or take over one that was not renewed; return who holds it, None if that is us."""
        if self._put(IfNoneMatch="*"):
            return None
        try:
            found = s3_client().get_object(**self._place())
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return "which has just ended"
            raise self._unusable(error) from error
        age_s = (_date_of(found) - found["LastModified"]).total_seconds()
        if age_s > LOST_AFTER_S and self._put(IfMatch=found["ETag"]):
            return None
        return _signature(found["Body"].read(1000))

    def start(self) -> None:
        """Renew the lease from now on, in a thread."""
        threading.Thread(target=self._renew, daemon=True, name="lease").start()

    def end(self) -> None:
        """Give the lease back."""
        self.ended.set()
        try:
            s3_client().delete_object(**self._place(), IfMatch=self.etag)
        except (ClientError, BotoCoreError):
            # Someone else has it, or the store is away; it ends by itself.
            return

    def _renew(self) -> None:
        renewed_at = time.monotonic()
        while not self.ended.wait(RENEWED_EVERY_S):
            try:
                kept = self._put(IfMatch=self.etag)
            except LeaseUnusable:
                kept = time.monotonic() - renewed_at < LOST_AFTER_S / 2
            else:
                renewed_at = time.monotonic()
            if not kept and not self.ended.is_set():
                print(f"spatiallake: Another command has taken over {self.uri}; this one ends.", file=sys.stderr)
                signal.pthread_kill(_main_thread(), _interrupt())
                return

    def _put(self, **condition: str) -> bool:
        holder = {
            "process": os.getpid(),
            "machine": platform.node(),
            "since": datetime.now(UTC).isoformat(" ", "seconds"),
        }
        try:
            done = s3_client().put_object(**self._place(), Body=json.dumps(holder).encode(), **condition)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _CONFLICTS or (code in ("NoSuchKey", "404") and "IfMatch" in condition):
                return False
            if code in _UNSUPPORTED:
                raise NoConditionalWrites(
                    f"The object store of {self.uri} does not know conditional writes, which keep two commands from"
                    " writing at once; use another store"
                ) from None
            raise self._unusable(error) from error
        except BotoCoreError as error:
            raise self._unusable(error) from error
        self.etag = done["ETag"]
        return True

    def _unusable(self, error: Exception) -> LeaseUnusable:
        return LeaseUnusable(
            f"The object {self.uri}, which keeps two commands from writing at once, cannot be written or read:"
            f" {error}; give yourself the right to, or name another place."
        )

    def _place(self) -> dict[str, Any]:
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        return {"Bucket": bucket, "Key": key}


def _interrupt() -> signal.Signals:
    # What runs in the background of a shell, or under nohup, ignores Ctrl-C.
    return signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT


def _main_thread() -> int:
    return threading.main_thread().ident or 0


def _date_of(answer: dict[str, Any]) -> datetime:
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)


def _signature(content: bytes) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['process']} on {holder['machine']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "its process is unknown"
