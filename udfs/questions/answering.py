"""Questions and answers of one scene, as rows of `qa_pairs`."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

from udfs.language.draws import Draws, seed_of
from udfs.questions.candidates import affordances_of, candidates_of, further_of
from udfs.questions.columns import Answer, Extra
from udfs.questions.dense import DenseSampler
from udfs.questions.layout import SeenPlace
from udfs.questions.phrasing import Phrasebook
from udfs.questions.question_type import Group
from udfs.questions.sampler import Pick, Sampler
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings

COORD_CONVENTION = "normalized u right, v down, in [0, 1)"
_PLACE_FORM = "place"


class _Names(NamedTuple):
    """How the things of a scene are called, by id: their expressions and the forms of these."""

    expressions: dict[int, str]
    forms: dict[int, str]


def answer_scene(scene: Scene, settings: SynthesizeSettings, recipe: str) -> list[Answer]:
    """Return the answers of one scene, none where nothing is decided.

    Every random choice derives from (settings.seed, image_id, type, objects), so that neither the
    order of the objects nor the other scenes of a batch change an answer.
    """
    draws = Draws(seed_of(settings.seed, scene.image_id, "sample"))
    decisions = candidates_of(scene, settings)
    if settings.asks_many:
        decisions |= further_of(scene, decisions, settings)
        picks = DenseSampler(draws, scene.gates, settings).sample(decisions)
    else:
        picks = Sampler(draws, scene.gates, settings).sample(decisions)
    ids = [seen.object_id for seen in scene.objects]
    names = _Names(dict(zip(ids, scene.expressions, strict=True)), dict(zip(ids, scene.forms, strict=True)))
    if scene.layout is not None and settings.asks_affordances:
        draws = Draws(seed_of(settings.seed, scene.image_id, "sample", "affordances"))
        picks += Sampler(draws, scene.gates, settings, Group.AFFORDANCE).sample(affordances_of(scene, settings))
        for place in scene.layout.places:
            owner = names.expressions.get(place.owner) if place.owner is not None else None
            names.forms[place.object_id] = _PLACE_FORM
            names.expressions[place.object_id] = place.name if owner is None else f"the top of {owner}"
    book = Phrasebook(scene, names.expressions, settings)
    return [_answer(pick, scene.image_id, book, names, (settings.seed, recipe)) for pick in picks]


def split_of(group_id: str, settings: SynthesizeSettings) -> str:
    """Return the split of a group of images, such as a single image by its id; it depends on the shares beside."""
    draw = Draws(seed_of("split", group_id)).uniform()
    if draw < settings.test_share:
        return "test"
    return "validation" if draw < settings.test_share + settings.validation_share else "train"


def _answer(pick: Pick, image_id: str, book: Phrasebook, names: _Names, of_run: tuple[int, str]) -> Answer:
    base_seed, recipe = of_run
    kind, a, b, variant, decided, chosen, value, sigma, turn = pick
    type_id, forms = kind.type_id, names.forms
    object_ids = [a.object_id] if b is None else [a.object_id, b.object_id]
    object_ids += [other.object_id for other in decided.others]
    # Where a type asks often, two of its questions about the same objects have different words.
    parts = (turn,) if book.asks_many else ()
    seed = seed_of(base_seed, image_id, type_id, *object_ids, *parts)
    words = book.phrase(pick, Draws(seed))
    form = forms[a.object_id] if b is None else _joined(forms[a.object_id], forms[b.object_id])
    key = f"{image_id}\x1f{type_id}\x1f{object_ids}\x1f{variant}\x1f{words.answer_form}\x1f{form}\x1f{recipe}"
    extra = _extra(pick, names) if kind.group != Group.CORE else None
    if extra is not None:
        key += f"\x1f{extra.asked_m}\x1f{extra.points}"
        object_ids = _objects_of(pick)
    if extra is not None and kind.group == Group.FURTHER and decided.given is not None:
        key += f"\x1f{decided.given.fact}"
    qa_id = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    chosen_id = None if chosen is None else chosen.object_id
    references = [names.expressions[object_id] for object_id in object_ids]
    margin, threshold = decided.margin, decided.threshold
    # Named arguments would double the time of making a tuple this long.
    return Answer(
        type_id,
        variant,
        qa_id,
        object_ids,
        chosen_id,
        value,
        sigma,
        margin,
        threshold,
        form,
        references,
        seed,
        words,
        extra,
    )


def _objects_of(pick: Pick) -> list[int]:
    """Return the ids of the objects that are asked about, a top's as that of the object that has it."""
    owners = [thing.owner if isinstance(thing, SeenPlace) else thing.object_id for thing in pick.things]
    return [one for one in owners if one is not None]


def _extra(pick: Pick, names: _Names) -> Extra:
    """Return what the row of an affordance or a further type holds beside the columns of every row."""
    given = pick.decided.given
    places = [thing for thing in pick.things if isinstance(thing, SeenPlace)]
    point = given.point if given is not None else None
    outline = given.outline if given is not None else None
    return Extra(
        place_ids=[place.place_id for place in places] or None,
        places=[names.expressions[place.object_id] for place in places] or None,
        asked_m=given.asked_m if given is not None else None,
        body=given.body if given is not None else None,
        points=None if point is None else [list(point)],
        outline=None if outline is None else [list(corner) for corner in outline],
        coord_convention=None if point is None else COORD_CONVENTION,
        answer_object_ids=[one.object_id for one in given.order] or None if given is not None else None,
        reason_code=given.reason if given is not None else None,
        frame=given.frame if given is not None else "viewer",
    )


@lru_cache(maxsize=256)
def _joined(first: str, second: str) -> str:
    return first if first == second else f"{first}+{second}"
