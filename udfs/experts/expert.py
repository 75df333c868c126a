"""What an expert is, how a profile names one, and the cache that loads each once per worker process."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from schemas.plugins import modules_with
from schemas.settings import Settings, did_you_mean, faults_of
from udfs.experts import families
from udfs.experts.depth_fit import DepthFit

# A row of `images`, or some of its columns.
ImageRow = dict[str, Any]
Prediction = dict[str, Any]
GROUP = "spatiallake.experts"

# Options that change how fast an expert works and never what it predicts.
_OF_SPEED = frozenset({"batch_size"})


class ExpertSpec(Settings):
    """Which expert fills a slot; every field but `timeout_s`, and `batch_size` among the options, goes into the recipe.

    `family` is a module of `udfs.experts.families`, a plugin's module, or the dotted name of any module. `model` is a
    Hugging Face id or a local folder and `revision` pins it. An expert made of others, as regions are of a detector, a
    segmenter and a captioner, names them in `parts`. An image that alone takes longer than `timeout_s` is quarantined.
    """

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


class Profile(Settings):
    """One expert per slot: `filter` (scores), `context` (regions) and `depth` (depth, intrinsics, gravity)."""

    name: str = "custom"
    filter: ExpertSpec
    context: ExpertSpec
    depth: ExpertSpec


SENSOR = ExpertSpec(family="sensor")
# the revision is the beginning of the SHA-256 of the packaged weights
BUILTIN = ExpertSpec(family="builtin", revision="7b65f25e5179")
PROFILES = {
    "sensor": Profile(name="sensor", filter=SENSOR, context=SENSOR, depth=SENSOR),
    "builtin": Profile(name="builtin", filter=BUILTIN, context=BUILTIN, depth=BUILTIN),
}


class Options(Settings):
    """Base of the options of a family; an unknown name is an error."""


class Expert(ABC):
    """The base of all experts: a model, or a rule, built from its spec to fill a slot.

    `needed_parts` and `optional_parts` map the names of the experts that it is made of to the slots that they fill;
    `self.parts` holds them.
    """

    options_type: ClassVar[type[Options]] = Options
    needs_model: ClassVar[bool] = True
    needed_parts: ClassVar[Mapping[str, str]] = {}
    optional_parts: ClassVar[Mapping[str, str]] = {}

    def __init__(self, spec: ExpertSpec) -> None:
        self.spec = spec
        self.options: Any = self.checked(spec)
        self.device = "cpu"
        slots = {**self.needed_parts, **self.optional_parts}
        self.parts: dict[str, Any] = {name: expert_class(slots[name], part)(part) for name, part in spec.parts.items()}

    @classmethod
    def checked(cls, spec: ExpertSpec) -> Any:
        """Return the validated options of a spec whose parts are those that the family takes.

        Raises:
            ValueError: a part is missing or unknown, or an option is unknown or out of its range.
        """
        known = {**cls.needed_parts, **cls.optional_parts}
        for name in spec.parts:
            if name not in known:
                raise ValueError(f"Family {spec.family} takes no part {name!r}; {did_you_mean(name, known)}")
        missing = [name for name in cls.needed_parts if name not in spec.parts]
        if missing:
            raise ValueError(
                f"Family {spec.family} lacks its part {missing[0]!r}; it needs {' and '.join(cls.needed_parts)}."
            )
        try:
            return cls.options_type.model_validate(spec.options)
        except ValidationError as error:
            raise ValueError(f"The options of {spec.family}: {faults_of(error, cls.options_type)}") from error

    @classmethod
    def resolved(cls, spec: ExpertSpec) -> ExpertSpec:
        """Return the spec with every option written out, its own and its parts'; runs on the driver, loads no model.

        Raises:
            ValueError: as `checked`, or a family that needs a model has none.
        """
        if cls.needs_model and spec.model == "none":
            raise ValueError(f"Family {spec.family} needs a `model`: a Hugging Face id with `revision`, or a folder.")
        options, slots = cls.checked(spec), {**cls.needed_parts, **cls.optional_parts}
        parts = {name: expert_class(slots[name], part).resolved(part) for name, part in spec.parts.items()}
        return spec.model_copy(update={"options": options.model_dump(mode="json"), "parts": parts})

    @abstractmethod
    def load(self, device: str) -> None:
        """Load weights onto `device` (`cpu`, `cuda:0`, ..), once per worker process; raises ModelUnavailable."""


class ImageExpert(Expert):
    """An expert for a slot of the profile: from rows of `images` to predictions.

    `columns` are the columns of `images` that `predict` reads. A model runs in a process of its own, since it can crash
    or hang; a rule sets `isolated = False` and runs in the worker.
    """

    columns: ClassVar[tuple[str, ...]] = ("bytes",)
    isolated: ClassVar[bool] = True
    # What it was trained on, such as "rendered rooms", where it knows nothing else.
    trained_on: ClassVar[str | None] = None
    # What `spatiallake calibrate` sets of a depth expert; none where nothing can be fitted.
    calibrated_options: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def score_names(cls, spec: ExpertSpec) -> frozenset[str] | None:
        """Return the names of the scores that a filter gives, None where they are known only to the loaded model."""
        return None

    @classmethod
    def options_of_fit(cls, fit: DepthFit) -> dict[str, Any]:
        """Return the `calibrated_options` of a depth expert that make it agree with true depth."""
        return {}

    @abstractmethod
    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return one prediction or exception per image, in order, so that a bad image never fails its batch."""


_LOADED: dict[str, Any] = {}


def expert_class(slot: str, spec: ExpertSpec) -> type[Any]:
    """Return the class that fills `slot`: a family is the module of its name, whose `SLOTS` maps slots to classes.

    Raises:
        ValueError: no such family, or it does not fill the slot; the message names the nearest that does.
    """
    module = _family(spec.family)
    slots = getattr(module, "SLOTS", {})
    if slot not in slots:
        fills = f"fills {', '.join(slots)}" if slots else "does not exist"
        near = did_you_mean(spec.family, [name for name, other in _families().items() if slot in other.SLOTS])
        raise ValueError(f"The slot {slot} has no expert family {spec.family!r}, which {fills}; {near}")
    if not issubclass(slots[slot], Expert):
        raise ValueError(
            f"{slots[slot].__name__} of the expert family {spec.family} must derive from udfs.experts.expert.Expert; "
            "see docs/experts.md."
        )
    return slots[slot]


def _family(name: str) -> ModuleType | None:
    if "." in name:
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            raise ValueError(
                f"Expert family {name!r} cannot be imported ({error}); put its package on the path of driver and "
                "workers."
            ) from error
    # Only the family that is asked for: a worker need not import all of them.
    own = {module.name for module in iter_modules(families.__path__)}
    return import_module(f"{families.__name__}.{name}") if name in own else _families().get(name)


def _families() -> dict[str, ModuleType]:
    """Return all families by name, ours before those of plugins."""
    modules = list(modules_with("SLOTS", families, GROUP))
    return {module.__name__.rpartition(".")[2]: module for module in reversed(modules)}


def is_isolated(slot: str, spec: ExpertSpec) -> bool:
    """Return whether the expert runs in a process of its own, as every learned one does."""
    return expert_class(slot, spec).isolated


def loaded_expert(slot: str, spec: ExpertSpec, device: str = "cpu") -> Any:
    """Return the expert of this worker process, loading it at the first call."""
    key = f"{slot}:{device}:{spec.model_dump_json()}"
    if key not in _LOADED:
        expert = expert_class(slot, spec)(spec)
        expert.load(device)
        _LOADED[key] = expert
    return _LOADED[key]
