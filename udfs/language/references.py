"""Derives the noun phrases that can refer to an object from its label and captions."""

from functools import lru_cache

from udfs.language.phrase import Phrase
from udfs.language.similarity import NamedObject
from udfs.language.vocabulary import vocabulary

Description = tuple[str, Phrase]


def descriptions(item: NamedObject) -> list[Description]:
    """Return the distinct singular descriptions of an object as (form, phrase): label, caption or attribute.

    Phrases that state a size come last; a plural caption lends its adjectives to a singular label.
    """
    candidates: list[Description] = [] if item.label is None or item.label.plural else [("label", item.label)]
    for caption in item.captions:
        candidates.extend(_from_caption(caption, item.label))
    by_text: dict[str, Description] = {}
    for form, phrase in candidates:
        by_text.setdefault(phrase.text.lower(), (form, phrase))
    return sorted(by_text.values(), key=lambda description: description[1].sized)


def bases(item: NamedObject) -> list[Phrase]:
    """Return the phrases that a position can be added to: the label, then the shortest ones; none states a size."""
    plain = [phrase for _, phrase in descriptions(item) if not phrase.sized]
    nouns = [Phrase((), phrase.head) for phrase in plain if not phrase.after and _stands_alone(phrase)]
    by_text = {phrase.bare.lower(): phrase for phrase in (*nouns, *plain)}
    label = item.label.bare.lower() if item.label is not None else ""
    order = sorted(by_text.values(), key=lambda phrase: (len(phrase.after), len(phrase.bare.split()), phrase.bare))
    return sorted(order, key=lambda phrase: phrase.bare.lower() != label)


@lru_cache(maxsize=65536)
def _from_caption(caption: Phrase, label: Phrase | None) -> tuple[Description, ...]:
    vocab = vocabulary()
    sizes = frozenset(vocab.sizes)
    noun = label if label is not None and not label.plural and label.key == caption.key else None
    derived: list[Description] = []
    if not caption.plural:
        plain = caption.without(sizes)
        # "the pile" alone does not name a pile of books
        essence = tuple(part for part in plain.after if part.startswith("of "))
        derived += [("caption", plain), ("caption", Phrase(plain.before, plain.head, essence)), ("caption", caption)]
        if noun is None and not essence and _stands_alone(caption):
            noun = Phrase((), caption.head)
    if noun is not None and not noun.plural:
        noun_words = {word.lower() for word in noun.before}
        for wanted, needed in (({*vocab.colors, *vocab.shades}, vocab.colors), (set(vocab.materials), vocab.materials)):
            words = _run(caption, wanted)
            if any(word.rstrip(",").lower() in needed for word in words) and noun_words.isdisjoint(words):
                derived.append(("attribute", Phrase((*words, *noun.before), noun.head)))
    return tuple(derived)


def _stands_alone(phrase: Phrase) -> bool:
    """Return whether the noun alone still names the object: a toy plane is not a plane."""
    return not any(not vocabulary().is_adjective(word) for word in phrase.adjectives)


def _run(caption: Phrase, wanted: set[str]) -> tuple[str, ...]:
    """Return the contiguous run of wanted adjectives, such as "white, yellow and blue", or nothing."""
    places = [i for i, word in enumerate(caption.before) if word.rstrip(",").lower() in wanted]
    if not places:
        return ()
    run = caption.before[places[0] : places[-1] + 1]
    joints = sum(word in ("and", "&", "or") for word in run)
    return (*run[:-1], run[-1].rstrip(",")) if len(run) - joints == len(places) else ()
