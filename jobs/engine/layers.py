"""Merges sources of settings: flags, `--set`, a YAML file, the environment and a base."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_origin

import yaml
from botocore.exceptions import BotoCoreError
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings.sources import EnvSettingsSource

from jobs.engine.errors import UsageError
from schemas.plugins import PLUGINS_VARIABLE
from schemas.secrets import shown
from schemas.settings import faults_of, nearest, setting_names
from udfs.storage.files import MissingFile, TooLarge, file_status, read_bytes
from udfs.storage.locations import UnservedLocation, normalized

PREFIX = "SPATIALLAKE_"
# Variables that are read elsewhere, and those that Kubernetes sets for a service called spatiallake.
_OTHER_VARIABLES = re.compile(
    rf"{PLUGINS_VARIABLE}|{PREFIX}(HOME|JAVA_OPTIONS|SKIP_BROWSER|TEST_.*|SERVICE_(HOST|PORT.*)|PORT(_.*)?)"
)
# A mapping under these names comes from one source: halves of two profiles make no profile.
_WHOLE = ("experts",)
_MAX_FILE_BYTES = 2**20
ModelT = TypeVar("ModelT", bound=BaseModel)


def merged_settings(
    base: Mapping[str, Any],
    settings_file: str | None,
    overrides: Sequence[str],
    flags: Mapping[str, Any],
    model: type[BaseModel] | None = None,
) -> dict[str, Any]:
    """Merge flags, `section.key=value` overrides, a YAML file and `base`, the first ones winning.

    Flags that are None or empty are ignored. `model` tells which settings are mappings; their keys may contain dots.

    Raises:
        UsageError: no such file, or an override that is not NAME=VALUE.
    """
    named = [_parsed(override, model) for override in reversed(overrides)]
    return merged([_without_empty(flags), *named, _file(settings_file) if settings_file else {}, base])


def merged(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge mappings at every depth, the first ones winning."""
    whole = {name: layer[name] for layer in reversed(layers) for name in _WHOLE if name in layer}
    partial = [{name: value for name, value in layer.items() if name not in _WHOLE} for layer in layers]
    return {**(_Merged(**{"layers": partial}).model_extra or {}), **whole}


class _Merged(BaseSettings):
    model_config = SettingsConfigDict(extra="allow")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return tuple(_Layer(settings_cls, layer) for layer in init_settings()["layers"])


class _Layer(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


class _Environment(EnvSettingsSource):
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        # YAML includes JSON, and writes lists and mappings as the settings file does.
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ValueError(f"it is not valid YAML, {_yaml_fault(error)}") from None


def environment(model: type[BaseSettings]) -> dict[str, Any]:
    """Return the settings that SPATIALLAKE_* variables give; `__` separates a section from its settings.

    Raises:
        UsageError: a variable is not a setting, or its value is not valid YAML.
    """
    names = list(setting_names(model))
    settings = [name for name in names if not any(other.startswith(f"{name}.") for other in names)]
    for variable in sorted(os.environ):
        name = variable.removeprefix(PREFIX).lower().replace("__", ".")
        read = name in names or _OTHER_VARIABLES.fullmatch(variable)
        # The rest of the name is a key of a setting that is a mapping.
        if variable.startswith(PREFIX) and not read and not name.startswith(tuple(f"{one}." for one in settings)):
            near = nearest(name, names)
            hint = f"did you mean {PREFIX}{near.replace('.', '__').upper()}?" if near else "unset it."
            raise UsageError(f"The environment variable {variable} is not a setting; {hint}")
    try:
        return _Environment(model)()
    except SettingsError as error:
        raise UsageError(f"An environment variable cannot be read: {error} ({error.__cause__}).") from error


def validated(model: type[ModelT], values: Mapping[str, Any]) -> ModelT:
    """Return the validated model.

    Raises:
        UsageError: each bad value with its name and the reason, in one sentence.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"Settings do not validate: {faults_of(error, model)}") from error


def is_file(uri: str) -> bool:
    """Return whether a local path or an `s3://` URI names a file.

    Raises:
        UsageError: a scheme that is not served, or an object store that cannot be asked.
    """
    try:
        return file_status(normalized(uri)) is not None
    except UnservedLocation as error:
        raise UsageError(str(error)) from None
    except BotoCoreError as error:
        raise _unreachable(uri, error) from None


def read_yaml(uri: str) -> dict[str, Any]:
    """Return the mapping of a YAML file, local or `s3://`.

    Raises:
        UsageError: the file cannot be read, is not valid YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(read_bytes(normalized(uri), _MAX_FILE_BYTES).decode("utf-8"))
    except BotoCoreError as error:
        raise _unreachable(uri, error) from None
    except (MissingFile, TooLarge) as error:
        raise UsageError(f"{error} Settings and profiles are YAML files of at most 1 MiB.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{uri} is not valid YAML: it is no UTF-8 text ({error.reason}).") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{uri} is not valid YAML: {_yaml_fault(error)}.") from None
    if not isinstance(content, dict):
        raise UsageError(f"{uri} holds {type(content).__name__}; it must hold a mapping of settings.")
    return content


def _unreachable(uri: str, error: BotoCoreError) -> UsageError:
    reason = " ".join(str(error).split()).rstrip(".")
    return UsageError(f"{uri} cannot be read ({reason}); check the credentials, AWS_REGION and AWS_ENDPOINT_URL.")


def _file(settings_file: str) -> dict[str, Any]:
    if not is_file(settings_file):
        raise UsageError(
            f"No settings file {settings_file!r}; give --settings a YAML file that exists, local or s3://."
        )
    return read_yaml(settings_file)


def _parsed(override: str, model: type[BaseModel] | None) -> dict[str, Any]:
    name, equals, value = override.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {shown(override, override)} is not NAME=VALUE, such as `lift.min_points=30`.")
    try:
        parsed: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {name}: the value is not valid YAML ({_yaml_fault(error)}).") from None
    for part in reversed(_path(name, model)):
        parsed = {part: parsed}
    return parsed


def _yaml_fault(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, without the line itself, which may hold a secret."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be read"
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}" if mark else problem


def _path(name: str, model: type[BaseModel] | None) -> list[str]:
    """Split a dotted name; after a setting that is a mapping, such as `spark`, the rest is one key."""
    head, dot, rest = name.partition(".")
    field = model.model_fields.get(head) if model else None
    inner = field.annotation if field else None
    if not dot:
        return [head]
    if get_origin(inner) is dict:
        return [head, rest]
    return [head, *_path(rest, inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None)]


def _without_empty(flags: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: _without_empty(value) if isinstance(value, dict) else value for name, value in flags.items()}
    return {name: value for name, value in filled.items() if value is not None and value not in ("", {}, [])}
