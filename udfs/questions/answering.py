"""Questions and answers of one scene, as rows of `qa_pairs`."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

from udfs.language.draws import Draws, seed_of
from udfs.questions.candidates import candidates_of
from udfs.questions.columns import Answer
from udfs.questions.phrasing import Phrasebook
from udfs.questions.sampler import Pick, Sampler
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings


class _Names(NamedTuple):
    """How the objects of a scene are called, by id: their expressions and the forms of these."""

    expressions: dict[int, str]
    forms: dict[int, str]


def answer_scene(scene: Scene, settings: SynthesizeSettings, recipe: str) -> list[Answer]:
    """Return the answers of one scene, none where nothing is decided.

    Every random choice derives from (settings.seed, image_id, type, objects), so that neither the
    order of the objects nor the other scenes of a batch change an answer.
    """
    sampler = Sampler(Draws(seed_of(settings.seed, scene.image_id, "sample")), scene.gates, settings)
    picks = sampler.sample(candidates_of(scene, settings))
    ids = [seen.object_id for seen in scene.objects]
    names = _Names(dict(zip(ids, scene.expressions, strict=True)), dict(zip(ids, scene.forms, strict=True)))
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
    kind, a, b, variant, decided, chosen, value, sigma, _ = pick
    type_id, forms = kind.type_id, names.forms
    object_ids = [a.object_id] if b is None else [a.object_id, b.object_id]
    seed = seed_of(base_seed, image_id, type_id, *object_ids)
    words = book.phrase(pick, Draws(seed))
    form = forms[a.object_id] if b is None else _joined(forms[a.object_id], forms[b.object_id])
    key = f"{image_id}\x1f{type_id}\x1f{object_ids}\x1f{variant}\x1f{words.answer_form}\x1f{form}\x1f{recipe}"
    qa_id = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    chosen_id = None if chosen is None else chosen.object_id
    references = [names.expressions[object_id] for object_id in object_ids]
    margin, threshold = decided.margin, decided.threshold
    # Named arguments would double the time of making a tuple this long.
    return Answer(
        type_id, variant, qa_id, object_ids, chosen_id, value, sigma, margin, threshold, form, references, seed, words
    )


@lru_cache(maxsize=256)
def _joined(first: str, second: str) -> str:
    return first if first == second else f"{first}+{second}"
