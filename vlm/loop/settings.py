"""All settings of a training run; the names are also the keys of the YAML file."""

import os
from collections import Counter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.secrets import masked
from udfs.storage.locations import has_scheme, normalized
from vlm.feed.settings import FeedSettings
from vlm.loop.metric_names import metric_name
from vlm.mixture.settings import SPATIAL, MixtureSettings
from vlm.model.settings import ModelSettings


class OptimizerSettings(BaseModel):
    """AdamW and its learning rate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: float = Field(
        default=2e-4, gt=0, description="at its peak; suits LoRA and small models, 1e-5 all weights of a large one"
    )
    vision_encoder_lr_factor: float = Field(
        default=0.1, ge=0, description="of the learning rate, for a trained vision encoder"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="of matrices only")
    betas: tuple[float, float] = (0.9, 0.98)
    schedule: Literal["cosine", "constant"] = "cosine"
    warm_up_steps: int = Field(default=100, ge=0)
    min_lr_ratio: float = Field(default=0.05, ge=0, le=1, description="of the learning rate, at the end of a cosine")
    clip_norm: float = Field(default=1.0, gt=0)


class LoopSettings(BaseModel):
    """Steps, batches, devices and intervals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=1000, ge=1, description="optimizer steps")
    global_batch: int = Field(default=16, ge=1, description="examples per step, over all processes")
    micro_batch: int | None = Field(
        default=None, ge=1, description="examples per forward pass of a process; none: its whole share"
    )
    workers: int = Field(default=1, ge=0, description="data loader processes per rank")
    seed: int = Field(default=0, ge=0)
    device: Literal["auto", "cpu"] = "auto"
    mixed_precision: Literal["no", "bf16"] = "no"
    checkpoint_every: int = Field(default=500, ge=1, description="steps; also saved before evaluations")
    keep: int = Field(default=2, ge=1, description="checkpoints to keep")
    sample_every: int = Field(
        default=500, ge=1, description="steps between evaluations and sample answers; also before step 1"
    )
    samples: int = Field(default=6, ge=0, description="examples whose predictions are logged with their images")


class TrackingSettings(BaseModel):
    """Where and how MLflow tracks the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str | None = Field(
        default=None,
        description="none: MLFLOW_TRACKING_URI, the workspace on Databricks, or mlflow.db in the lake or in `out`",
    )
    artifacts: str | None = Field(
        default=None, description="folder or s3:// prefix of a new experiment's artifacts; none: MLflow's own choice"
    )
    experiment: str = "spatiallake"
    run_name: str | None = None
    registered_model: str | None = Field(default="spatiallake", description="none: do not register the model")
    system_metrics: bool = Field(default=True, description="log CPU, memory and disk use, if psutil is installed")


class EvaluationSettings(BaseModel):
    """Items to evaluate on every `loop.sample_every` steps, also with blank images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field(default="spatiallake", description="format of the items, as in `spatiallake evaluate --items`")
    path: str = Field(description="file or folder of the items")
    max_items: int = Field(default=200, ge=1, description="maximum number of items, evenly spread")
    batch: int = Field(default=16, ge=1, description="questions per batch")
    max_new_tokens: int = Field(default=48, ge=1, description="maximum length of an answer")


class TrainSettings(BaseModel):
    """One run. `feed` reads `training_examples` of `lake` unless it names a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str = Field(description="folder of checkpoints and the trained model")
    lake: str | None = None
    feed: FeedSettings | None = None
    mixture: MixtureSettings = MixtureSettings()
    model: ModelSettings
    optimizer: OptimizerSettings = OptimizerSettings()
    loop: LoopSettings = LoopSettings()
    evaluation: EvaluationSettings | None = None
    tracking: TrackingSettings = TrackingSettings()

    @model_validator(mode="before")
    @classmethod
    def _feed_of_lake(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("lake") or isinstance(given.get("feed"), FeedSettings):
            return given
        table = f"{normalized(given['lake'])}/training_examples"
        return {**given, "feed": {"table": table, **(given.get("feed") or {})}}

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        if not self.streams:
            raise ValueError("there is nothing to learn from; give `lake`, or name `mixture.streams`")
        metrics = Counter(metric_name(f"loss/{name}") for name in self.streams)
        twice = [name for name in self.streams if metrics[metric_name(f"loss/{name}")] > 1]
        if twice:
            raise ValueError(f"the streams {' and '.join(twice)} have the same name in MLflow; rename one")
        return self

    @model_validator(mode="after")
    def _somewhere_to_track(self) -> Self:
        local = any(place and not has_scheme(normalized(place)) for place in (self.lake, self.out))
        server = (
            self.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or os.environ.get("DATABRICKS_RUNTIME_VERSION")
        )
        if not (local or server):
            raise ValueError(
                "an object store holds no database of MLflow; name a server: `tracking.uri`, or MLFLOW_TRACKING_URI"
            )
        return self

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the names of the streams to train on."""
        general = tuple(stream.name for stream in self.mixture.streams)
        spatial = self.feed is not None and (self.mixture.spatial_share > 0 or not general)
        return (SPATIAL, *general) if spatial else general

    @property
    def _server(self) -> str | None:
        platform = "databricks" if "DATABRICKS_RUNTIME_VERSION" in os.environ else None
        return self.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or platform

    @property
    def tracking_uri(self) -> str:
        """Return MLflow's tracking URI."""
        if self._server:
            return self._server
        folders = [normalized(place) for place in (self.lake, self.out) if place]
        return f"sqlite:///{next(place for place in folders if not has_scheme(place))}/mlflow.db"


def flat(nested: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists of mappings, by dotted name, without credentials in URIs."""
    if isinstance(nested, dict):
        items = [(str(name), value) for name, value in nested.items()]
    elif isinstance(nested, list) and any(isinstance(value, dict) for value in nested):
        items = [(str(place), value) for place, value in enumerate(nested)]
    else:
        return {prefix: masked(nested) if isinstance(nested, str) else nested}
    found: dict[str, Any] = {}
    for name, value in items:
        found |= flat(value, f"{prefix}.{name}" if prefix else name)
    return found
