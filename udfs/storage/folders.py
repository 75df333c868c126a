"""Lists local folders: links to folders are followed once, and whatever is not read is listed with its reason."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

# Versions of what is listed only to be reported.
ABSENT = "absent"
NOT_FOLLOWED = "not followed"


@dataclass(frozen=True)
class FileStatus:
    """A file as listed: `version` changes when its content does (modification time, or ETag).

    `fault` says why what stands at `uri` cannot be read; `version` then is `ABSENT`, or `NOT_FOLLOWED` for a link.
    """

    uri: str
    size: int
    version: str
    fault: str = ""


def local_files(folder: str) -> Iterator[FileStatus]:
    """Yield every file below a folder, in no particular order; names that start with a dot are left out.

    A link to a folder is followed, after all real folders and under the link's own name, unless that folder contains
    the link or was already read: then the link itself is listed, with a fault. So is a folder that cannot be listed.
    """
    yield from _Walk(folder).files()


def local_status(path: str) -> FileStatus:
    """Return the status of a local file; a link to nothing is listed, so that it is quarantined and not forgotten."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = shown_path(path)
        fault = f"{shown} has a name that is not UTF-8, which no table can store; rename the file."
        return FileStatus(shown, 0, ABSENT, fault)
    try:
        status = os.stat(path)
    except OSError:
        return FileStatus(path, 0, ABSENT)
    return FileStatus(path, status.st_size, str(status.st_mtime_ns))


def shown_path(path: str) -> str:
    """Return a path as text that can be stored; bytes that are not UTF-8 appear in hexadecimal."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class _Walk:
    def __init__(self, root: str) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._read_as: dict[tuple[int, int], str] = {}
        self._links: list[str] = []

    def files(self) -> Iterator[FileStatus]:
        if not os.path.isdir(self._root):
            return
        yield from self._below(self._root)
        while self._links:
            link = min(self._links)
            self._links.remove(link)
            yield from self._linked(link)

    def _below(self, top: str) -> Iterator[FileStatus]:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                known = self._known(folder)
                if known:
                    yield _not_followed(folder, f"leads back to the folder {known}, which is read under that name")
                    continue
                with os.scandir(folder) as found:
                    items = [item for item in found if not item.name.startswith(".")]
            except OSError as error:
                shown = shown_path(folder)
                fault = f"The folder {shown} cannot be listed ({error.strerror}); allow reading it."
                yield FileStatus(shown, 0, ABSENT, fault)
                continue
            for item in items:
                if not _is_folder(item):
                    yield local_status(item.path)
                elif item.is_symlink():
                    self._links.append(item.path)
                else:
                    waiting.append(item.path)

    def _linked(self, link: str) -> Iterator[FileStatus]:
        target = os.path.realpath(link)
        # A folder above the crawl would bring the crawl in again, and everything beside it.
        if any(_is_within(path, target) for path in (self._real_root, os.path.realpath(os.path.dirname(link)))):
            yield _not_followed(link, f"is a link to the folder {shown_path(target)}, which contains the link")
        else:
            yield from self._below(link)

    def _known(self, folder: str) -> str:
        """Return the name under which a folder was already read; otherwise remember it and return an empty text."""
        status = os.stat(folder)
        identity = (status.st_dev, status.st_ino)
        if identity in self._read_as:
            return shown_path(self._read_as[identity])
        self._read_as[identity] = folder
        return ""


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself
        return False


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _not_followed(path: str, why: str) -> FileStatus:
    shown = shown_path(path)
    return FileStatus(shown, 0, NOT_FOLLOWED, f"{shown} {why}, so nothing is read through it; remove the link.")
