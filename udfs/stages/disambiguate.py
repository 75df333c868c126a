"""Referring expressions: for each object, a name that fits no other object in the image."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from schemas.reasons import Reason
from udfs.language.called import Called, called
from udfs.language.caption import loose_words, read_label, read_phrase
from udfs.language.draws import Draws, seed_of
from udfs.language.phrase import Phrase
from udfs.language.placement import SceneObject, extremes, ordinal
from udfs.language.references import bases, descriptions
from udfs.language.similarity import named_object, similar
from udfs.margins import MAX_GRAVITY_SIGMA_DEG
from udfs.stages.rows import Row


class DisambiguateSettings(BaseModel):
    """Settings of the referring expressions; they are part of the recipe.

    Regions whose `similarity` reaches `max_similarity` count as look-alikes, whatever their captions say. Objects whose
    probability of being a single one (`object_probability`) is below `min_object_probability` are not asked about, and
    no name may fit them. Where an expert declares how probable names are (`names`), an object is called only by words
    that are right with `min_name_probability`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    max_captions: int = 3
    positions: bool = True
    max_gravity_sigma_deg: float = MAX_GRAVITY_SIGMA_DEG
    max_similarity: float = 0.9
    min_object_probability: float = 0.8
    min_name_probability: float = 0.95


@dataclass(frozen=True)
class _NamedScene:
    """Every named region of the image, lifted or not; the lifted objects, and what each looks like."""

    everything: tuple[Called, ...]
    lifted: dict[int, SceneObject]
    similar: dict[int, set[int]]
    has_gravity: bool
    probabilities: dict[int, float]

    def alike(self, one: Called, other: Called) -> bool:
        """Return whether two objects could be mistaken for each other."""
        return other.object_id in self.similar[one.object_id] or similar(one.likely, other.likely)

    def rivals(self, phrase: Phrase, one: Called) -> list[Called]:
        """Return the other objects that a phrase of `one` could be taken to mean."""
        same = self.similar[one.object_id]
        others = (other for other in self.everything if other is not one)
        is_label = phrase is one.sure.label
        return [other for other in others if other.object_id in same or other.may_be(phrase, is_label)]


def disambiguate_row(row: Row, settings: DisambiguateSettings) -> Row:
    """Return the columns of `references` for a row of `scenes`.

    `row` needs `image_id` and `objects`; `regions` (region_id, label, captions, similar, object_probability, names),
    where given, adds what the image shows but was not lifted, so that no expression fits it, how similar regions are,
    and how certain the expert is of each and of its names. Expressions are drawn from (image_id, object_id) alone, so
    the order of objects changes nothing.
    """
    scene = _named_scene(row, settings)
    references: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    for one in scene.everything:
        if one.object_id not in scene.lifted:
            continue
        if (unsure := _unsure(one, scene, settings)) is not None:
            rejected.append(unsure)
            continue
        draws = Draws(seed_of(row["image_id"], one.object_id, settings.seed))
        chosen = _expression(one, scene, settings, draws)
        if chosen is None:
            rejected.append(_rejection(one, scene, settings))
            continue
        form, expression = chosen
        size = sum(1 for other in scene.everything if other is one or scene.alike(one, other))
        references.append({"object_id": one.object_id, "expression": expression, "form": form, "group_size": size})
    unique, doubled = _without_doubles(references)
    return {"image_id": row["image_id"], "references": unique, "rejected": [*rejected, *doubled]}


def _named_scene(row: Row, settings: DisambiguateSettings) -> _NamedScene:
    lifted = {one["object_id"]: one for one in row["objects"]}
    sources = {region["region_id"]: region for region in row.get("regions") or []}
    declared = {region_id: region.get("names") for region_id, region in sources.items()}
    sources.update(lifted)
    captions = [text for one in sources.values() for text in one["captions"] or []]
    # where captions start in lower case, an initial capital marks a proper name
    sentence_case = not any(text[:1].islower() for text in captions)
    everything = []
    for object_id in sorted(sources):
        source = sources[object_id]
        label = read_label(source["label"]) if source["label"] else None
        texts = [text for text in (source["captions"] or [])[: settings.max_captions] if text]
        read = {text: read_phrase(text, sentence_case) for text in texts}
        phrases = tuple(phrase for phrase in read.values() if phrase is not None)
        loose = tuple(words for text, phrase in read.items() if phrase is None and (words := loose_words(text)))
        said = named_object(object_id, label, phrases, loose)
        names = declared.get(object_id)
        is_plain = names is None
        everything.append(Called(said, (said,)) if is_plain else called(said, names, settings.min_name_probability))
    sigma_deg = row.get("gravity_sigma_deg")
    has_gravity = row.get("gravity_src") not in (None, "none") and (sigma_deg or 0.0) <= settings.max_gravity_sigma_deg
    given = {region["region_id"]: region.get("object_probability") for region in row.get("regions") or []}
    probabilities = {region_id: 1.0 if value is None else value for region_id, value in given.items()}
    return _NamedScene(tuple(everything), lifted, _similar(row, settings.max_similarity), has_gravity, probabilities)


def _similar(row: Row, minimum: float) -> dict[int, set[int]]:
    """Return each region's look-alikes, those with a similarity of at least `minimum` in either direction."""
    similar: dict[int, set[int]] = defaultdict(set)
    for region in row.get("regions") or []:
        for other in region.get("similar") or []:
            if other["similarity"] >= minimum:
                similar[region["region_id"]].add(other["region_id"])
                similar[other["region_id"]].add(region["region_id"])
    return similar


def _expression(
    one: Called, scene: _NamedScene, settings: DisambiguateSettings, draws: Draws
) -> tuple[str, str] | None:
    valid = [(form, phrase) for form, phrase in descriptions(one.sure) if not scene.rivals(phrase, one)]
    plain = [(form, phrase.text) for form, phrase in valid if not phrase.sized]
    if plain:
        return draws.pick(plain)
    if settings.positions and (placed := _placed(one, bases(one.sure), scene)):
        return draws.pick(placed)
    if valid:
        return draws.pick([(form, phrase.text) for form, phrase in valid])
    if one.tint is None:
        return None
    if not scene.rivals(one.tint, one):
        return "attribute", one.tint.text
    placed = _placed(one, [one.tint], scene) if settings.positions else []
    return draws.pick(placed) if placed else None


def _placed(one: Called, nouns: list[Phrase], scene: _NamedScene) -> list[tuple[str, str]]:
    """Return position or ordinal expressions on the simplest of some nouns that allows any."""
    target = scene.lifted[one.object_id]
    tried = [(base, scene.rivals(base, one)) for base in nouns]
    tried = [(base, rivals) for base, rivals in tried if all(rival.object_id in scene.lifted for rival in rivals)]
    tried.sort(key=lambda pair: len(pair[1]))
    for sure in (True, False):
        for base, rivals in tried:
            if sure != all(rival.is_surely(base) for rival in rivals):
                continue
            placed = [scene.lifted[rival.object_id] for rival in rivals]
            if found := extremes(target, placed, base.bare, scene.has_gravity):
                return [("position", text) for text in found]
            # a row is counted only where every member of it is known to be one
            if sure and (counted := ordinal(target, placed, base.bare)):
                return [("ordinal", counted)]
    return []


def _unsure(one: Called, scene: _NamedScene, settings: DisambiguateSettings) -> dict[str, Any] | None:
    probability = scene.probabilities.get(one.object_id, 1.0)
    wanted = settings.min_object_probability
    if probability >= wanted:
        return None
    detail = (
        f"The expert gives a probability of {probability:.2f} that this is one object, and {wanted:.2f} is asked; use "
        "a better segmenter, or lower disambiguate.min_object_probability."
    )
    return {"region_id": one.object_id, "reason": str(Reason.UNSURE_OBJECT), "detail": detail}


def _rejection(one: Called, scene: _NamedScene, settings: DisambiguateSettings) -> dict[str, Any]:
    source = scene.lifted[one.object_id]
    nouns = bases(one.sure) or ([one.tint] if one.tint else [])
    if one.noun_probability is not None and not nouns:
        detail = (
            f'The expert gives a probability of {one.noun_probability:.2f} that this is "{source["label"]}", and '
            f"{settings.min_name_probability:.2f} is asked of each word; use a better expert, or lower "
            "disambiguate.min_name_probability."
        )
        return {"region_id": one.object_id, "reason": str(Reason.UNSURE_NAME), "detail": detail}
    if not nouns:
        given = ", ".join(f'"{text}"' for text in [source["label"], *(source["captions"] or [])] if text)
        detail = f"No singular noun phrase in {given or 'an empty caption'}; give the region a caption or a label."
        return {"region_id": one.object_id, "reason": str(Reason.NO_CAPTION), "detail": detail[:300]}
    rivals = [other.object_id for other in scene.everything if other is not one and scene.alike(one, other)]
    detail = (
        f'"{nouns[0].bare}" could also be object {", ".join(map(str, rivals)) or "?"}, '
        "and neither captions nor decided positions tell them apart."
    )
    return {"region_id": one.object_id, "reason": str(Reason.AMBIGUOUS), "detail": detail}


def _without_doubles(references: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Drop every expression that two objects were given, which the rules above should never do."""
    counts = Counter(reference["expression"].lower() for reference in references)
    unique = [reference for reference in references if counts[reference["expression"].lower()] == 1]
    doubled = [
        {
            "region_id": reference["object_id"],
            "reason": str(Reason.AMBIGUOUS),
            "detail": f'"{reference["expression"]}" was also given to another object.',
        }
        for reference in references
        if counts[reference["expression"].lower()] > 1
    ]
    return unique, doubled
