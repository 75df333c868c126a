"""The words of a question as its grammar compares them: lower case, one spelling, no punctuation."""

import re

from udfs.language.controls import without_controls

_WORD = re.compile(r"#?\w+(?:(?:[-&/]|(?<=\d)[.,](?=\d))\w+)*(?:['’]\w+)?|['’]s\b")
_CLITICS = {"s": "is", "re": "are", "m": "am", "d": "would"}
# After these, 's is a verb; after a name it marks what belongs to it.
_ASKING = frozenset(("what", "who", "where", "how", "which", "that", "it", "there", "i", "you", "we", "they"))
# As typed without an apostrophe.
_JOINED = frozenset(("whats", "wheres", "hows", "whos"))
_SPELLINGS = {
    "further": "farther",
    "furthest": "farthest",
    "grey": "gray",
    "centre": "center",
    "centres": "centers",
    "metre": "meter",
    "metres": "meters",
    "centimetre": "centimeter",
    "centimetres": "centimeters",
    "millimetre": "millimeter",
    "millimetres": "millimeters",
    "colour": "color",
    "neighbour": "neighbor",
    "neighbours": "neighbors",
    "neighbourhood": "neighborhood",
}
MISSPELLED = {
    "teh": "the",
    "hw": "how",
    "wich": "which",
    "whitch": "which",
    "hight": "height",
    "heigth": "height",
    "heigt": "height",
    "widht": "width",
    "witdh": "width",
    "betwen": "between",
    "beetween": "between",
    "bewteen": "between",
    "distence": "distance",
    "ditance": "distance",
    "distanse": "distance",
    "horizontaly": "horizontally",
    "verticaly": "vertically",
    "pls": "please",
    "plz": "please",
}


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text: "What's the lamp's height?" gives what, is, the, lamp, 's, height."""
    words: list[str] = []
    for found in _WORD.finditer(without_controls(text).casefold()):
        stem, mark, clitic = found[0].replace("’", "'").partition("'")
        if stem in _JOINED and not mark:
            words += [stem.removesuffix("s"), "is"]
        elif not mark:
            words.append(_SPELLINGS.get(stem, MISSPELLED.get(stem, stem)))
        elif clitic in _CLITICS and stem in _ASKING:
            words += [stem, _CLITICS[clitic]]
        elif clitic == "s":
            words += [_SPELLINGS.get(stem, stem), "'s"] if stem else ["'s"]
        else:
            words.append(f"{stem}'{clitic}")
    return tuple(words)
