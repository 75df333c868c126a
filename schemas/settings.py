"""Settings models: frozen, strict about names, and with errors that name the nearest setting."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from schemas.secrets import HIDDEN, is_secret, masked, shown


class Settings(BaseModel):
    """Base of every group of settings and of every expert's options; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known dotted name that `name` was most likely meant to be, None where none is close.

    The same last part in another section comes first, then close names of the same section, then any close last part.
    """
    names = list(known)
    section, _, last = name.rpartition(".")
    siblings = {other.rpartition(".")[2]: other for other in names if other.rpartition(".")[0] == section}
    everywhere = {other.rpartition(".")[2]: other for other in reversed(names)}
    for candidates, cutoff in ((everywhere, 1.0), (siblings, 0.6), (everywhere, 0.6)):
        close = difflib.get_close_matches(last, candidates, 1, cutoff)
        if close:
            return candidates[close[0]]
    return None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the nearest known name, else all of them."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean {near}?"
    return f"known names: {', '.join(names)}." if names else "there are no known names."


def setting_names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all settings of a model, sections before their settings."""
    for name, field in model.model_fields.items():
        yield prefix + name
        for inner in _models_in(field.annotation):
            if inner is not model:
                yield from setting_names(inner, f"{prefix}{name}.")


def faults_of(error: ValidationError, model: type[BaseModel]) -> str:
    """Return validation errors as the rest of one sentence: each value by its dotted name, with the reason."""
    faults = "; ".join(_fault(fault, model) for fault in error.errors())
    return faults if faults.endswith(("?", ".")) else f"{faults}."


def _fault(fault: ErrorDetails, model: type[BaseModel]) -> str:
    name = ".".join(map(str, fault["loc"]))
    reason = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        owner, section = _model_at(model, fault["loc"][:-1]), name.rpartition(".")[0]
        siblings = [f"{section}.{field}" if section else field for field in (owner.model_fields if owner else ())]
        near = nearest(name, [*siblings, *setting_names(model)])
        return f"{name} is not a setting; {did_you_mean(name, [near] if near else siblings)}"
    if fault["type"] == "missing":
        return f"{name}: {reason}"
    # A rule over several values together belongs to no single name and input.
    if fault["type"] == "value_error" and isinstance(fault["input"], dict):
        return masked(reason)
    return f"{name} = {shown(name, fault['input'])}: {HIDDEN if is_secret(name) else masked(reason)}"


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that `location` leads to; keys of mappings and positions in lists are skipped."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        inner = _models_in(field.annotation)
        if len(inner) != 1:
            return None
        model = inner[0]
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
