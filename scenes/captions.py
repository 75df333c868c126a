"""Writes noun phrases for objects and a one-sentence caption for an image."""

from collections.abc import Sequence

from scenes.placed_objects import PlacedObject

_PATTERN = {"stripes": "striped", "dots": "dotted", "checker": "checkered", "wood": "wooden", "weave": "woven"}
_SAME_WORD = {"orange"}
_SIZE_LOG = 0.22


def captions(item: PlacedObject) -> list[str]:
    """Return up to three noun phrases without article: by color, by size and color, by pattern and color."""
    new, label = item.design, item.label
    named = label if label in _SAME_WORD else f"{new.color} {label}"
    phrases = [named]
    if new.relative_size > _SIZE_LOG:
        phrases.append(f"large {named}")
    elif new.relative_size < -_SIZE_LOG:
        phrases.append(f"small {named}")
    if new.texture in _PATTERN and label != "rug":
        phrases.append(f"{_PATTERN[new.texture]} {named}")
    return phrases[:3]


def with_article(phrase: str) -> str:
    """Prefix a noun phrase with "a" or "an"."""
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def sentence(room_kind: str, objects: Sequence[PlacedObject]) -> str:
    """Return a one-sentence caption that names up to four objects; `objects` are sorted by area."""
    place = "a tabletop" if room_kind == "tabletop" else with_article(room_kind)
    if not objects:
        return f"{place[0].upper()}{place[1:]}"
    named = list(dict.fromkeys(captions(item)[0] for item in objects))[:4]
    listed = [with_article(phrase) for phrase in named]
    text = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
    return f"{place[0].upper()}{place[1:]} with {text}"
