"""Which files of a shard or folder belong together, by their names.

A `.json` or `.txt` file belongs to the image of the same name without extension (`room.22.05.png`, `room.22.05.json`),
to the one whose whole name it carries (`a.jpg.json`), else to the images of its WebDataset sample: those whose name
goes on after a dot (`000.json` belongs to `000.left.jpg` and `000.right.jpg`). The nearest name wins.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

TEXT_SUFFIXES = ("txt", "json")
_READ_SUFFIXES = frozenset(("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp"))
_OTHER_SUFFIXES = frozenset(("gif", "bmp", "dib", "tif", "tiff", "avif", "heic", "heif", "jp2", "j2k", "jxl"))
IMAGE_SUFFIXES = _READ_SUFFIXES | _OTHER_SUFFIXES
# Middle extensions by which WebDataset writers name a map of the sample's image, such as `000.seg.png`.
_MAP_WORD = re.compile(
    r"alpha|depth(map)?|disparity|edges?|flow|instances?|labels?|masks?|matte|normals?|panoptic"
    r"|seg(m|mentation)?(mask|map)?|semantic(seg)?|trimap"
)
T = TypeVar("T")


def stem_and_suffix(name: str) -> tuple[str, str]:
    """Return a path without its last extension, and that extension in lower case; `./a.JPG` gives ("a", "jpg")."""
    path = posixpath.normpath(name)
    folder, slash, base = path.rpartition("/")
    stem, _, suffix = base.rpartition(".")
    return (f"{folder}{slash}{stem}", suffix.lower()) if stem.strip(".") else (path, "")


def sample_key(name: str) -> str:
    """Return the WebDataset key of a path: up to the first dot of its base name."""
    folder, slash, base = posixpath.normpath(name).rpartition("/")
    first = base.find(".", len(base) - len(base.lstrip(".")))
    return f"{folder}{slash}{base[:first] if first >= 0 else base}"


def owners(name: str) -> list[str]:
    """Return the names, without extension, of the texts that can belong to an image, nearest first."""
    stem, _ = stem_and_suffix(name)
    key = sample_key(name)
    names = [posixpath.normpath(name), stem]
    while len(names[-1]) > len(key):
        names.append(names[-1].rpartition(".")[0])
    return list(dict.fromkeys(names))


def is_map_name(name: str) -> bool:
    """Return whether a name says that the image is a map of another one, such as `000.seg.png`."""
    stem, _ = stem_and_suffix(name)
    words = stem.removeprefix(sample_key(name)).lower().replace("_", "").split(".")
    return any(_MAP_WORD.fullmatch(word) for word in words)


def with_texts(named: Iterable[tuple[str, T]]) -> list[tuple[T, dict[str, T]]]:
    """Return every file that is no text of another one, in the given order, with its texts by suffix.

    Under `json.1`, `json.2` and so on are the further `.json` files of its sample, such as `000.meta.json`.
    """
    files = list(named)
    texts: dict[tuple[str, str], int] = {}
    for number, (name, _) in enumerate(files):
        stem, suffix = stem_and_suffix(name)
        if suffix in TEXT_SUFFIXES:
            texts.setdefault((stem, suffix), number)
    if not texts:
        return [(file, {}) for _, file in files]
    found: dict[int, dict[str, int]] = {}
    for number, (name, _) in enumerate(files):
        if stem_and_suffix(name)[1] not in TEXT_SUFFIXES:
            found[number] = nearest(texts, name)
    used = {text for own in found.values() for text in own.values()}
    further: dict[str, list[int]] = defaultdict(list)
    for (stem, suffix), number in texts.items():
        if suffix == "json" and number not in used:
            further[sample_key(stem)].append(number)
    for number, own in found.items():
        own |= {f"json.{n}": text for n, text in enumerate(further.get(sample_key(files[number][0]), ()), 1)}
        used.update(own.values())
    return [
        (file, {suffix: files[text][1] for suffix, text in found.get(number, {}).items()})
        for number, (_, file) in enumerate(files)
        if number not in used
    ]


def nearest(texts: Mapping[tuple[str, str], T], name: str) -> dict[str, T]:
    """Return, by suffix, the nearest of the texts that can belong to an image; `texts` is keyed by stem and suffix."""
    names = owners(name)
    found = {suffix: next((one for one in names if (one, suffix) in texts), None) for suffix in TEXT_SUFFIXES}
    return {suffix: texts[one, suffix] for suffix, one in found.items() if one is not None}
