"""Local paths and `s3://` as pyarrow and delta-rs reach them; keys and endpoint come from the `AWS_*` variables."""

import os

from pyarrow import fs


def filesystem_of(uri: str) -> fs.FileSystem:
    """Return the file system that holds `uri`."""
    if not uri.startswith("s3://"):
        return fs.LocalFileSystem()
    endpoint = _endpoint()
    if endpoint is None:
        return fs.S3FileSystem(region=_region())
    # Stores other than AWS seldom answer on bucket.host names.
    return fs.S3FileSystem(endpoint_override=endpoint, region=_region(), force_virtual_addressing=False)


def path_of(uri: str) -> str:
    """Return a location as its file system names it."""
    return uri.removeprefix("s3://").removeprefix("file://")


def delta_options() -> dict[str, str]:
    """Return the storage options that delta-rs needs beyond what it reads from the environment."""
    return {"allow_http": "true"} if (_endpoint() or "").startswith("http://") else {}


def normal(uri: str) -> str:
    """Return a location without its trailing slash, `s3a://` as `s3://`, a local one absolute."""
    if uri.startswith("s3a://"):
        uri = uri.replace("s3a://", "s3://", 1)
    return uri.rstrip("/") if "://" in uri else os.path.abspath(os.path.expanduser(uri))


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _region() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
