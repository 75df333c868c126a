"""Parses numbers in text: digits, fractions, mixed numbers, number words, "half", "a couple"."""

import math
import re
import unicodedata
from typing import NamedTuple

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: float(i) for i, word in enumerate((_ONES + " seventeen eighteen nineteen").split())}
_TENS = dict(zip(_TEN_WORDS.split(), (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0), strict=True))
_SMALL |= {"nought": 0.0}
_VAGUE = {"couple": 2.0, "few": 3.0, "dozen": 12.0}
PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "eighth": 8, "eighths": 8}
_MARKS = str.maketrans({"′": "'", "’": "'", "‘": "'", "″": '"', "”": '"', "“": '"', "–": "-", "—": "-", "−": "-"})
_OTHER = {"''": '"', "º": "°", "²": "^2", "³": "^3", "+/-": "±", "+-": "±", "&": "and"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
# Thousands may be separated by a comma, an apostrophe or a space, a plain one only before a unit. Digits after a comma
# are decimals unless they are three and do not follow a lone zero.
_POWER = r"10\s*(?:(?:\^|\*\*)\s*[({]?\s*[-−–+]?\s*\d+\s*[)}]?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?![a-z]))"
_DECIMAL = r"(?:\d+(?:[.,]\d+)?|\.\d+)"
_TOKEN = re.compile(
    rf"(?:(?<![\d.,]){_DECIMAL}\s*[x×*·⋅]\s*)?(?<![\d.,]){_POWER}|\d+\s*[/⁄]\s*\d+"
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:['’]\d{3})+(?!\d)(?:\.\d+)?"
    r"|(?<![\d.,])[1-9]\d{0,2}(?: \d{3})+(?:[.,]\d+)?"
    r"(?=\s*[(\[]?\s*(?:(?:mm|cm|m|km|ft|feet)\b|(?:milli|centi|kilo)?met(?:er|re))|\s*(?:[.!]\s*)?$)"
    r"|(?<![\d.,])0,\d+|\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})+(?!\d)(?:\.\d+)?|\d+,(?:\d{1,2}|\d{4,})(?![\d,])"
    r"|\d+(?:\.\d+)?(?:e[-+−–]?\d+)?"
    r"|\.\d+|[¼-¾⅐-⅞]|(?<![a-z])(?:mm|cm|m|km)[23](?![\w.])|[a-z]+|[²³]|\^\s*[23]|°|º|''|['\"′’‘″”“]|[-–—−]|±"
    r"|\+/[-−–]|\+-|[=();:×≈~/&]",
    re.IGNORECASE,
)


class Token(NamedTuple):
    """A word, number or symbol in lower case and normalized spelling, with its span in the text."""

    text: str
    start: int
    end: int


class Tokens:
    """The tokens of a text; indices past the end give an empty token."""

    def __init__(self, text: str) -> None:
        self.items = _unquoted(_raw(text), text)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> str:
        return self.items[index].text if 0 <= index < len(self.items) else ""

    def words(self, start: int, count: int) -> tuple[str, ...]:
        """Return `count` tokens from `start` on."""
        return tuple(self[index] for index in range(start, start + count))


def amount_at(tokens: Tokens, start: int) -> tuple[float, int] | None:
    """Parse a number, "half", "a couple of" or similar at a token; return its value and the index after it."""
    first, following = tokens[start], tokens[start + 1]
    if first in ("a", "an"):
        return (
            amount_at(tokens, start + 1)
            if following in PARTS or following in _VAGUE or following == "hundred"
            else None
        )
    if tokens.words(start, 3) == ("half", "a", "dozen"):
        return 6.0, start + 3
    if first in PARTS:
        return 1 / PARTS[first], _skip_of(tokens, start + 1)
    if first in _VAGUE:
        return _VAGUE[first], _skip_of(tokens, start + 1)
    number = number_at(tokens, start)
    if number is None:
        return None
    value, index = number
    if tokens[index] in PARTS:
        return value / PARTS[tokens[index]], _skip_of(tokens, index + 1)
    at = index + 1 if tokens[index] == "-" and value.is_integer() else index
    if (part := _fraction(tokens[at])) is not None and (at == index or part < 1):
        return value + part, at + 1
    if tokens[index] == "and":
        return _mixed_at(tokens, value, index)
    return value, _skip_of(tokens, index)


def number_at(tokens: Tokens, start: int) -> tuple[float, int] | None:
    """Parse a number in digits or words at a token; return its value and the index after it."""
    token = tokens[start]
    if "/" in token[1:]:
        part = _fraction(token)
        return None if part is None else (part, start + 1)
    if token[:1].isdigit() or (token[:1] == "." and token[1:]):
        value = float(token)
        return (value, start + 1) if math.isfinite(value) else None
    return _words_at(tokens, start)


def _raw(text: str) -> list[Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        plain = match[0].translate(_MARKS).lower()
        plain = _OTHER.get(plain, plain)
        if plain[:1].isdigit() or (plain[:1] == "." and plain[1:]):
            plain = _figures(plain)
        elif not plain.isascii() and plain not in "°±×≈":
            plain = unicodedata.normalize("NFKC", plain).replace("⁄", "/")
        elif plain.startswith("^"):
            plain = "^" + plain[-1]
        tokens.append(Token(plain, match.start(), match.end()))
    return tokens


def _figures(written: str) -> str:
    """Return a number in figures as Python writes it, a fraction with a slash."""
    compact = re.sub(r"[\s\u00a0\u2009\u202f']", "", written).replace("⁄", "/")
    power = re.fullmatch(rf"(?:({_DECIMAL})[x×*·⋅])?10(?:\^|\*\*)?[({{]?([-+\d⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)[)}}]?", compact)
    if power and re.search(r"\^|\*\*|[⁰¹²³⁴⁵⁶⁷⁸⁹]", compact):
        factor = float((power[1] or "1").replace(",", "."))
        exponent = int(power[2].translate(_RAISED))
        return repr(float(f"{factor!r}e{exponent}")) if abs(exponent) < 100 else "0"
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", compact):
        return compact.replace(".", "").replace(",", ".")
    decimal = re.fullmatch(r"0,\d+|\d+,(?:\d{1,2}|\d{4,})", compact)
    return compact.replace(",", "." if decimal else "")


def _unquoted(raw: list[Token], text: str) -> list[Token]:
    """Drop apostrophes and quotation marks that do not mean feet or inches, and hyphens within words."""
    kept: list[Token] = []
    closing = ""
    for token in raw:
        before, after = text[token.start - 1 : token.start], text[token.end : token.end + 1]
        if token.text in ("'", '"'):
            if token.text == closing:
                closing = ""
                continue
            if after.isalpha():
                continue
            if (after.isdigit() or after == ".") and not before.isdigit():
                closing = token.text
                continue
        if token.text == "-" and before.isalpha() and after.isalpha():
            continue
        kept.append(token)
    return kept


def _mixed_at(tokens: Tokens, value: float, index: int) -> tuple[float, int]:
    """Parse "two and a half", "1 and 1/2", "two and three quarters"."""
    following = tokens[index + 1]
    if (part := _fraction(following)) is not None:
        return value + part, index + 2
    after = index + 2 if following == "a" else index + 1
    if tokens[after] in PARTS:
        return value + 1 / PARTS[tokens[after]], after + 1
    count = _SMALL.get(following)
    if count is not None and tokens[index + 2] in PARTS:
        return value + count / PARTS[tokens[index + 2]], _skip_of(tokens, index + 3)
    return value, index


def _skip_of(tokens: Tokens, index: int) -> int:
    if tokens[index] == "of":
        index += 1
    return index


def _fraction(token: str) -> float | None:
    top, slash, bottom = token.partition("/")
    return float(top) / float(bottom) if top and slash and float(bottom) else None


def _words_at(tokens: Tokens, start: int) -> tuple[float, int] | None:
    total, index, any_words = 0.0, start, False
    if tokens[index] == "point":
        found = _with_decimals(tokens, 0.0, index)
        return found if found[1] > index else None
    if tokens[index] == "hundred":
        total, index, any_words = 100.0, index + 1, True
    while True:
        token = tokens[index]
        if token in _TENS:
            total += _TENS[token]
        elif token in _SMALL:
            total += _SMALL[token]
            if tokens[index + 1] in ("hundred", "thousand"):
                total *= 100.0 if tokens[index + 1] == "hundred" else 1000.0
                index += 1
        elif any_words and token == "and" and total >= 100 and tokens[index + 1] in {**_TENS, **_SMALL}:
            index += 1
            continue
        else:
            return _with_decimals(tokens, total, index) if any_words else None
        index, any_words = index + 1, True


def _with_decimals(tokens: Tokens, total: float, index: int) -> tuple[float, int]:
    """Add the decimals of "two point five"."""
    if tokens[index] != "point":
        return total, index
    digits = ""
    while _SMALL.get(tokens[index + 1 + len(digits)], 10.0) < 10.0:
        digits += f"{_SMALL[tokens[index + 1 + len(digits)]]:.0f}"
    return (total + float(f"0.{digits}"), index + 1 + len(digits)) if digits else (total, index)
