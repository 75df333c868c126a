"""Which images of a lake a page of `view` shows: all, those with certain answers, or those that were left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from jobs.engine.errors import UsageError
from jobs.views.pages.wording import type_name
from jobs.views.reader import LakeReader, quoted

ANSWERED, ALL = "answered", "all"
_LEFT_OUT = "left-out:"
_SPLITS = ("train", "validation", "test")
# The same order at every request, and no crawl's own, whose neighbors look alike.
_ORDER = "md5(image_id)"


@dataclass(frozen=True)
class Wanted:
    """What a request asks for.

    `of` is "answered", "all", a question type's id, or "left-out:" and a reason. `words` have to stand in a question or
    its answer, and `split` is that of the answers; both are of images with answers. `number` is the page, from 1.
    """

    of: str = ANSWERED
    words: str = ""
    split: str = ""
    number: int = 1

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> "Wanted":
        """Return what the query of a URL asks for.

        Raises:
            UsageError: the page is no number, or the split none.
        """
        text = query.get("page", "") or "1"
        if not text.isdecimal() or not int(text[:9]) >= 1 or len(text) > 9:
            raise UsageError(f"page={text[:40]!r} is no page; ask for page=1 or a later one.")
        split = query.get("split", "")
        if split and split not in _SPLITS:
            raise UsageError(f"split={split[:40]!r} is no split; ask for one of {', '.join(_SPLITS)}.")
        return cls(query.get("of") or ANSWERED, query.get("words", "").strip()[:200], split, int(text))

    def url(self, number: int) -> str:
        """Return the URL of another page of the same images."""
        asked = {"of": self.of, "words": self.words, "split": self.split, "page": str(number)}
        return "/images?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class Browsed:
    """A page's images, what else there is, and what can be asked for; `choices` are (group, value, words, count).

    `alone` is the page of one image, which begins with it and not with a grid.
    """

    wanted: Wanted
    image_ids: Sequence[str]
    images: int
    first: int
    choices: Sequence[tuple[str, str, str, int]]
    alone: bool = False

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits to choose from."""
        return _SPLITS

    @property
    def last(self) -> int:
        """Return the number of the page's last image, from 1."""
        return self.first + len(self.image_ids) - 1

    @property
    def previous(self) -> str | None:
        """Return the URL of the page before, None on the first."""
        return self.wanted.url(self.wanted.number - 1) if self.wanted.number > 1 else None

    @property
    def next(self) -> str | None:
        """Return the URL of the page after, None on the last."""
        return self.wanted.url(self.wanted.number + 1) if self.last < self.images else None


def browsed(lake: LakeReader, wanted: Wanted, per_page: int) -> Browsed:
    """Return a page of the images that are asked for; a page after the last is the last.

    Raises:
        LakeUnreadable: the lake has no tables.
    """
    lake.tables()
    if not lake.has("qa_pairs") and wanted.of == ANSWERED:
        wanted = replace(wanted, of=ALL)
    table, condition = _rows_of(wanted)
    if not lake.has(table):
        return Browsed(wanted, [], 0, 0, _choices(lake))
    source = f"SELECT DISTINCT image_id FROM t{condition}"
    images = int(lake.query(table, f"SELECT count(*) AS n FROM ({source})")[0]["n"])
    number = min(wanted.number, max(1, -(-images // per_page)))
    start = (number - 1) * per_page
    rows = lake.query(table, f"SELECT image_id FROM ({source}) ORDER BY {_ORDER} LIMIT {per_page} OFFSET {start}")
    ids = [row["image_id"] for row in rows]
    return Browsed(replace(wanted, number=number), ids, images, start + 1 if ids else 0, _choices(lake))


def alone(lake: LakeReader, image_id: str) -> Browsed:
    """Return the page of one image."""
    return Browsed(Wanted(), [image_id], 1, 1, _choices(lake), alone=True)


def _rows_of(wanted: Wanted) -> tuple[str, str]:
    """Return the table in which the images are looked for, and the condition on its rows."""
    if wanted.of.startswith(_LEFT_OUT):
        reason = quoted([wanted.of.removeprefix(_LEFT_OUT)])
        return "quarantine", f" WHERE image_id IS NOT NULL AND reason = {reason}"
    conditions = [] if wanted.of in (ANSWERED, ALL) else [f"type_id = {quoted([wanted.of])}"]
    if wanted.words:
        text = f"lower({quoted([wanted.words])})"
        conditions.append(f"(strpos(lower(question), {text}) > 0 OR strpos(lower(answer), {text}) > 0)")
    if wanted.split:
        conditions.append(f"split = {quoted([wanted.split])}")
    if wanted.of == ALL and not conditions:
        return "images", ""
    return "qa_pairs", f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _choices(lake: LakeReader) -> list[tuple[str, str, str, int]]:
    found: list[tuple[str, str, str, int]] = []
    if lake.has("images"):
        found.append(("Images", ALL, "All images", _count(lake, "images", "SELECT count(*) AS n FROM t")))
    if lake.has("qa_pairs"):
        answered = _count(lake, "qa_pairs", "SELECT count(DISTINCT image_id) AS n FROM t")
        found.append(("Images", ANSWERED, "Images with answers", answered))
        rows = lake.query("qa_pairs", "SELECT type_id, count(*) AS n FROM t GROUP BY type_id ORDER BY type_id")
        found += [("With a question of type", row["type_id"], _named(row), row["n"]) for row in rows]
    if lake.has("quarantine"):
        counted = "SELECT reason, count(DISTINCT image_id) AS n FROM t WHERE image_id IS NOT NULL GROUP BY reason"
        rows = lake.query("quarantine", f"{counted} ORDER BY n DESC, reason")
        found += [("Left out, or in part", _LEFT_OUT + row["reason"], row["reason"], row["n"]) for row in rows]
    return found


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['type_id']} {type_name(row['type_id'])}"


def _count(lake: LakeReader, table: str, sql: str) -> int:
    return int(lake.query(table, sql)[0]["n"])
