"""Locations: local paths, `file:` and `dbfs:/` URIs and `s3://` prefixes, each in one form."""

import os
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from schemas.secrets import masked

# Where Databricks mounts `dbfs:/` for programs other than Spark.
DBFS_MOUNT = "/dbfs"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_S3_ALIASES = ("s3a://", "s3n://")


class UnservedLocation(ValueError):
    """A location whose scheme no client here serves; the message states the URI and the remedy."""


def home_folder() -> Path:
    """Return where this machine keeps what was downloaded: SPATIALLAKE_HOME, else the user's cache."""
    home = os.environ.get("SPATIALLAKE_HOME")
    return Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spatiallake"


def absolute(uri: str) -> str:
    """Return a path or URI in the one form that the lake stores: an absolute path, or `s3://bucket/key`.

    `dbfs:/x` becomes `/dbfs/x` where that mount exists. A URI of another scheme is returned as it is.
    """
    for alias in _S3_ALIASES:
        if uri.startswith(alias):
            return "s3://" + uri.removeprefix(alias).rstrip("/")
    if uri.startswith("file:"):
        return os.path.abspath(unquote(urlsplit(uri).path))
    if uri.startswith("dbfs:/") and os.path.isdir(DBFS_MOUNT):
        return os.path.normpath(f"{DBFS_MOUNT}/{uri.removeprefix('dbfs:/')}")
    return uri.rstrip("/") if _SCHEME.match(uri) else os.path.abspath(os.path.expanduser(uri))


def normalized(uri: str) -> str:
    """Return `absolute(uri)` of a lake, crawl or data set.

    Raises:
        UnservedLocation: a scheme other than `s3`, `file` and, on Databricks, `dbfs`; or credentials in the URI.
    """
    location = absolute(uri)
    if is_s3(location) and masked(location) != location:
        raise UnservedLocation(
            f"{masked(uri)} holds credentials, which would end in tables and logs; leave them out and set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    scheme = _SCHEME.match(location)
    if scheme is None or is_s3(location):
        return location
    if scheme[1] == "dbfs":
        raise UnservedLocation(
            f"{uri} needs the mount {DBFS_MOUNT}, which this machine lacks; run on Databricks, or use a local path or "
            "an s3:// prefix."
        )
    raise UnservedLocation(
        f"{masked(uri)} has the scheme {scheme[1]}://, which is not served; use a local path or an s3:// prefix "
        "(AWS_ENDPOINT_URL names a store other than AWS)."
    )


def spark_uri(uri: str) -> str:
    """Return a location as Spark names it: `s3a://` for `s3://`, `dbfs:/` for what lies below the mount `/dbfs`.

    Raises:
        UnservedLocation: as `normalized`.
    """
    location = normalized(uri)
    if is_s3(location):
        return "s3a://" + location.removeprefix("s3://")
    if Path(location).is_relative_to(DBFS_MOUNT) and os.path.isdir(DBFS_MOUNT):
        return "dbfs:" + (location.removeprefix(DBFS_MOUNT) or "/")
    return location


def parent(uri: str) -> str:
    """Return the folder or prefix that holds `uri`."""
    return uri.rpartition("/")[0]


def resolve(folder: str, uri: str) -> str:
    """Return `uri` made absolute against `folder`; a path from the root of a prefix starts at its bucket."""
    if _SCHEME.match(uri) or uri.startswith("file:"):
        return absolute(uri)
    if not is_s3(folder):
        return os.path.normpath(os.path.join(folder, uri))
    bucket, prefix = bucket_key(folder)
    key = uri if uri.startswith("/") else posixpath.join(prefix, uri)
    # Only where needed: `a//b` is a key of its own.
    if {".", ".."} & set(key.split("/")):
        key = posixpath.normpath(f"/{key}")
    return f"s3://{bucket}/{key.lstrip('/')}"


def is_s3(uri: str) -> bool:
    """Return whether `uri` names an object or a prefix of an object store."""
    return uri.startswith("s3://")


def has_scheme(uri: str) -> bool:
    """Return whether `uri` begins with a scheme, so that it is no local path."""
    return _SCHEME.match(uri) is not None


def bucket_key(uri: str) -> tuple[str, str]:
    """Return bucket and key of an `s3://` URI; names are taken as they are, without percent decoding."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
