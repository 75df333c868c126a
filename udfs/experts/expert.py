"""What an expert is, how a profile names one, and the cache that loads each once per worker process."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

Photograph = dict[str, Any]
Prediction = dict[str, Any]


class Expert(Protocol):
    """A model, or a rule, for one slot of a profile.

    `columns` are the columns of `images` that `predict` reads, `load` is called once per worker process, and
    `predict` returns one prediction or one exception per photograph, so that a bad one never fails its batch.
    """

    columns: ClassVar[tuple[str, ...]]

    def load(self, device: str) -> None:
        """Load weights onto `device` (`cpu`, `cuda:0`, ..)."""
        ...

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return one prediction or exception per photograph, in order."""
        ...


class ExpertSpec(BaseModel):
    """Which expert fills a slot; every field goes into the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    model: str = "none"
    revision: str = "none"
    options: dict[str, float | int | str | bool] = Field(default_factory=dict)


class Profile(BaseModel):
    """One expert per slot: `filter` (scores), `context` (regions) and `depth` (depth, intrinsics, gravity)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    filter: ExpertSpec
    context: ExpertSpec
    depth: ExpertSpec


SENSOR = ExpertSpec(family="sensor")
PROFILES = {"sensor": Profile(name="sensor", filter=SENSOR, context=SENSOR, depth=SENSOR)}

_FAMILIES = {
    ("filter", "sensor"): "udfs.experts.sensor:SensorFilter",
    ("context", "sensor"): "udfs.experts.sensor:SensorRegions",
    ("depth", "sensor"): "udfs.experts.sensor:SensorDepth",
}

_LOADED: dict[str, Expert] = {}


def expert_class(slot: str, spec: ExpertSpec) -> type[Any]:
    """Return the class that fills `slot`.

    Raises:
        ValueError: no such family for the slot; the message names those there are.
    """
    target = _FAMILIES.get((slot, spec.family))
    if target is None:
        known = ", ".join(sorted(family for (one, family) in _FAMILIES if one == slot))
        raise ValueError(f"Slot {slot!r} has no expert family {spec.family!r}; choose one of: {known}.")
    module, name = target.split(":")
    return getattr(import_module(module), name)


def loaded_expert(slot: str, spec: ExpertSpec, device: str = "cpu") -> Expert:
    """Return the expert of this worker process, loading it at the first call."""
    key = f"{slot}:{device}:{spec.model_dump_json()}"
    if key not in _LOADED:
        expert = expert_class(slot, spec)(spec)
        expert.load(device)
        _LOADED[key] = expert
    return _LOADED[key]
