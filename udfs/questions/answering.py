"""Questions and answers of one scene, as rows of `qa_pairs`."""

import hashlib
from functools import lru_cache

from udfs.language.draws import Draws, seed_of
from udfs.questions.candidates import candidates_of
from udfs.questions.columns import Answer
from udfs.questions.phrasing import Phrasebook
from udfs.questions.sampler import Pick, Sampler
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings

_SIDELESS = frozenset({"yes", "no", "value", "gap", "centre", "rests", "ahead"})


def answer_scene(scene: Scene, settings: SynthesizeSettings, recipe: str) -> list[Answer]:
    """Return the answers of one scene, none where nothing is decided.

    Every random choice derives from (settings.seed, image_id, type, objects), so that neither the order of the objects
    nor the other scenes of a batch change an answer.
    """
    sampler = Sampler(Draws(seed_of(settings.seed, scene.image_id, "sample")), scene.gates, settings)
    picks = sampler.sample(candidates_of(scene, settings))
    ids = [seen.object_id for seen in scene.objects]
    expressions = dict(zip(ids, scene.expressions, strict=True))
    forms = dict(zip(ids, scene.forms, strict=True))
    book = Phrasebook(scene, expressions, settings)
    return [_answer(pick, scene.image_id, book, (expressions, forms, settings.seed, recipe)) for pick in picks]


def split_of(image_id: str, settings: SynthesizeSettings) -> str:
    """Return the image's split; it depends on the image and the shares alone."""
    draw = Draws(seed_of("split", image_id)).uniform()
    if draw < settings.test_share:
        return "test"
    return "validation" if draw < settings.test_share + settings.validation_share else "train"


def _answer(
    pick: Pick, image_id: str, book: Phrasebook, named: tuple[dict[int, str], dict[int, str], int, str]
) -> Answer:
    expressions, forms, base_seed, recipe = named
    type_id, a, b, variant, chosen, value, sigma, margin, threshold, _ = pick
    object_ids = [a.object_id] if b is None else [a.object_id, b.object_id]
    seed = seed_of(base_seed, image_id, type_id, *object_ids)
    question, answer, form, options, asked_as, answered_as, said, precise = book.phrase(pick, Draws(seed))
    side = None if variant in _SIDELESS else variant
    reference_form = forms[a.object_id] if b is None else _joined(forms[a.object_id], forms[b.object_id])
    key = f"{image_id}\x1f{type_id}\x1f{object_ids}\x1f{variant}\x1f{form}\x1f{reference_form}\x1f{recipe}"
    return Answer(
        type_id,
        hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        question,
        answer,
        object_ids,
        side,
        None if value is not None or chosen is not None else variant == "yes",
        None if chosen is None else chosen.object_id,
        value,
        sigma,
        said.value_text or None if said else None,
        said.unit_text or None if said else None,
        said.rounding_rule if said else None,
        precise,
        margin,
        threshold,
        form,
        reference_form,
        options,
        asked_as,
        answered_as,
        [expressions[object_id] for object_id in object_ids],
        seed,
    )


@lru_cache(maxsize=256)
def _joined(first: str, second: str) -> str:
    return first if first == second else f"{first}+{second}"
