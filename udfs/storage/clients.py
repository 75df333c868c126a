"""The clients of an object store, all set up by one rule: boto3, pyarrow, delta-rs and Spark's S3A.

The rule reads the usual `AWS_*` variables. AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL, names a store other than AWS: it
is addressed by path, over plain HTTP where its URL says so, in the region AWS_REGION, else AWS_DEFAULT_REGION, else
us-east-1. Without an endpoint the store is AWS, and the region is left to each client where no variable names it.
"""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from udfs.storage.locations import is_s3

if TYPE_CHECKING:
    from pyarrow import fs

_DEFAULT_REGION = "us-east-1"
_ENVIRONMENT_KEYS = "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider"


@dataclass(frozen=True)
class Endpoint:
    """Where the object store answers; `url` None stands for AWS."""

    url: str | None
    region: str | None

    @property
    def path_style(self) -> bool:
        """Return whether buckets are named in the path: stores other than AWS seldom answer on bucket.host names."""
        return self.url is not None

    @property
    def plain_http(self) -> bool:
        """Return whether the connection is not encrypted."""
        return (self.url or "").startswith("http://")


def endpoint() -> Endpoint:
    """Return the endpoint that the environment names now."""
    url = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not url:
        return Endpoint(None, region)
    return Endpoint((url if "://" in url else f"https://{url}").rstrip("/"), region or _DEFAULT_REGION)


@cache
def s3_client() -> Any:
    """Return this process's boto3 client; credentials are boto3's own."""
    import boto3
    from botocore.config import Config

    store = endpoint()
    style: Any = {"addressing_style": "path" if store.path_style else "auto"}
    retries: Any = {"mode": "standard", "max_attempts": 5}
    config = Config(retries=retries, max_pool_connections=32, s3=style)
    return boto3.client("s3", endpoint_url=store.url, region_name=store.region, config=config)


def filesystem_of(uri: str) -> "fs.FileSystem":
    """Return pyarrow's file system that holds `uri`."""
    # Commands that read a settings file only do without.
    from pyarrow import fs

    if not is_s3(uri):
        return fs.LocalFileSystem()
    store = endpoint()
    if store.url is None:
        return fs.S3FileSystem(region=store.region)
    return fs.S3FileSystem(
        endpoint_override=store.url, region=store.region, force_virtual_addressing=not store.path_style
    )


def path_of(uri: str) -> str:
    """Return a location as its pyarrow file system names it."""
    return uri.removeprefix("s3://").removeprefix("file://")


def delta_options() -> dict[str, str]:
    """Return the storage options of delta-rs beyond the credentials, which it reads from the environment."""
    store = endpoint()
    options = {"AWS_REGION": store.region} if store.region else {}
    if store.url is not None:
        options |= {
            "AWS_ENDPOINT_URL": store.url,
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": str(not store.path_style).lower(),
            "AWS_ALLOW_HTTP": str(store.plain_http).lower(),
        }
    return options


def spark_options() -> dict[str, str]:
    """Return the options of a Spark session that reaches `s3a://` (and `s3://`) by Hadoop's connector."""
    store = endpoint()
    options = {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}
    if store.region:
        options["spark.hadoop.fs.s3a.endpoint.region"] = store.region
    if store.url is not None:
        options |= {
            "spark.hadoop.fs.s3a.endpoint": store.url,
            "spark.hadoop.fs.s3a.path.style.access": str(store.path_style).lower(),
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(not store.plain_http).lower(),
        }
    if "AWS_ACCESS_KEY_ID" in os.environ:
        options["spark.hadoop.fs.s3a.aws.credentials.provider"] = _ENVIRONMENT_KEYS
    return options
