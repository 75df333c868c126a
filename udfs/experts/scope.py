"""What experts know that were trained on one kind of image only, in the sentences that people read first."""

from collections.abc import Mapping
from dataclasses import dataclass

from udfs.experts.expert import ExpertSpec, Profile, expert_class

REMEDY = (
    "for other images, name models with --experts docs/profiles/hub.yaml, or give depth of your own to --experts "
    "sensor (docs/experts.md)"
)
# What an answer takes from each slot.
_GIVES = {"context": "names", "depth": "sizes"}


@dataclass(frozen=True)
class Scope:
    """What experts of some slots know: `trained_on`, such as "rendered rooms", and nothing else."""

    trained_on: str
    slots: tuple[str, ...]

    @property
    def gives(self) -> str:
        """Return what comes from these experts, such as "names and sizes"."""
        return " and ".join(_GIVES[slot] for slot in self.slots)

    @property
    def before(self) -> str:
        """Return the sentence for whoever starts a run."""
        return f"The experts for {self.gives} know {self.trained_on} only: {REMEDY}."

    @property
    def banner(self) -> str:
        """Return the sentence for whoever reads answers."""
        return f"{self.gives.capitalize()} come from experts that were trained on {self.trained_on} only."


def scope_of(slots: Mapping[str, ExpertSpec]) -> Scope | None:
    """Return what the experts of the slots `context` and `depth` know, None where that is many kinds of image.

    Slots that are not given do not count.
    """
    known = {slot: expert_class(slot, spec).trained_on for slot, spec in slots.items() if slot in _GIVES}
    narrow = {slot: name for slot, name in known.items() if name}
    if not narrow:
        return None
    return Scope(next(iter(narrow.values())), tuple(slot for slot in _GIVES if slot in narrow))


def scope_of_profile(profile: Profile) -> Scope | None:
    """Return what the experts of a profile know (`scope_of`)."""
    return scope_of({slot: getattr(profile, slot) for slot in _GIVES})
