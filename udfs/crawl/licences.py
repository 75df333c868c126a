"""Reads licenses as crawls write them: SPDX identifiers, names, and URLs of Creative Commons, in one form."""

import re
from collections.abc import Collection

from schemas.reasons import Outcome, Reason
from udfs.crawl.limits import IngestSettings
from udfs.stages.rows import RowRejected

_CC_URL = re.compile(
    r"creativecommons\.org/(?P<kind>licenses|publicdomain)/(?P<terms>[a-z+-]+)(?:/(?P<version>\d+(?:\.\d+)*))?"
)
_PUBLIC_DOMAIN = {"zero": "cc0", "mark": "cc-pdm", "publicdomain": "cc-pddc"}
_VERSIONED = re.compile(r"(?P<name>[a-z0-9-]*[a-z0-9])(?P<version>-\d+(?:\.\d+)*)(?:-[a-z]+)?$")
_SEVERAL = re.compile(r"[,;|]|\s(?:or|and)\s", re.IGNORECASE)
_ENDINGS = ("-license", "-licence", "-international", "-generic", "-unported")
_APART = re.compile(r"[\s_/]+|-{2,}")
_VERSION = re.compile(r"-v?(\d+(?:\.\d+)*)$")
_WORDS = (
    ("creative-commons", "cc"),
    ("attribution", "by"),
    ("noncommercial", "nc"),
    ("non-commercial", "nc"),
    ("noderivatives", "nd"),
    ("noderivs", "nd"),
    ("no-derivatives", "nd"),
    ("sharealike", "sa"),
    ("share-alike", "sa"),
)
_CC_NAME = re.compile(r"cc[- ]?(?=(?:by|0|zero)\b)")


def licence_id(text: str | None) -> str | None:
    """Return a license in the form of SPDX in lower case, such as `cc-by-nc-4.0`; None where none is named.

    `CC BY-NC 4.0`, `cc_by_nc_4.0`, `Creative Commons Attribution-NonCommercial 4.0` and
    `https://creativecommons.org/licenses/by-nc/4.0/deed.en` are the same license. Other names are only put in lower
    case, with a dash between words.
    """
    lowered = (text or "").strip().lower()
    if not lowered:
        return None
    url = _CC_URL.search(lowered)
    if url is not None:
        terms = url["terms"].strip("-")
        name = _PUBLIC_DOMAIN.get(terms, f"cc-{terms}") if url["kind"] == "publicdomain" else f"cc-{terms}"
        return f"{name}-{url['version']}" if url["version"] else name
    name = _APART.sub("-", lowered).strip("-")
    for word, short in _WORDS:
        name = name.replace(word, short)
    if name.startswith("by-"):
        name = f"cc-{name}"
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    name = _CC_NAME.sub("cc-", name)
    name = re.sub(r"^cc-(?:0|zero)\b", "cc0", name)
    return _VERSION.sub(r"-\1", name)


def licence_names(text: str | None) -> tuple[str, ...]:
    """Return the names that a license answers to: `cc-by-3.0-de` also to `cc-by-3.0` and `cc-by`."""
    name = licence_id(text)
    if name is None:
        return ()
    versioned = _VERSIONED.match(name)
    shorter = (versioned["name"] + versioned["version"], versioned["name"]) if versioned else ()
    return tuple(dict.fromkeys((name, *shorter)))


def is_among(text: str | None, names: Collection[str]) -> bool:
    """Return whether a license is one of `names`, which are written as `licence_id` reads them.

    A name without a version stands for all versions: `CC-BY` for `CC-BY-4.0`, but not for `CC-BY-NC-4.0`.
    """
    return not set(licence_names(text)).isdisjoint({licence_id(name) for name in names})


def require_licence(text: str | None, limits: IngestSettings) -> None:
    """Check a license against the lists of the settings; of several in one text, each must pass.

    Raises:
        RowRejected: it is denied, not allowed, or unknown where only some are allowed.
    """
    named = _SEVERAL.split(text or "")
    if any(is_among(one, limits.licences_denied) for one in named):
        raise _refused(Reason.LICENCE_DENIED, f"The license {text!r} is in ingest.licences_denied")
    if not limits.licences_allowed or all(is_among(one, limits.licences_allowed) for one in named):
        return
    if licence_id(text) is None:
        raise _refused(Reason.LICENCE_UNKNOWN, "The crawl names no license, and ingest.licences_allowed asks for one")
    raise _refused(Reason.LICENCE_NOT_ALLOWED, f"The license {text!r} is not in ingest.licences_allowed")


def _refused(reason: Reason, why: str) -> RowRejected:
    remedy = (
        "so the image is not read; change the list if you may use it, then run `spatiallake backfill --stage ingest`."
    )
    return RowRejected(Outcome.REFUSED, reason, f"{why}, {remedy}")
