"""All stages, those of `jobs.stages` and those of plugins, in an order in which they can run."""

import os
from functools import lru_cache
from types import MappingProxyType

from pydantic import BaseModel

import jobs.stages
from jobs.engine.errors import UsageError
from jobs.engine.outlines import GROUP
from jobs.engine.stage import StageDefinition
from schemas.plugins import PLUGINS_VARIABLE, modules_with
from schemas.table import Table


def stage_definitions() -> MappingProxyType[str, StageDefinition]:
    """Return every stage by name, each after the stages whose tables it reads, those of `run` first.

    A module is found when it defines `STAGE`, a `StageDefinition`: in the package `jobs.stages`, under the
    entry point group `spatiallake.stages`, or named in SPATIALLAKE_PLUGINS.

    Raises:
        UsageError: stages clash, read a table that no stage writes, or read each other's tables.
        PluginUnavailable: a plugin that cannot be imported.
    """
    return _definitions(os.environ.get(PLUGINS_VARIABLE, ""))


def definition_of(name: str) -> StageDefinition:
    """Return one stage.

    Raises:
        UsageError: no stage has this name; the message lists the names.
    """
    known = stage_definitions()
    if name not in known:
        raise UsageError(f"No stage {name!r}; the stages are {', '.join(known)}.")
    return known[name]


def run_stages() -> tuple[str, ...]:
    """Return the names of the stages that `spatiallake run` runs, in order."""
    return tuple(name for name, definition in stage_definitions().items() if definition.in_run)


def order_of_stages() -> dict[str, str]:
    """Return the stage that each stage follows (a source follows itself), in order."""
    return {name: definition.upstream for name, definition in stage_definitions().items()}


def sections() -> dict[str, type[BaseModel]]:
    """Return the settings class of every stage that has one, by the stage's name."""
    known = stage_definitions().items()
    return {name: definition.settings for name, definition in known if definition.settings is not None}


def stage_tables() -> dict[str, Table]:
    """Return every table that a stage writes or lists a crawl into, by name."""
    tables: list[Table] = []
    for definition in stage_definitions().values():
        tables += [definition.table, *definition.side_tables]
    return {table.name: table for table in tables}


def downstream_of(name: str) -> tuple[str, ...]:
    """Return a stage and every stage downstream of it, in order."""
    found = {name}
    for definition in stage_definitions().values():
        if found & {table.stage for table in definition.reads}:
            found.add(definition.name)
    return tuple(stage for stage in stage_definitions() if stage in found)


def in_order(definitions: list[StageDefinition]) -> list[StageDefinition]:
    """Return the stages, each after those whose tables it reads; where several could follow, those of `run` first.

    Raises:
        UsageError: as `stage_definitions` says.
    """
    _require_sound(definitions)
    waiting, placed = list(definitions), list[StageDefinition]()
    while waiting:
        names = {definition.name for definition in placed}
        ready = [one for one in waiting if {table.stage for table in one.reads} - {one.name} <= names]
        if not ready:
            raise UsageError(
                f"The stages {', '.join(one.name for one in waiting)} read each other's tables, which is a cycle; "
                "remove one of the tables from `reads`."
            )
        following = min(ready, key=lambda one: not one.in_run)
        placed.append(following)
        waiting.remove(following)
    return placed


def _require_sound(definitions: list[StageDefinition]) -> None:
    by_name: dict[str, StageDefinition] = {}
    for one in definitions:
        if not one.name:
            raise UsageError(f"Table {one.table.name} names no stage; declare it with Table(stage=...).")
        if one.name in by_name:
            tables = f"{by_name[one.name].table.name} and {one.table.name}"
            raise UsageError(f"Two stages are called {one.name!r} (they write {tables}); rename one of them.")
        by_name[one.name] = one
    for one in definitions:
        for table in one.reads:
            writer = by_name.get(table.stage or "")
            if writer is None or table.name not in {writer.table.name, *(side.name for side in writer.side_tables)}:
                raise UsageError(
                    f"Stage {one.name} reads table {table.name}, which no stage writes; "
                    "register the stage that does, or read another table."
                )
            if one.in_run and not writer.in_run:
                raise UsageError(
                    f"Stage {one.name} is part of `run` and reads {table.name} of stage {writer.name}, which is not; "
                    f"set in_run=False in {one.name}."
                )


@lru_cache(maxsize=4)
def _definitions(plugins: str) -> MappingProxyType[str, StageDefinition]:
    found = [module.STAGE for module in modules_with("STAGE", jobs.stages, GROUP)]
    return MappingProxyType({definition.name: definition for definition in in_order(found)})
