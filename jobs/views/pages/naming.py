"""Whether the words with which an answer names a thing can be true of what another lake calls it."""

from collections.abc import Sequence

from udfs.language.called import read_thing
from udfs.language.caption import read_label, read_phrase
from udfs.language.similarity import named_object, possibly_true


def can_be_called(expression: str, names: Sequence[str]) -> bool:
    """Return whether an expression can name a thing with this label and these captions, the label first.

    Positions ("on the left") are no names, and what the names leave open, such as the color of a "chair", fits. So
    does everything where one of the two says nothing that can be read.

    >>> can_be_called("the black wall shelf", ["suitcase", "black suitcase"])
    False
    >>> can_be_called("the black mug on the left", ["mug", "gray mug"])
    False
    >>> can_be_called("the chair", ["armchair", "blue armchair"]), can_be_called("the blue chair", ["chair"])
    (True, True)
    >>> can_be_called("the blue thing", ["armchair", "blue armchair"]), can_be_called("the red thing", ["blue chair"])
    (True, False)
    """
    said = read_thing(expression) or read_phrase(expression)
    label = read_label(names[0]) if names else None
    captions = tuple(phrase for name in names[1:] if (phrase := read_phrase(name)) is not None)
    if said is None or (label is None and not captions):
        return True
    return possibly_true(said, named_object(0, label, captions))
