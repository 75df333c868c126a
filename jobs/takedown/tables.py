"""The tables of a lake as a takedown sees them: by which column each names an image, and what it holds now."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyarrow import fs
from pyspark.sql.types import StructType

from jobs.engine.delta_log import count_rows, opened
from jobs.engine.errors import LakeUnreadable
from jobs.engine.lake import Lake
from jobs.engine.registry import stage_definitions
from jobs.engine.stage import StageDefinition
from jobs.engine.writing import ReplaceShards
from jobs.views.reader import known_tables
from schemas.images import CRAWL
from schemas.operations import LISTINGS, RECIPES, STAGE_RUNS
from schemas.table import Table
from schemas.takedowns import CERTIFICATES, TAKEDOWNS
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized

# The images of a row about several, which belongs to each of them.
IMAGES_OF_ROW = "image_ids"
# They hold nothing of an image but the ids of those that were taken down. Commands write to them at any time.
LEDGERS = (RECIPES.name, STAGE_RUNS.name, LISTINGS.name, TAKEDOWNS.name, CERTIFICATES.name)
_KEYS = ("image_id", "entry_id", IMAGES_OF_ROW)


@dataclass(frozen=True)
class Held:
    """A table's version and number of rows."""

    version: int
    rows: int


def lake_tables(lake: Lake) -> dict[str, Table]:
    """Return every table in the lake's folder by name, also those that no stage here knows."""
    known = known_tables()
    found: dict[str, Table] = {}
    root = normalized(lake.uri)
    files = filesystem_of(root)
    for one in files.get_file_info(fs.FileSelector(path_of(root), allow_not_found=True)):
        name = one.base_name
        if one.type == fs.FileType.Directory and not name.startswith(("_", ".")):
            table = known.get(name, Table(name, "", StructType([]), ()))
            if lake.exists(table):
                found[name] = table
    return dict(sorted(found.items()))


def required_tables(lake: Lake) -> dict[str, Table]:
    """Return what `lake_tables` does.

    Raises:
        LakeUnreadable: there is no lake.
    """
    tables = lake_tables(lake)
    if not tables:
        raise LakeUnreadable(f"There is no lake at {lake.uri}; name the folder that `spatiallake run` wrote.")
    return tables


def keys_of_table(lake: Lake, table: Table) -> tuple[str, ...]:
    """Return the columns by which a table's rows belong to an image; the table in the lake decides, not its schema."""
    held = opened(lake.location(table))
    there = {field.name for field in held.schema().fields} if held is not None else set()
    return tuple(name for name in _KEYS if name in there)


def configuration_of(lake: Lake, table: Table) -> dict[str, str]:
    """Return the properties of a table, read without Spark."""
    held = opened(lake.location(table))
    return {} if held is None else {name: value or "" for name, value in held.metadata().configuration.items()}


def aggregates() -> dict[str, StageDefinition]:
    """Return the stages whose tables sum over whole ingest shards, by the name of each table."""
    found: dict[str, StageDefinition] = {}
    for one in stage_definitions().values():
        if isinstance(one.writing, ReplaceShards):
            found |= {table.name: one for table in (one.table, *one.writing.beside)}
    return found


def actions_of(lake: Lake, tables: Mapping[str, Table]) -> dict[str, str]:
    """Return what is done to each table: removed, redacted, recomputed, kept, or unreached, where nothing is known."""
    actions = {}
    for name, table in tables.items():
        if name in LEDGERS:
            actions[name] = "kept"
        elif name == CRAWL.name:
            actions[name] = "redacted"
        elif keys_of_table(lake, table):
            actions[name] = "removed"
        else:
            actions[name] = "recomputed" if name in aggregates() else "unreached"
    return actions


def state_of(lake: Lake, tables: Mapping[str, Table]) -> dict[str, Held]:
    """Return the version and the number of rows of each table."""
    return {name: Held(lake.version(table), count_rows(lake.location(table), "true")) for name, table in tables.items()}
