"""What a run says of experts that know one kind of image only: before it starts, and when they refused images."""

from collections.abc import Iterable, Iterator

from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary
from schemas.reasons import Outcome, Reason
from udfs.experts.scope import REMEDY, scope_of

_REFUSED = (Outcome.FILTERED.value, Reason.NOT_LIKE_TRAINING.value)


def said_before(stages: Iterable[Stage]) -> Iterator[str]:
    """Yield what whoever starts these stages has to know of their experts."""
    slots = {stage.definition.slot: stage.expert for stage in stages if stage.definition.slot and stage.expert}
    scope = scope_of(slots)
    if scope:
        yield scope.before


def said_after(summaries: Iterable[StageSummary]) -> Iterator[str]:
    """Yield how many images were refused as unlike those that an expert was trained on."""
    for summary in summaries:
        count = sum(number for (outcome, reason), number in summary.reasons.items() if (outcome, reason) == _REFUSED)
        if count and count == summary.rows_in:
            yield (
                f"All images ({count:,}) were refused, so there are no answers: none is like those that the experts "
                f"were trained on; {REMEDY}, or fit learned depth to RGB-D images of your own with `spatiallake "
                "calibrate`."
            )
        elif count:
            share = count / summary.rows_in
            yield (
                f"Refused as unlike those that the experts were trained on: {count:,} of {summary.rows_in:,} images "
                f"({share:.0%}); {REMEDY}."
            )
