"""The banner of a page whose answers come from experts that know one kind of image only."""

from jobs.views.reader import LakeReader, quoted
from schemas.reasons import Reason
from udfs.experts.expert import ExpertSpec
from udfs.experts.scope import scope_of

_SLOTS = ("context", "depth")


def banner_of(lake: LakeReader) -> str | None:
    """Return the sentences for whoever reads a lake's answers, with the share of images that were refused."""
    current = lake.current_recipes()
    try:
        scope = scope_of({slot: spec for slot in _SLOTS if (spec := _spec(lake, slot))})
    except ValueError:
        # A family of a plugin that is not installed where the page is made, or a recipe of an earlier version.
        return None
    if scope is None:
        return None
    refused, images = _refused(lake, current.get("filter"))
    share = (
        f"They refused {refused:,} of {images:,} images ({refused / images:.0%}) as unlike those." if refused else ""
    )
    return f"{scope.banner} {share}".strip()


def _spec(lake: LakeReader, slot: str) -> ExpertSpec | None:
    book = lake.recipe_book()
    recipe = book.current().get(slot)
    expert = book.configuration(slot, recipe)[0] if recipe else None
    return ExpertSpec.model_validate(expert) if expert else None


def _refused(lake: LakeReader, recipe: str | None) -> tuple[int, int]:
    """Return how many images the current filter refused as unlike its training images, and how many it has seen."""
    if recipe is None:
        return 0, 0
    where = f"stage = 'filter' AND reason = {quoted([Reason.NOT_LIKE_TRAINING.value])} AND recipe = {quoted([recipe])}"
    rows = lake.optional("quarantine", f"SELECT count(DISTINCT image_id) AS n FROM t WHERE {where}")
    scored = lake.optional("image_scores", "SELECT count(*) AS n FROM t")
    refused = rows[0]["n"] if rows else 0
    return refused, refused + (scored[0]["n"] if scored else 0)
