"""The settings of a run: read from flags, a YAML file and the environment, validated before Spark starts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.engine.errors import UsageError
from udfs.experts.expert import PROFILES, Profile
from udfs.experts.pinning import pinned_profile
from udfs.stages.disambiguate import DisambiguateSettings
from udfs.stages.examples import ExamplesSettings
from udfs.stages.ingest import IngestLimits
from udfs.stages.lift import LiftSettings
from udfs.stages.synthesize import SynthesizeSettings
from udfs.storage.locations import spark_uri

_ENVIRONMENT_PREFIX = "SPATIALLAKE_"
ModelT = TypeVar("ModelT", bound=BaseModel)


class ContextSettings(BaseModel):
    """Least filter scores that a photograph needs to go on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    thresholds: dict[str, float] = Field(default_factory=lambda: {"spatial": 0.5})


class RunSettings(BaseModel):
    """Everything that decides what a run does; the same names are flags, YAML keys and environment variables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lake: str
    crawl: str | None = None
    experts: str = "sensor"
    checkpoints: str | None = None
    master: str = "local[*]"
    driver_memory: str = "4g"
    spark: dict[str, str] = Field(default_factory=dict)
    shard_size: int = Field(default=256, gt=0)
    max_failure_rate: float = Field(default=0.2, ge=0, le=1)
    gpus_per_task: float | None = Field(default=None, ge=0)
    ingest: IngestLimits = IngestLimits()
    context: ContextSettings = ContextSettings()
    lift: LiftSettings = LiftSettings()
    disambiguate: DisambiguateSettings = DisambiguateSettings()
    synthesize: SynthesizeSettings = SynthesizeSettings()
    examples: ExamplesSettings = ExamplesSettings()

    @property
    def lake_uri(self) -> str:
        """Return the lake as Spark names it: local folders absolute, `s3://` as `s3a://`."""
        return spark_uri(self.lake)

    @property
    def checkpoint_uri(self) -> str:
        """Return the root of checkpoints, `_checkpoints` in the lake unless set."""
        return spark_uri(self.checkpoints) if self.checkpoints else f"{self.lake_uri}/_checkpoints"

    @property
    def needs_s3(self) -> bool:
        """Return whether Spark itself has to reach an object store."""
        return self.lake_uri.startswith("s3a://") or self.checkpoint_uri.startswith("s3a://")

    def profile(self) -> Profile:
        """Return the expert profile, built in or read from a YAML file, with its models pinned.

        Raises:
            UsageError: no such profile, file or expert family, one that does not validate, or an unpinned model.
        """
        if self.experts in PROFILES:
            return PROFILES[self.experts]
        path = Path(self.experts)
        if not path.is_file():
            known = ", ".join(sorted(PROFILES))
            raise UsageError(f"No expert profile {self.experts!r}: name one of {known}, or a YAML file.")
        profile = validated(Profile, {"name": path.stem, **read_yaml(path)})
        try:
            return pinned_profile(profile)
        except ValidationError as error:
            raise UsageError(f"Profile {path} does not validate: {_faults(error)}.") from error
        except ValueError as error:
            raise UsageError(f"Profile {path}: {error}") from error


def load_settings(flags: dict[str, Any], settings_file: str | None, overrides: Sequence[str]) -> RunSettings:
    """Merge environment, YAML file, `section.key=value` overrides and flags, the later ones winning.

    Raises:
        UsageError: an unknown name or a bad value; the message says which.
    """
    merged: dict[str, Any] = {}
    for name in RunSettings.model_fields:
        value = os.environ.get(_ENVIRONMENT_PREFIX + name.upper())
        if value is not None:
            merged[name] = yaml.safe_load(value) if name in _SECTIONS else value
    return validated(RunSettings, merged_settings(merged, settings_file, overrides, flags))


def merged_settings(
    base: dict[str, Any], settings_file: str | None, overrides: Sequence[str], flags: dict[str, Any]
) -> dict[str, Any]:
    """Merge a YAML file, `section.key=value` overrides and flags into `base`; flags that are None say nothing.

    Raises:
        UsageError: no such file, or an override that is none.
    """
    if settings_file:
        path = Path(settings_file)
        if not path.is_file():
            raise UsageError(f"No settings file {settings_file!r}; give --settings a YAML file that exists.")
        base = _deep_merge(base, read_yaml(path))
    for override in overrides:
        base = _deep_merge(base, _parse_override(override))
    return _deep_merge(base, _said(flags))


_SECTIONS = {"spark", "ingest", "context", "lift", "disambiguate", "synthesize", "examples"}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping.

    Raises:
        UsageError: it is no YAML mapping.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds {type(content).__name__}, and a mapping of settings is needed.")
    return content


def validated(model: type[ModelT], values: dict[str, Any]) -> ModelT:
    """Return the validated model.

    Raises:
        UsageError: one sentence per bad value, with its name and the reason.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"Settings do not validate: {_faults(error)}.") from error


def _faults(error: ValidationError) -> str:
    # A fault of several values together has no one name and input.
    return "; ".join(
        fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "value_error" and isinstance(fault["input"], dict)
        else f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        if fault["type"] == "missing"
        else f"{'.'.join(map(str, fault['loc']))} = {fault['input']!r}: {fault['msg']}"
        for fault in error.errors()
    )


def _parse_override(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text!r} is not NAME=VALUE, such as `lift.min_points=30`.")
    parsed: Any = yaml.safe_load(value)
    for part in reversed(name.split(".")):
        parsed = {part: parsed}
    return parsed


def _said(flags: dict[str, Any]) -> dict[str, Any]:
    found = {name: _said(value) if isinstance(value, dict) else value for name, value in flags.items()}
    return {name: value for name, value in found.items() if value is not None and value != {}}


def _deep_merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _deep_merge(merged[name], value) if both else value
    return merged
