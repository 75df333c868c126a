"""What an expert is, how a profile names one, and the cache that loads each once per worker process."""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from udfs.experts import families

Photograph = dict[str, Any]
Prediction = dict[str, Any]


class Expert(Protocol):
    """A model, or a rule, for one slot of a profile.

    `columns` are the columns of `images` that `predict` reads, `load` is called once per worker process, and
    `predict` returns one prediction or one exception per photograph, so that a bad one never fails its batch.
    A class method `resolved(spec) -> ExpertSpec`, where there is one, checks options and writes out their defaults
    before the recipe is made; it runs on the driver and loads no model.
    It runs in a process of its own, for a model can crash or hang; a rule sets `isolated = False` and runs in the
    worker.
    """

    columns: ClassVar[tuple[str, ...]]

    def load(self, device: str) -> None:
        """Load weights onto `device` (`cpu`, `cuda:0`, ..)."""
        ...

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return one prediction or exception per photograph, in order."""
        ...


# Options that say how fast an expert works, not what it says.
_OF_SPEED = frozenset({"batch_size"})


class ExpertSpec(BaseModel):
    """Which expert fills a slot; every field but `timeout_s`, and `batch_size` among the options, goes into the recipe.

    `family` is a module of `udfs.experts.families`, or the dotted name of a module of your own. `model` is a Hugging
    Face id or a local folder and `revision` pins it. An expert made of others, as regions are of a detector, a
    segmenter and a captioner, names them in `parts` by slot. A photograph that alone takes longer than `timeout_s` is
    quarantined.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str = Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$")
    model: str = "none"
    revision: str = "none"
    options: dict[str, Any] = Field(default_factory=dict)
    parts: dict[str, "ExpertSpec"] = Field(default_factory=dict)
    timeout_s: float = Field(default=60.0, gt=0, exclude=True)

    def for_recipe(self) -> dict[str, Any]:
        """Return the fields that change results."""
        options = {name: value for name, value in self.options.items() if name not in _OF_SPEED}
        parts = {name: part.for_recipe() for name, part in self.parts.items()}
        return {**self.model_dump(), "options": options, "parts": parts}


class Profile(BaseModel):
    """One expert per slot: `filter` (scores), `context` (regions) and `depth` (depth, intrinsics, gravity)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    filter: ExpertSpec
    context: ExpertSpec
    depth: ExpertSpec


SENSOR = ExpertSpec(family="sensor")
# the revision is the beginning of the SHA-256 of the packaged weights
BUILTIN = ExpertSpec(family="builtin", revision="33915cd6fcf3")
PROFILES = {
    "sensor": Profile(name="sensor", filter=SENSOR, context=SENSOR, depth=SENSOR),
    "builtin": Profile(name="builtin", filter=BUILTIN, context=BUILTIN, depth=BUILTIN),
}

_LOADED: dict[str, Any] = {}


def expert_class(slot: str, spec: ExpertSpec) -> type[Any]:
    """Return the class that fills `slot`: a family is the module of its name, whose `SLOTS` maps slots to classes.

    Raises:
        ValueError: no such family, or it does not fill the slot; the message says what the family fills.
    """
    slots = getattr(_family(spec.family), "SLOTS", {})
    if slot not in slots:
        fills = f"fills {', '.join(slots)}" if slots else "is none"
        raise ValueError(f"Slot {slot!r} has no expert family {spec.family!r}, which {fills}; see docs/experts.md.")
    return slots[slot]


def _family(name: str) -> ModuleType | None:
    if "." not in name:
        known = {module.name for module in iter_modules(families.__path__)}
        return import_module(f"{families.__name__}.{name}") if name in known else None
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"Expert family {name!r} cannot be imported ({error}); put its package on the path of driver and workers."
        ) from error


def is_isolated(slot: str, spec: ExpertSpec) -> bool:
    """Return whether the expert runs in a process of its own, as every learned one does."""
    return getattr(expert_class(slot, spec), "isolated", True)


def loaded_expert(slot: str, spec: ExpertSpec, device: str = "cpu") -> Any:
    """Return the expert of this worker process, loading it at the first call."""
    key = f"{slot}:{device}:{spec.model_dump_json()}"
    if key not in _LOADED:
        expert = expert_class(slot, spec)(spec)
        expert.load(device)
        _LOADED[key] = expert
    return _LOADED[key]
