"""The noun phrases that one object can be called by, from its label and its captions."""

from functools import lru_cache

from udfs.language.likeness import Named
from udfs.language.phrase import Phrase
from udfs.language.vocabulary import vocabulary

Description = tuple[str, Phrase]


def descriptions(one: Named) -> list[Description]:
    """Return (form, phrase) of every true singular description: label, caption or attribute, each text once.

    Phrases with a word of size come last; plural captions lend their adjectives to a singular label.
    """
    found: list[Description] = [] if one.label is None or one.label.plural else [("label", one.label)]
    for caption in one.captions:
        found.extend(_from_caption(caption, one.label))
    by_text: dict[str, Description] = {}
    for form, phrase in found:
        by_text.setdefault(phrase.text.lower(), (form, phrase))
    return sorted(by_text.values(), key=lambda description: description[1].sized)


def bases(one: Named) -> list[Phrase]:
    """Return the phrases that a position can be added to, the label first, then the plainest; none speaks of size."""
    plain = [phrase for _, phrase in descriptions(one) if not phrase.sized]
    nouns = [Phrase((), phrase.head) for phrase in plain if not phrase.after and _stands_alone(phrase)]
    by_text = {phrase.bare.lower(): phrase for phrase in (*nouns, *plain)}
    label = one.label.bare.lower() if one.label is not None else ""
    order = sorted(by_text.values(), key=lambda phrase: (len(phrase.after), len(phrase.bare.split()), phrase.bare))
    return sorted(order, key=lambda phrase: phrase.bare.lower() != label)


@lru_cache(maxsize=65536)
def _from_caption(caption: Phrase, label: Phrase | None) -> tuple[Description, ...]:
    known = vocabulary()
    sizes = frozenset(known.sizes)
    noun = label if label is not None and not label.plural and label.key == caption.key else None
    found: list[Description] = []
    if not caption.plural:
        plain = caption.without(sizes)
        # "the pile" is no name for a pile of books
        essence = tuple(part for part in plain.after if part.startswith("of "))
        found += [("caption", plain), ("caption", Phrase(plain.before, plain.head, essence)), ("caption", caption)]
        if noun is None and not essence and _stands_alone(caption):
            noun = Phrase((), caption.head)
    if noun is not None and not noun.plural:
        said = {word.lower() for word in noun.before}
        for wanted, needed in (({*known.colors, *known.shades}, known.colors), (set(known.materials), known.materials)):
            words = _run(caption, wanted)
            if any(word.rstrip(",").lower() in needed for word in words) and said.isdisjoint(words):
                found.append(("attribute", Phrase((*words, *noun.before), noun.head)))
    return tuple(found)


def _stands_alone(phrase: Phrase) -> bool:
    """Return whether the noun alone still names the object: a computer tower is no tower, a toy plane no plane."""
    return not any(not vocabulary().is_adjective(word) for word in phrase.adjectives)


def _run(caption: Phrase, wanted: set[str]) -> tuple[str, ...]:
    """Return the unbroken run of wanted adjectives, such as "white, yellow and blue", or nothing."""
    places = [i for i, word in enumerate(caption.before) if word.rstrip(",").lower() in wanted]
    if not places:
        return ()
    run = caption.before[places[0] : places[-1] + 1]
    joints = sum(word in ("and", "&", "or") for word in run)
    return (*run[:-1], run[-1].rstrip(",")) if len(run) - joints == len(places) else ()
