"""What every writer needs of an item: its prompt, its answer in words, and its pictures as encoded bytes."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from vlm.evaluation.items import Item, Rejected

_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}


@dataclass(frozen=True)
class Encoded:
    """An encoded picture, the suffix of its format, and a name made of its bytes."""

    data: bytes
    suffix: str

    @property
    def name(self) -> str:
        """Return a file name that equal pictures share."""
        return f"{hashlib.sha256(self.data).hexdigest()[:16]}.{self.suffix}"


def prompt_of(item: Item) -> str:
    """Return the question with its options a line each, unless it spells them out itself."""
    if not item.options or all(option in item.question for option in item.options):
        return item.question
    lines = [f"{chr(ord('A') + place)}. {option}" for place, option in enumerate(item.options)]
    return "\n".join([item.question, *lines])


def prepared(items: Iterable[Item], rejected: list[Rejected]) -> Iterator[tuple[Item, list[Encoded]]]:
    """Yield items with their pictures; one whose picture cannot be read is left out and put on `rejected`."""
    for item in items:
        try:
            yield item, [_encoded(picture.read()) for picture in item.pictures]
        except (OSError, ValueError, UnidentifiedImageError) as error:
            rejected.append(Rejected(item.number, f"Item {item.item_id} has a picture that cannot be read: {error}."))


def _encoded(data: bytes) -> Encoded:
    with Image.open(io.BytesIO(data)) as opened:
        kind = opened.format or ""
    if kind not in _SUFFIXES:
        raise ValueError(f"it is {kind or 'of no known format'}, not {', '.join(_SUFFIXES)}")
    return Encoded(data, _SUFFIXES[kind])
