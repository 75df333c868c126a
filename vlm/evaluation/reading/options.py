"""Comparing what is said with the texts of options."""

import re
from collections.abc import Sequence

from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.reading.relations import Claim, claims_in, relation_words, says_equal
from vlm.evaluation.reading.things import figure, plain, plain_option

_BESIDE = re.compile(
    r"\b(?:between|compared (?:to|with)|than|unlike|versus|while|whereas|instead of|rather than|not|neither|nor|except"
    r"|rules? out|eliminates?|excludes?)\b(?:(?!\bbut\b)[^.;,])*|n['’]t\b(?:(?!\bbut\b)[^.;,])*",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"[^.;:]*\b(?:ruled out|eliminated|excluded|discarded)\b|[^.;:,]*\b(?:is|are) (?:wrong|incorrect)\b", re.IGNORECASE
)
# "right" that is no side.
_ADVERB = re.compile(
    r"\bright (?=there|here|now|away|next|beside|behind|in front|above|below|on top)|\b(?:exactly"
    r"|absolutely|quite) right\b",
    re.IGNORECASE,
)
# "above" that is no place.
_OF_THE_ABOVE = re.compile(
    r"\b(?:none|neither|either|any|all|both|one|each) of (?:the|these)?\s*(?:above|below|following)\b", re.IGNORECASE
)
# What follows is the option that a measured value comes nearest to.
_NEAREST = re.compile(
    r"\b(?:closest|nearest|close|rounds?|corresponds|matches)(?: (?:up|down|option|choice|value|answer))*"
    r" (?:to|is|with)(?= )(?=[^.;]*\d)",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"\b(?:however|but|actually|instead|though|yet)\b")
_WEAK_WORDS = (
    "of to in on at from by with is are it its and or there that this side one direction hand image from relative"
)
_WEAK = frozenset(_WEAK_WORDS.split())
_SYNONYMS = {"upper": "top", "lower": "bottom", "behind": "back", "lefthand": "left", "righthand": "right"}


class Options:
    """The options of an item: their plain texts, and the claims or figures that they make."""

    def __init__(self, options: Sequence[str], question: str) -> None:
        self.plain = [plain_option(option) for option in options]
        short = [plain_option(re.sub(r"\([^()]*\)", " ", option)) for option in options]
        self._short = short if all(short) and len(set(short)) == len(short) else self.plain
        self.figures = [figure(re.sub(r"^\s*\(?[A-H][).:]\s+", "", option)) for option in options]
        self.quantities = _quantities(options) if None in self.figures else None
        self.numeric = self.quantities is not None or None not in self.figures
        self.claims = self._claims(question)
        self._question = question
        self._equal = [place for place, option in enumerate(self.plain) if says_equal(option)]
        self.lettered = any("letter_" in one for one in self.plain)
        self._common = _repeated(self.plain)

    def exact(self, said: str) -> int | None:
        """Return the option that a text consists of, except for punctuation and articles."""
        text = plain(said)
        return next((names.index(text) for names in (self.plain, self._short) if text in names), None)

    def in_claims(self, said: str) -> int | None:
        """Return the option that a comparison means: "B is farther than A" means "A is closer"."""
        for one in reversed(_contrasted(plain(said, ","))):
            if len(self._equal) == 1 and says_equal(one):
                return self._equal[0]
            found = claims_in(one, [claim.subject for claim in self.claims if claim])
            only_two = sum(claim is not None for claim in self.claims) == 2
            meant = [
                {place for place, claim in enumerate(self.claims) if claim and stated.implies(claim, only_two)}
                for stated in found
            ]
            single = [next(iter(places)) for places in meant if len(places) == 1]
            if single:
                return single[0]
        return None

    def in_text(self, said: str, *, denied: bool = False) -> int | None:
        """Return the option that a sentence names first, its figure, or most of its words.

        What is denied or compared with counts only with `denied`.
        """
        if self.figures and None not in self.figures:
            return self._figure(said)
        if self.quantities is not None:
            return self._quantity(said, *self.quantities)
        said = _ADVERB.sub(" ", _OF_THE_ABOVE.sub(self._unless_option, said))
        free = plain(said) if denied else plain(_BESIDE.sub(" ", _REJECTED.sub(" ", said)))
        named = self._named(free)
        return named if named is not None or denied else self._worded(free)

    def _unless_option(self, idiom: re.Match[str]) -> str:
        return idiom[0] if any(plain(idiom[0]) in option for option in self.plain) else " "

    def _claims(self, question: str) -> list[Claim | None]:
        stated = [_claim_of(one) for one in self._short]
        if sum(claim is not None for claim in stated) >= 2:
            return stated
        asked = relation_words(plain(question)) if question else []
        kinds = [signs for match, signs in asked if re.search(r"(?:er|st|distant|most|more)$", match[0])]
        if kinds and all(kind == kinds[0] for kind in kinds) and not any(relation_words(one) for one in self._short):
            return [None if says_equal(one) else Claim(kinds[0], one) for one in self._short]
        return []

    def _figure(self, said: str) -> int | None:
        found = parse_quantity(said, "count", self._question)
        whole = [place for place, value in enumerate(self.figures) if found and value == found.value_si]
        return whole[0] if len(whole) == 1 else None

    def _quantity(self, said: str, shared: str | None, kind: str, values: list[float]) -> int | None:
        nearest = list(_NEAREST.finditer(said))
        said = said[nearest[-1].end() :] if nearest else said
        found = parse_quantity(said, shared or kind, self._question)
        if found is None or (shared is None and "no_unit" in found.flags):
            return None
        places = [place for place, value in enumerate(values) if _equal(value, found.value_si)]
        return places[0] if len(places) == 1 else None

    def _named(self, said: str) -> int | None:
        """Return the option named first, the longest one at that position."""
        places = []
        for index, option in enumerate(self._short):
            match = re.search(rf"(?<!\w){re.escape(option)}(?!\w)", said) if option else None
            if match:
                places.append((match.start(), -len(option), index))
        return min(places)[2] if places else None

    def _worded(self, said: str) -> int | None:
        """Return the only option that shares words which no other option has, and at least half of its own."""
        words = {_SYNONYMS.get(word, word) for word in said.split()}
        found = []
        for index, option in enumerate(self.plain):
            own = {_SYNONYMS.get(word, word) for word in option.split()} - _WEAK
            shared = own & words
            if own and (shared - self._common or shared == own) and 2 * len(shared) >= len(own):
                found.append((len(shared) / len(own), len(shared), index))
        best = sorted(found, reverse=True)
        if len(best) > 1 and best[0][:2] == best[1][:2]:
            return None
        return best[0][2] if best else None


def _claim_of(option: str) -> Claim | None:
    words = relation_words(option)
    if len(words) != 1:
        return None
    match, signs = words[0]
    if not re.search(r"(?:er|st|distant)$|letter_\w|\b(?:is|are|looks|appears|has)\b", option):
        return None
    subject = re.sub(r"\b(?:is|are|looks|appears|has)\b.*", "", option[: match.start()]).strip()
    if not subject and (letter := re.search(r"letter_\w", option[match.end() :])):
        subject = letter[0]
    return Claim(signs, subject) if subject else None


def _contrasted(text: str) -> list[str]:
    parts = _CONTRAST.split(text)
    return [one for one in parts if one.strip()] if len(parts) > 1 else [text]


def _repeated(options: Sequence[str]) -> set[str]:
    """Return the words that more than one option has."""
    words = [{_SYNONYMS.get(word, word) for word in option.split()} for option in options]
    return {word for place, own in enumerate(words) for word in own if any(word in one for one in words[:place])}


def _quantities(options: Sequence[str]) -> tuple[str | None, str, list[float]] | None:
    """Return the unit that all options have, that of their kind, and the values of options that all are quantities."""
    for unit in ("m", "degrees", "m2", "m3", "times"):
        found = [parse_quantity(option, unit) for option in options]
        bare = [
            re.sub(r"[\d.,/\s()~≈-]|\b(?:about|around|approximately|roughly)\b", "", one.lower()) for one in options
        ]
        if all(one and "no_unit" not in one.flags for one in found) and all(len(one) <= 14 for one in bare):
            names = {one.unit for one in found if one}
            return names.pop() if len(names) == 1 else None, unit, [one.value_si for one in found if one]
    return None


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= 0.005 * max(abs(one), abs(other))
