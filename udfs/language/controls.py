"""Removes characters that nobody sees: control codes, marks of direction, characters of no width, escape sequences."""

import re
import unicodedata

import ftfy

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_C1 = re.compile("[\x80-\x9f]")
_LINE_ENDS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n"})
_KEPT = frozenset("\t\n\r")
# Arabic and Syriac signs that embrace numbers are formatting by category, and are seen.
_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")


def without_controls(text: str) -> str:
    """Return a text without unseen characters; a control code between two words becomes a space.

    Codes of 0x80 to 0x9F are what Windows means by them, such as curly quotes.
    """
    if text.isascii() and text.isprintable():
        return text
    if _C1.search(text):
        # UTF-8 that was read as Latin-1 holds such codes, and is mended first.
        text = _C1.sub(_of_windows, ftfy.fix_encoding(text))
    text = _ESCAPES.sub("", text.translate(_LINE_ENDS))
    kept: list[str] = []
    for place, character in enumerate(text):
        if not _is_unseen(character):
            kept.append(character)
        elif unicodedata.category(character) == "Cc" and _is_between_words(kept, text[place + 1 : place + 2]):
            kept.append(" ")
    return "".join(kept)


def _of_windows(found: re.Match[str]) -> str:
    return found[0].encode("latin-1").decode("cp1252", "ignore")


def _is_unseen(character: str) -> bool:
    if character in _KEPT or character in _SEEN:
        return False
    code = ord(character)
    if unicodedata.category(character) in ("Cc", "Cf", "Cs"):
        return True
    # Variation selectors that no font has, fillers, joiners, and codes that are no characters.
    return 0xE0100 <= code <= 0xE01EF or code in (0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0) or code & 0xFFFE == 0xFFFE


def _is_between_words(before: list[str], after: str) -> bool:
    return bool(before) and before[-1].isalnum() and after.isalnum()
