"""Noun phrases for things, and one sentence for a picture."""

from collections.abc import Sequence

from scenes.things import Thing

_PATTERN = {"stripes": "striped", "dots": "dotted", "checker": "checkered", "wood": "wooden", "weave": "woven"}
_SAME_WORD = {"orange"}
_SIZE_LOG = 0.22


def captions(thing: Thing) -> list[str]:
    """Return up to three noun phrases without article, best first: colour, size and colour, pattern and colour."""
    new, label = thing.design, thing.label
    named = label if label in _SAME_WORD else f"{new.colour} {label}"
    phrases = [named]
    if new.relative_size > _SIZE_LOG:
        phrases.append(f"large {named}")
    elif new.relative_size < -_SIZE_LOG:
        phrases.append(f"small {named}")
    if new.texture in _PATTERN and label != "rug":
        phrases.append(f"{_PATTERN[new.texture]} {named}")
    return phrases[:3]


def with_article(phrase: str) -> str:
    """Return a noun phrase with a or an."""
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def sentence(room_kind: str, things: Sequence[Thing]) -> str:
    """Return what a picture shows, from the things in it, largest first, if there are any."""
    place = "a tabletop" if room_kind == "tabletop" else with_article(room_kind)
    if not things:
        return f"{place[0].upper()}{place[1:]}"
    named = list(dict.fromkeys(captions(thing)[0] for thing in things))[:4]
    listed = [with_article(phrase) for phrase in named]
    text = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
    return f"{place[0].upper()}{place[1:]} with {text}"
