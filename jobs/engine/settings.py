"""The settings of a run, merged from all their sources and validated before Spark starts.

A name means the same everywhere: `lift.min_points` is `--set lift.min_points=30`, the YAML `lift: {min_points: 30}` and
the environment variable SPATIALLAKE_LIFT__MIN_POINTS=30. Flags win over `--set`, then come the YAML file, the
environment, what the lake remembers, and the defaults.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationError, create_model
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.engine.errors import UsageError
from jobs.engine.layers import PREFIX, environment, is_file, merged, merged_settings, read_yaml, validated
from jobs.engine.registry import sections, stage_definitions
from jobs.engine.rules import Rule, Rules
from schemas.settings import did_you_mean, faults_of, nearest
from udfs.experts.expert import PROFILES, Profile, expert_class
from udfs.experts.pinning import pinned_profile
from udfs.storage.locations import normalized, spark_uri


def _is_served(uri: str) -> str:
    normalized(uri)
    return uri


Location = Annotated[str, AfterValidator(_is_served)]
Experts = Annotated[
    Annotated[str, Tag("name")] | Annotated[Profile, Tag("profile")],
    Discriminator(lambda given: "name" if isinstance(given, str) else "profile"),
]


def _spark_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _spark_names(given: Any) -> Any:
    """Return Spark's options under their full names: mappings joined, with the leading `spark.` where it lacks."""
    if not isinstance(given, Mapping):
        return given
    joined = dict(_joined("", given))
    return {name if name.startswith("spark.") else f"spark.{name}": value for name, value in joined.items()}


def _joined(above: str, given: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _joined(f"{above}{name}.", value)
        else:
            yield f"{above}{name}", value


def _of_stages(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    stages = stage_definitions().values() if rules else ()
    tables = sorted(one.table.name for one in stages if one.writing.takes_rules)
    for rule in rules:
        if rule.table not in tables:
            hint = did_you_mean(rule.table, tables)
            raise ValueError(f"rule {rule.name} checks {rule.table}, which is no table of single rows; {hint}")
    return rules


SparkValue = Annotated[str, BeforeValidator(_spark_text)]
SparkOptions = Annotated[dict[str, SparkValue], BeforeValidator(_spark_names)]


class _EngineSettings(BaseSettings):
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    lake: Location
    crawl: Location | None = None
    inventory: Location | None = None
    names_rise: bool = False
    experts: Experts = "sensor"
    checkpoints: Location | None = None
    master: str = "local[*]"
    driver_memory: str = "4g"
    shared_folders: tuple[str, ...] = ()
    store_locks: bool = True
    max_images_without_spark: int = Field(default=1_000, ge=0)
    spark: SparkOptions = Field(default_factory=dict)
    shard_size: int = Field(default=256, gt=0)
    max_failure_rate: float = Field(default=0.2, ge=0, le=1)
    gpus_per_task: float | None = Field(default=None, ge=0)
    rules: Annotated[Rules, AfterValidator(_of_stages)] = ()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use the caller's values only; `load_settings` merges the other sources."""
        return (init_settings,)


_FIELDS: dict[str, Any] = {name: (section, Field(default_factory=section)) for name, section in sections().items()}


class RunSettings(create_model("SectionedSettings", __base__=_EngineSettings, **_FIELDS)):
    """Everything that decides what a run does: the engine's settings and one section per stage."""

    if TYPE_CHECKING:

        def __init__(self, **settings: Any) -> None: ...

        def __getattr__(self, section: str) -> Any: ...

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
        """Return the expert profile (built in, read from a YAML file, or given whole) with its models pinned.

        Raises:
            UsageError: no such profile, file, expert family, option or score name, or an unpinned model.
        """
        name, profile = _profile_of(self.experts)
        try:
            profile = pinned_profile(profile)
        except ValueError as error:
            raise UsageError(f"Profile {name}: {error}") from error
        self._require_scores(profile)
        return profile

    def _require_scores(self, profile: Profile) -> None:
        known = expert_class("filter", profile.filter).score_names(profile.filter)
        if known is None:
            return
        for name in self.context.thresholds:
            if name not in known:
                raise UsageError(
                    f"context.thresholds.{name}: the filter {profile.filter.family} gives no such score; "
                    f"{did_you_mean(name, sorted(known))}"
                )


def _profile_of(experts: str | Profile) -> tuple[str, Profile]:
    if isinstance(experts, Profile):
        return experts.name, experts
    if experts in PROFILES:
        return experts, PROFILES[experts]
    if not is_file(experts):
        near = nearest(experts, PROFILES)
        choices = ", ".join(sorted(PROFILES))
        hint = (
            f"did you mean {near}?" if near else f"name one of {choices}, or a YAML file that exists, local or s3://."
        )
        raise UsageError(f"No expert profile {experts!r}; {hint}")
    try:
        return experts, Profile.model_validate({"name": PurePosixPath(experts).stem, **read_yaml(experts)})
    except ValidationError as error:
        raise UsageError(f"Profile {experts} does not validate: {faults_of(error, Profile)}") from error


def lake_named(flag: str | None, settings_file: str | None, overrides: Sequence[str]) -> str:
    """Return the lake that the flag, an override, the settings file or the environment names, the first one winning.

    Raises:
        UsageError: none does.
    """
    named = merged_settings(environment(RunSettings), settings_file, overrides, {"lake": flag}, RunSettings).get("lake")
    if not isinstance(named, str) or not named:
        raise UsageError("Name a lake: --lake LAKE, SPATIALLAKE_LAKE, or `lake: LAKE` in a file of --settings.")
    return named


def load_settings(
    flags: Mapping[str, Any],
    settings_file: str | None,
    overrides: Sequence[str],
    remembered: Mapping[str, Any] = MappingProxyType({}),
) -> RunSettings:
    """Merge flags, `section.key=value` overrides, a YAML file, the environment and `remembered`; the first ones win.

    `remembered` is what the lake was made with, by the same names. `experts` may be a whole profile as a mapping, and
    comes from one source alone. Flags that are None or empty, and empty environment variables, are ignored.

    Raises:
        UsageError: an unknown name, with the nearest known one, or a bad value.
    """
    base = merged([environment(RunSettings), remembered])
    return validated(RunSettings, merged_settings(base, settings_file, overrides, flags, RunSettings))
