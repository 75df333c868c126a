"""The keys by which an image is recognized as taken down: its content, its addresses, their domains, its license."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from schemas.reasons import Outcome, Reason
from udfs.crawl.licences import licence_id, licence_names
from udfs.stages.rows import Row, RowRejected

IMAGE, URL, DOMAIN, LICENCE = "image", "url", "domain", "licence"
# Of crawl entries that were removed, for the record: an image is refused by the others.
ENTRY = "entry"
_DEFAULT_PORTS = {"http": 80, "https": 443}
REFUSED = "The image was taken down, so it is not read."
# What is left in `crawl` of an entry that was taken down; its id keeps a later listing from adding it again.
REDACTED_ROW = json.dumps({"unlisted": REFUSED, "reason": str(Reason.TAKEN_DOWN)})


@dataclass(frozen=True)
class RefusedKeys:
    """The keys that were taken down, as the sorted first halves of their SHA-256 in hex."""

    digests: np.ndarray = field(default_factory=lambda: np.zeros(0, "S32"))

    @classmethod
    def of(cls, keys: Iterable[str]) -> "RefusedKeys":
        """Return the set of these keys."""
        return cls(np.unique(np.array([_digest(key) for key in keys], "S32")))

    def __bool__(self) -> bool:
        return len(self.digests) > 0

    def has_any(self, keys: Collection[str]) -> bool:
        """Return whether one of the keys was taken down."""
        if not self or not keys:
            return False
        asked = np.array([_digest(key) for key in keys], "S32")
        places = np.minimum(np.searchsorted(self.digests, asked), len(self.digests) - 1)
        return bool((self.digests[places] == asked).any())


def image_key(image_id: str) -> str:
    """Return the key of an image by the SHA-256 of its bytes."""
    return f"{IMAGE}:{image_id}"


def url_key(url: str) -> str:
    """Return the key of an address: a hash, so that the address itself is not kept.

    `http` and `https` are the same, and so are upper and lower case in the host; a fragment does not count.
    """
    return f"{URL}:{hashlib.sha256(_plain_address(url).encode()).hexdigest()}"


def domain_key(domain: str) -> str:
    """Return the key of a domain, which stands for its subdomains too."""
    return f"{DOMAIN}:{domain.lower().rstrip('.')}"


def licence_key(name: str) -> str:
    """Return the key of a license; a name without a version stands for all versions."""
    return f"{LICENCE}:{licence_id(name)}"


def keys_of(
    image_id: str | None = None,
    uri: str | None = None,
    image_url: str | None = None,
    page_url: str | None = None,
    licence: str | None = None,
) -> list[str]:
    """Return all keys of an image: its content, its own addresses, the domains of these and of its page, its license.

    The address of the page alone is none, since a page shows the images of others too.
    """
    keys = [image_key(image_id)] if image_id else []
    keys += [url_key(url) for url in (uri, image_url) if url]
    hosts = {_host(url) for url in (uri, image_url, page_url) if url}
    keys += [domain_key(name) for host in sorted(hosts) for name in _with_parents(host)]
    return keys + [f"{LICENCE}:{name}" for name in licence_names(licence)]


def keys_of_entry(entry: Row) -> list[str]:
    """Return the keys of a row of `crawl`, as far as it tells them without reading any file."""
    try:
        row = json.loads(entry["row_json"] or "{}")
    except (ValueError, RecursionError):
        row = {}
    row = row if isinstance(row, dict) else {}
    metadata = row.get("metadata")
    said = {**(metadata if isinstance(metadata, dict) else {}), **row}
    location = f"{entry['uri']}#{entry['member']}" if entry["member"] else entry["uri"]
    return keys_of(
        uri=location,
        image_url=_first_text(said, "image_url", "url"),
        page_url=_first_text(said, "page_url"),
        licence=_first_text(said, "licence", "license"),
    )


def redacted(entry: Row) -> Row:
    """Return a row of `crawl` without anything that tells of its image."""
    crawl_uri = "" if entry["crawl_uri"] == entry["uri"] else entry["crawl_uri"]
    return {**entry, "crawl_uri": crawl_uri, "uri": None, "member": None, "row_json": REDACTED_ROW}


def require_not_taken_down(keys: Collection[str], refused: RefusedKeys) -> None:
    """Refuse an image of which a key was taken down.

    Raises:
        RowRejected: it was.
    """
    if refused.has_any(keys):
        raise RowRejected(Outcome.REFUSED, Reason.TAKEN_DOWN, REFUSED)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _plain_address(url: str) -> str:
    parts = _split(url)
    if parts is None:
        return url
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"//{_host(url)}{port}{parts.path or '/'}{query}"


def _split(url: str) -> Any:
    """Return the parts of a web address; None for any other location."""
    try:
        parts = urlsplit(url.strip())
        known = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return None
    return parts if known else None


def _host(url: str) -> str:
    parts = _split(url)
    return parts.hostname.rstrip(".") if parts is not None else ""


def _with_parents(host: str) -> list[str]:
    """Return a host name and the domains that hold it, without the last part alone."""
    parts = host.split(".") if host else []
    return [".".join(parts[start:]) for start in range(max(len(parts) - 1, 0))]


def _first_text(row: Row, *names: str) -> str | None:
    return next((value for name in names if isinstance(value := row.get(name), str) and value.strip()), None)
