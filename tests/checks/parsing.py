"""Say what is wrong with a command line, without running it."""

import importlib
import importlib.util
import pkgutil
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import typer

import jobs.cli
from jobs.cli.options import app
from jobs.engine.settings import RunSettings
from schemas.settings import setting_names
from tests.checks.command_lines import CommandLine
from tests.checks.tracked import ROOT
from vlm.loop.settings import TrainSettings

# What every machine has; anything else that a page asks to run is installed by `make` into .venv.
SYSTEM = ("make", "git", "cd", "export", "mkdir", "cp", "echo", ".ci/run")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_./-]*|<.*>")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
# Typer brings a copy of click from some version on; this is the error of the one it uses.
_UsageError: Any = typer.BadParameter.__bases__[0]


@cache
def application() -> Any:
    """Return the command's group of commands, with every module that registers some imported."""
    for module in pkgutil.iter_modules(jobs.cli.__path__):
        if module.name != "__main__":
            importlib.import_module(f"jobs.cli.{module.name}")
    return typer.main.get_command(app)


def commands(group: Any = None, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return every command by its words, those of nested groups too."""
    found: dict[tuple[str, ...], Any] = {}
    group = group or application()
    context = typer.Context(group)
    for name in group.list_commands(context):
        words, command = (*before, name), group.get_command(context, name)
        if hasattr(command, "commands"):
            found |= commands(command, words)
            if not command.invoke_without_command:
                continue
        found[words] = command
    return found


def fault(line: CommandLine) -> str | None:
    """Return what is wrong with a command line, nothing if it parses."""
    words = line.words
    while words and _ASSIGNMENT.match(words[0]):
        words = words[1:]
    if not words or "$(" in line.text:
        return None
    told = [_parse_fault(words, line.whole and "..." not in line.text)]
    if line.whole or words[0] == "uv":
        told.append(_program_fault(words[0]))
    return "; ".join(one for one in told if one) or None


def _program_fault(program: str) -> str | None:
    if program in SYSTEM:
        return None
    installed = program.removeprefix(".venv/bin/")
    if not (Path(sys.executable).parent / installed).exists():
        return f"{installed} is neither on every machine nor installed by make"
    return None if program != installed else f"{program} is not on the PATH after make; write .venv/bin/{program}"


def _parse_fault(words: list[str], whole: bool) -> str | None:
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "uv" and rest[:1] == ["run"]:
        program, rest = rest[1], rest[2:]
    if program == "spatiallake":
        return _cli_fault(rest, whole)
    if program == "make":
        return next((f"the Makefile has no target {word}" for word in rest if word not in targets()), None)
    return _module_fault(rest, whole) if program in ("python", "torchrun", "accelerate") else None


@cache
def targets() -> frozenset[str]:
    """Return the targets of the Makefile."""
    return frozenset(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _module_fault(words: list[str], whole: bool) -> str | None:
    if "-m" not in words:
        return None
    name, rest = words[words.index("-m") + 1], words[words.index("-m") + 2 :]
    if _PLACEHOLDER.fullmatch(name):
        return None
    try:
        found = importlib.util.find_spec(name)
        if found is not None and found.submodule_search_locations is not None:
            found = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        return f"python -m {name} finds no module"
    if name in ("spatiallake", "jobs.cli"):
        return _cli_fault(rest, whole)
    if name.split(".")[0] not in ("benchmarks", "studies", "infra"):
        return None
    with open(found.origin, encoding="utf-8") as source:
        known = source.read()
    options = (word.partition("=")[0] for word in rest if word.startswith("--"))
    return next((f"{name} has no option {option}" for option in options if f'"{option}"' not in known), None)


def _cli_fault(words: list[str], whole: bool) -> str | None:
    command = application()
    context = typer.Context(command, info_name="spatiallake")
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        if inner is None:
            return None if _PLACEHOLDER.fullmatch(words[0]) else f"no command {words[0]!r}"
        command, words = inner, words[1:]
        context = typer.Context(command, info_name=command.name, parent=context)
    if hasattr(command, "commands") and not command.invoke_without_command and words != ["--help"] and whole:
        return f"{context.command_path} needs a command"
    if not whole and words and words[-1].startswith("--"):  # a mention of an option without its value
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        if words[-1].partition("=")[0] not in known:
            return f"No such option: {words[-1]}"
        words = words[:-1]
    try:
        given, left, _ = command.make_parser(context).parse_args(list(words))
    except _UsageError as error:
        return error.format_message()
    if left:
        return f"one argument too many: {left[0]!r}"
    told = _setting_fault(command.name, given.get("set_") or given.get("overrides") or [])
    if told:
        return told
    for parameter in command.params:
        told = _parameter_fault(parameter, given.get(str(parameter.name)), context, whole)
        if told:
            return told
    return None


def _setting_fault(command: str, overrides: list[str]) -> str | None:
    """Return which names of `--set` no setting has; a name below one, as of a mapping, is one of its keys."""
    if any(_PLACEHOLDER.fullmatch(override) for override in overrides):
        return None
    model = TrainSettings if command == "train" else RunSettings
    known = set(setting_names(model))
    mappings = tuple(f"{name}." for name in known if not any(other.startswith(f"{name}.") for other in known))
    names = {override.partition("=")[0] for override in overrides}
    unknown = {name for name in names if name not in known and not name.startswith(mappings)}
    return f"no setting {', '.join(sorted(unknown))}" if unknown else None


def _parameter_fault(parameter: Any, value: object, context: typer.Context, whole: bool) -> str | None:
    names = "/".join(parameter.opts)
    if value is None or value == () or value == []:
        return f"{names} is missing" if parameter.required and whole else None
    if any(isinstance(one, str) and _PLACEHOLDER.fullmatch(one) for one in _flat(value)):
        return None
    try:
        parameter.process_value(context, value)
    except _UsageError as error:
        return f"{names}: {error.format_message()}"
    return None


def _flat(value: object) -> list[object]:
    if isinstance(value, list | tuple):
        return [inner for one in value for inner in _flat(one)]
    return [value]
