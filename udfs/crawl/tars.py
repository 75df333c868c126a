"""Lists the samples of WebDataset tars: each image with the texts of its key, wherever in the tar they stand."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO

from schemas.reasons import Reason
from udfs.crawl.metadata import metadata_of, robots_of
from udfs.crawl.names import is_map_name, nearest, sample_key, stem_and_suffix
from udfs.crawl.tar_index import FAULTS, Member, read_index, text_of
from udfs.storage.compressed import is_gzip, open_unzipped
from udfs.storage.files import MissingFile

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")

_MAX_CAPTION_CHARS = 2**20
# Images hardly shrink, texts do twentyfold; what expands further than this was made to.
_MAX_EXPANSION = 200
_SMALL_BYTES = 256 * 2**20


@dataclass
class Sample:
    """An image of a tar, with the content of the entry's `row_json`; `broken` and `reason` say why it is not read.

    Without `member` it stands for the tar itself.
    """

    member: str | None = None
    row: dict[str, Any] = field(default_factory=dict)
    broken: str = ""
    reason: Reason = Reason.UNREADABLE_IMAGE


def samples(uri: str, size_bytes: int) -> Iterator[Sample]:
    """Yield the images of a tar in order, then whatever else it lists that is no image of its own.

    `size_bytes` is the length of the file. A tar that is truncated or holds no image ends with a sample for itself.
    """
    try:
        limit = _SMALL_BYTES + _MAX_EXPANSION * size_bytes if is_gzip(uri) else None
        with open_unzipped(uri) as stream:
            index = read_index(stream, limit)
            found = False
            for _, members in groupby(index.members, key=lambda member: member.archive):
                for sample in _Archive(stream, list(members), index.broken).samples():
                    found = True
                    yield sample
    except (*FAULTS, MissingFile) as error:
        yield Sample(broken=_unreadable(uri, str(error)))
        return
    if index.broken:
        yield Sample(broken=_unreadable(uri, index.broken))
    elif not found:
        names = ", ".join(member.name for member in index.members[:3]) or "none"
        yield Sample(broken=f"Tar {uri} holds no image (its files: {names}); remove it from the crawl.")


def _unreadable(uri: str, why: str) -> str:
    return f"Tar {uri} cannot be read to the end ({why}); download it again."


class _Archive:
    """The members of one archive, with the texts by the names of the images that they belong to."""

    def __init__(self, stream: BinaryIO, members: Sequence[Member], broken: str) -> None:
        self._stream = stream
        self._broken = broken
        self._texts: dict[tuple[str, str], list[Member]] = defaultdict(list)
        others = [member for member in members if not member.is_text]
        for member in members:
            if member.is_text:
                self._texts[stem_and_suffix(member.name)].append(member)
        self._images: dict[str, list[Member]] = defaultdict(list)
        for member in others:
            if member.is_image:
                self._images[sample_key(member.name)].append(member)
        # Beside an image, other members are further parts of its sample; alone, their content decides.
        self._listed = [m for m in others if m.is_image or m.fault or sample_key(m.name) not in self._images]
        self._times = Counter(member.name for member in self._listed)
        self._own = {id(m): nearest(self._texts, m.name) for m in self._listed if not m.fault}
        used = {id(text) for own in self._own.values() for texts in own.values() for text in texts}
        unused = [m for texts in self._texts.values() for m in texts if id(m) not in used]
        self._further: dict[str, list[Member]] = defaultdict(list)
        for member in unused:
            if member.name.lower().endswith(".json"):
                self._further[sample_key(member.name)].append(member)
        self._orphans = [m for m in unused if sample_key(m.name) not in self._images]

    def samples(self) -> Iterator[Sample]:
        """Yield the images, and then the texts of no image."""
        stray = [self._robots(m) for m in self._orphans if m.name.lower().endswith(".json")]
        times: Counter[str] = Counter()
        for member in self._listed:
            yield self._sample(member, times[member.name], [text for text in stray if text])
            times[member.name] += 1
        for member in self._orphans:
            error = f"{member.name} is the text of an image that the tar lacks; add the image or remove the text."
            yield Sample(_uri_part(member), broken=error, reason=Reason.NOT_AN_IMAGE)

    def _sample(self, member: Member, time: int, stray: list[str]) -> Sample:
        name = _uri_part(member)
        if member.fault:
            return Sample(name, broken=member.fault, reason=member.reason)
        main = next((one for one in self._images[sample_key(member.name)] if not is_map_name(one.name)), None)
        if main and member.is_image and is_map_name(member.name):
            error = f"{member.name} is a map of {main.name} by its name, which is read as the image; rename it if not."
            return Sample(name, broken=error, reason=Reason.NOT_AN_IMAGE)
        own = self._own[id(member)]
        row: dict[str, Any] = {"tar_offset": member.offset, "tar_size": member.size}
        if "txt" in own:
            row["caption"] = self._text(self._at(own["txt"], member, time))[:_MAX_CAPTION_CHARS]
        if "json" in own:
            row["metadata"] = metadata_of(self._text(self._at(own["json"], member, time)))
        elif self._broken:
            error = (
                f"{member.name} has no metadata in the part of the tar that can be read, and the rest may hold its "
                f"opt-out ({self._broken}); download the tar again."
            )
            return Sample(name, broken=error)
        robots = self._robots_beside(member, own.get("json", []))
        robots += stray if "json" not in own else []
        if robots:
            row["robots"] = ", ".join(dict.fromkeys(robots))
        return Sample(name, row)

    def _at(self, texts: list[Member], member: Member, time: int) -> Member:
        # Where names repeat as often as their texts do, the first goes with the first; otherwise the last text counts.
        return texts[time] if len(texts) == self._times[member.name] else texts[-1]

    def _robots_beside(self, member: Member, own: list[Member]) -> list[str]:
        several = own if len(own) not in (1, self._times[member.name]) else []
        found = [self._robots(one) for one in (*several, *self._further.get(sample_key(member.name), ()))]
        return [text for text in found if text]

    def _robots(self, member: Member) -> str | None:
        return robots_of(metadata_of(self._text(member)))

    def _text(self, member: Member) -> str:
        # A link that leads nowhere is no JSON, so that the image is not read without its metadata.
        return member.fault or text_of(self._stream, member).decode("utf-8", "replace").strip()


def _uri_part(member: Member) -> str:
    return f"{member.name}#{member.number + 1}" if member.number else member.name
