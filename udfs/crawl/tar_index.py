"""Reads the headers of a tar: names, places and kinds of its members, and its short texts."""

import posixpath
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from schemas.reasons import Reason
from udfs.crawl.names import IMAGE_SUFFIXES, TEXT_SUFFIXES, stem_and_suffix

# What reading a damaged tar raises.
FAULTS = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error)

_MAX_TEXT_BYTES = 16 * 2**20
_HELD_TEXT_BYTES = 256 * 2**20
_CHUNK_BYTES = 2**20
# One archive may follow another; zeros beyond this length are taken for the end of the file.
_MAX_PADDING_BYTES = 64 * 2**20
_MAX_LINKS = 40
_IMAGE_MAGIC = ((b"\xff\xd8\xff", 0), (b"\x89PNG", 0), (b"WEBP", 8), (b"GIF8", 0), (b"II*\0", 0), (b"MM\0*", 0))
_APPLE_DOUBLE = b"\0\5\x16\7"


@dataclass(slots=True)
class Member:
    """A file in a tar and the place of its bytes.

    `archive` counts the archives joined in one file, `number` the earlier members of the same name. `link` is the name
    that a link leads to; `fault` and `reason` say why a member has no bytes.
    """

    name: str
    archive: int = 0
    number: int = 0
    offset: int = 0
    size: int = 0
    is_image: bool = False
    text: bytes | None = None
    link: str = ""
    fault: str = ""
    reason: Reason = Reason.MISSING_FILE

    @property
    def is_text(self) -> bool:
        """Return whether the name is that of a caption or of metadata."""
        return stem_and_suffix(self.name)[1] in TEXT_SUFFIXES


@dataclass
class TarIndex:
    """The members of a tar in order; `broken` says why it could not be read to its end."""

    members: list[Member] = field(default_factory=list)
    broken: str = ""


def read_index(stream: BinaryIO, max_bytes: int | None = None) -> TarIndex:
    """Read the headers of all archives in a stream; no image is read, and up to 256 MiB of texts are held.

    `max_bytes` limits the length of what is read from a compressed file.
    """
    index, names, folders, held = TarIndex(), Counter[str](), set[tuple[int, str]](), 0
    try:
        for archive, item in _items(stream, max_bytes):
            if item.isdir():
                folders.add((archive, posixpath.normpath(item.name)))
                continue
            member = _member(stream, archive, item)
            if member is None:
                continue
            member.number = names[member.name]
            names[member.name] += 1
            if member.is_text and not member.link and held + member.size <= _HELD_TEXT_BYTES:
                member.text = text_of(stream, member)
                held += len(member.text)
            index.members.append(member)
    except FAULTS as error:
        index.broken = str(error) or type(error).__name__
    _resolve_links(index.members, folders)
    return index


def text_of(stream: BinaryIO, member: Member) -> bytes:
    """Return the text of a member, from the index or from the tar; it is cut at 16 MiB."""
    if member.text is not None:
        return member.text
    stream.seek(member.offset)
    return stream.read(min(member.size, _MAX_TEXT_BYTES))


def _items(stream: BinaryIO, max_bytes: int | None) -> Iterator[tuple[int, tarfile.TarInfo]]:
    start, archive = 0, 0
    while start is not None:
        stream.seek(start)
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            while (item := tar.next()) is not None:
                vars(tar)["members"].clear()  # or tarfile keeps every header
                if max_bytes and item.offset_data + item.size > max_bytes:
                    raise tarfile.ReadError(f"it expands beyond {max_bytes:,} bytes, more than images can")
                yield archive, item
            start = _next_archive(stream, tar.offset)
        archive += 1


def _next_archive(stream: BinaryIO, offset: int) -> int | None:
    """Return where another archive begins after the end of one at `offset`; None at the end of the file."""
    # tarfile treats a truncated or corrupt header as the end of the archive; the real end is a block of zeros.
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"it is truncated at byte {offset:,}")
    at = offset + tarfile.BLOCKSIZE
    while at < offset + _MAX_PADDING_BYTES:
        chunk = stream.read(_CHUNK_BYTES)
        if not chunk:
            return None
        zeros = len(chunk) - len(chunk.lstrip(b"\0"))
        if zeros < len(chunk):
            return (at + zeros) // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE
        at += len(chunk)
    return None


def _member(stream: BinaryIO, archive: int, item: tarfile.TarInfo) -> Member | None:
    member = Member(_plain(item.name), archive, offset=item.offset_data, size=item.size)
    if item.issym() or item.islnk():
        folder = posixpath.dirname(item.name) if item.issym() else ""
        member.link = posixpath.normpath(posixpath.join(folder, item.linkname))
    elif not item.isfile() or item.issparse():
        member.fault = f"{member.name} is no plain file of the tar; write it as one."
        member.reason = Reason.NOT_AN_IMAGE
    elif posixpath.basename(item.name).startswith("._") and _head(stream, item) == _APPLE_DOUBLE:
        return None  # macOS puts a file's attributes beside it
    elif not member.is_text:
        member.is_image = stem_and_suffix(item.name)[1] in IMAGE_SUFFIXES or _has_magic(stream, item)
    return member


def _head(stream: BinaryIO, item: tarfile.TarInfo, length: int = 4) -> bytes:
    stream.seek(item.offset_data)
    return stream.read(min(length, item.size))


def _has_magic(stream: BinaryIO, item: tarfile.TarInfo) -> bool:
    head = _head(stream, item, 12)
    return any(head[at : at + len(magic)] == magic for magic, at in _IMAGE_MAGIC)


def _resolve_links(members: list[Member], folders: set[tuple[int, str]]) -> None:
    files_last = sorted(members, key=lambda one: not one.link)
    by_name = {(one.archive, posixpath.normpath(one.name)): one for one in files_last}
    for archive, name in list(by_name):
        while name := posixpath.dirname(name):
            folders.add((archive, name))
    for link in members:
        target, link_to, hops = link, "", 0
        while target is not None and target.link and hops < _MAX_LINKS:
            link_to, hops = target.link, hops + 1
            target = by_name.get((link.archive, target.link))
        if not link.link:
            continue
        if target is not None and not target.link and not target.fault:
            link.offset, link.size, link.text = target.offset, target.size, target.text
            link.is_image = target.is_image and not link.is_text
        elif (link.archive, link_to) in folders:
            link.fault = f"{link.name} is a link to the folder {link_to} of the tar, whose files have their own names."
            link.reason = Reason.LINK_NOT_FOLLOWED
        else:
            link.fault = f"{link.name} is a link to {link_to}, which the tar lacks; write the file itself into the tar."


def _plain(name: str) -> str:
    # Member names are bytes; those that are not UTF-8 cannot be stored as text.
    return name.encode("utf-8", "replace").decode("utf-8")
