"""What a takedown names: images, addresses, domains and licenses, from options and opt-out lists."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.engine.errors import UsageError
from jobs.views.reader import LakeReader, quoted
from schemas.images import IMAGES
from udfs.crawl.licences import licence_id
from udfs.crawl.taken_down import DOMAIN, IMAGE, LICENCE, URL, domain_key, image_key, licence_key, url_key
from udfs.storage.files import MissingFile, TooLarge, read_bytes
from udfs.storage.locations import absolute

_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"[0-9a-f]{8,63}")
_HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}")
_MAX_LIST_BYTES = 2**30
_SHOWN_CHARS = 80


@dataclass(frozen=True)
class Asked:
    """What a command named, as sorted keys without repeats."""

    keys: tuple[str, ...]

    @classmethod
    def of(cls, keys: Iterable[str]) -> "Asked":
        """Return the keys in order.

        Raises:
            UsageError: there are none.
        """
        found = tuple(sorted(set(keys)))
        if not found:
            raise UsageError("Name what to take down: --image, --url, --domain, --licence or --list.")
        return cls(found)

    @property
    def takedown_id(self) -> str:
        """Return the id of a takedown of just this, 16 hex digits."""
        return hashlib.sha256("\n".join(self.keys).encode()).hexdigest()[:16]


def asked_for(
    lake: LakeReader,
    images: Sequence[str] = (),
    urls: Sequence[str] = (),
    domains: Sequence[str] = (),
    licences: Sequence[str] = (),
    lists: Sequence[str] = (),
) -> Asked:
    """Return what the options of a command name.

    Raises:
        UsageError: a value that cannot be one, a prefix that is no image of the lake, or a list that cannot be read.
    """
    keys = [_image(lake, one.strip().lower()) for one in images]
    keys += [_key(URL, one) for one in urls]
    keys += [_key(DOMAIN, one) for one in domains]
    keys += [_key(LICENCE, one) for one in licences]
    for path in lists:
        keys += listed_keys(path)
    return Asked.of(keys)


def listed_keys(path: str) -> list[str]:
    """Return the keys of an opt-out list: a text file with one entry per line, empty lines and `#` comments aside.

    An entry is an image id, an address with its scheme, or a domain; `image:`, `url:`, `domain:` and `licence:` before
    it say so.

    Raises:
        UsageError: the file cannot be read, or a line is none of these; the message has its number.
    """
    try:
        text = read_bytes(absolute(path), _MAX_LIST_BYTES).decode("utf-8-sig")
    except (MissingFile, TooLarge, UnicodeDecodeError) as error:
        raise UsageError(f"The list {path} cannot be read ({error}); name a text file in UTF-8.") from error
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            try:
                keys.append(_listed(entry))
            except UsageError as error:
                raise UsageError(f"Line {number} of {path}: {error}") from None
    return keys


def _listed(entry: str) -> str:
    kind, colon, value = entry.partition(":")
    if colon and kind.lower() in (IMAGE, URL, DOMAIN, LICENCE, "license") and not value.startswith("//"):
        return _key(kind.lower().replace("license", LICENCE), value.strip())
    if "://" in entry:
        return url_key(entry)
    return _key(IMAGE if _IMAGE_ID.fullmatch(entry.lower()) else DOMAIN, entry)


def _key(kind: str, value: str) -> str:
    value = value.strip()
    if kind == IMAGE and _IMAGE_ID.fullmatch(value.lower()):
        return image_key(value.lower())
    if kind == URL and value:
        return url_key(value if "://" in value else absolute(value))
    if kind == DOMAIN and _HOST.fullmatch(_plain_host(value)):
        return domain_key(_plain_host(value))
    if kind == LICENCE and licence_id(value):
        return licence_key(value)
    wanted = {
        IMAGE: "an image id has 64 hex digits",
        URL: "an address cannot be empty",
        DOMAIN: "a domain looks like example.com, without scheme and path",
        LICENCE: "a license looks like CC-BY-NC-4.0",
    }[kind]
    raise UsageError(f"{value[:_SHOWN_CHARS]!r} is no {kind}: {wanted}.")


def _plain_host(value: str) -> str:
    return value.lower().removeprefix("*.").rstrip(".")


def _image(lake: LakeReader, value: str) -> str:
    """Return the key of an image named by its id, or by a prefix that one image of the lake has."""
    if not _PREFIX.fullmatch(value):
        return _key(IMAGE, value)
    condition = f"starts_with(image_id, {quoted([value])})"
    found = lake.optional(IMAGES.name, f"SELECT image_id FROM t WHERE {condition} LIMIT 2")
    if len(found) != 1:
        problem = "begins no image id" if not found else "begins several image ids"
        raise UsageError(f"{value!r} {problem} of {lake.uri}; give all 64 digits.")
    return image_key(found[0]["image_id"])
