"""The definition of a study: its sizes, its conditions and its folders."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from jobs.engine.errors import UsageError
from udfs.storage.atomic import written_whole

BASE = Path(__file__).with_name("base")


class Sizes(BaseModel):
    """The sizes of a study; the defaults take some hours on two cores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(default=10_000, description="rooms to train on")
    held_out: int = Field(default=800, description="rooms to ask about")
    few: int = Field(default=4_000, description="images for the comparison of built-in experts and sensors")
    width: int = Field(default=256, description="px")
    height: int = Field(default=192, description="px")
    short_share: float = Field(default=0.7, description="share of spatial answers of a word or two")
    lengths: str = Field(default="meters", description="units of lengths")
    general_max: int = Field(default=120_000, description="general questions per kind for training")
    general_items: int = Field(default=150, description="general questions per kind for evaluation")
    items_max: int = Field(default=60, description="spatial questions per type for evaluation")
    texts: int = Field(
        default=20_000, description="answers, and as many general entries, that the tokenizer is fitted on"
    )
    scaled_on: int = Field(default=256, description="images for scaling the features of the vision encoder")
    layers: int = Field(default=6, description="layers of the decoder")
    hidden: int = Field(default=192, description="hidden size of the decoder")
    base_steps: int = Field(default=5_000, description="optimizer steps of the base")
    steps: int = Field(default=3_000, description="optimizer steps of every run, starting from the base")
    warm_up: int = 100
    batch: int = Field(default=16, description="examples per step")
    base_rate: float = Field(default=8e-4, description="learning rate of the base")
    rate: float = Field(default=8e-4, description="learning rate of every run")


SMOKE = Sizes(
    images=60, held_out=30, few=24, general_max=400, general_items=5, items_max=3, texts=2_000, scaled_on=16,
    layers=2, hidden=64, base_steps=30, steps=6, warm_up=2, batch=8,
)  # fmt: skip


class Condition(NamedTuple):
    """A condition trained from the base: its lake, noise, share of spatial tokens, and frozen parts."""

    lake: str = "sensor"
    noise_m: float = 0.0
    spatial_share: float = 0.75
    freeze_vision_encoder: bool = True
    times: int = 1  # factor on the number of steps


CONDITIONS = {
    "none": Condition(spatial_share=0.0),
    "spatial": Condition(),
    "unfrozen": Condition(freeze_vision_encoder=False),
    "noise_0.1": Condition(noise_m=0.1),
    "noise_0.2": Condition(noise_m=0.2),
    "noise_0.3": Condition(noise_m=0.3),
    "share_5": Condition(spatial_share=0.05),
    "builtin": Condition(lake="builtin"),
    "sensor_few": Condition(lake="few"),
    "long": Condition(times=3),
}
_LONG = "long"


class Study(BaseModel):
    """One study in the folder `work`.

    `only` names the conditions to train, by default all except `long`, with `processes` runs at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    work: Path
    sizes: Sizes = Sizes()
    seeds: int = Field(default=2, ge=1)
    only: tuple[str, ...] = ()
    processes: int = Field(default=1, ge=1)
    begin: Path | None = Field(default=None, description="folder of a model that a base continues, with more layers")
    committed: Path = Field(default=BASE, description="folder of a base to use instead of training one")

    @property
    def named(self) -> dict[str, Condition]:
        """Return the conditions in `only`, or all, by name.

        Raises:
            UsageError: a condition does not exist.
        """
        unknown = next((name for name in self.only if name not in CONDITIONS), None)
        if unknown is not None:
            raise UsageError(f"There is no condition {unknown!r}; the conditions are {', '.join(CONDITIONS)}.")
        return {name: condition for name, condition in CONDITIONS.items() if name in (self.only or CONDITIONS)}

    @property
    def conditions(self) -> dict[str, Condition]:
        """Return the conditions to train by name, `long` only if it is named."""
        return {name: condition for name, condition in self.named.items() if self.only or name != _LONG}

    @property
    def lakes(self) -> tuple[str, ...]:
        """Return the required lakes, always including those of sensors and of held-out rooms."""
        also = {condition.lake for condition in self.conditions.values()} - {"sensor"}
        return ("sensor", "held_out", *sorted(also))

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Return all (condition, seed), ordered by seed."""
        return [(condition, seed) for seed in range(1, self.seeds + 1) for condition in self.conditions]

    def crawl(self, name: str) -> Path:
        """Return the folder of a crawl: `sensor`, `held_out`, `few` or `builtin`."""
        return self.work.absolute() / "crawls" / name

    def lake(self, name: str) -> Path:
        """Return the folder of a lake, which is named like its crawl."""
        return self.work.absolute() / "lakes" / name

    def folder(self, *parts: str) -> Path:
        """Return a folder of the study."""
        return self.work.absolute().joinpath(*parts)


class Marks:
    """The state of all steps, with the settings they were started with."""

    def __init__(self, work: Path) -> None:
        self._folder = work / "steps"

    def done(self, step: str, settings: dict[str, Any]) -> bool:
        """Return whether a step is finished.

        Raises:
            UsageError: it was started with other settings.
        """
        path = self._path(step)
        if not path.is_file():
            return False
        held = json.loads(path.read_text())
        now = json.loads(json.dumps(settings))
        for name in sorted(held["settings"].keys() | now.keys()):
            before = held["settings"].get(name)
            if before != now.get(name):
                raise UsageError(
                    f"Step {step} in {self._folder.parent} was started with {name} = {before!r}, now it is "
                    f"{now.get(name)!r}; use another --work, or remove that folder to start over."
                )
        return held["done"]

    def begin(self, step: str, settings: dict[str, Any]) -> None:
        """Mark a step as started."""
        self._write(step, settings, done=False)

    def finish(self, step: str, settings: dict[str, Any]) -> None:
        """Mark a step as finished."""
        self._write(step, settings, done=True)

    def _path(self, step: str) -> Path:
        return self._folder / f"{step}.json"

    def _write(self, step: str, settings: dict[str, Any], done: bool) -> None:
        with written_whole(self._path(step)) as draft:
            draft.write_text(json.dumps({"settings": settings, "done": done}, indent=1))
