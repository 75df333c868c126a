"""Going live: a recipe is shown once its whole chain has caught up, and all stages of the chain switch together."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.recipe_table import activate, recipe_book
from jobs.engine.recipes import RecipeBook
from jobs.engine.registry import definition_of, order_of_stages, run_stages, stage_definitions
from jobs.engine.stage import Stage, StageDefinition
from jobs.views.reader import LakeReader
from schemas.operations import QUARANTINE
from schemas.table import Table


@dataclass(frozen=True)
class Progress:
    """How many of a stage's upstream keys have a row or a reject under a recipe."""

    stage: str
    recipe: str
    dealt: int
    total: int

    @property
    def complete(self) -> bool:
        """Return whether no key is left."""
        return self.dealt >= self.total

    def __str__(self) -> str:
        return f"{self.stage} {self.recipe[:8]} has {self.dealt:,} of {self.total:,}"


def progress_of(lake: LakeReader, definition: StageDefinition, recipe: str, upstream_recipe: str) -> Progress:
    """Count the upstream keys that have a row or a reject under a recipe."""
    stage = definition.name
    upstream, done = definition.reads[0], definition.writing.done or definition.table
    if not lake.exists(upstream):
        return Progress(stage, recipe, 0, 0)
    following = _of_recipe(upstream, upstream_recipe)
    if not lake.exists(done):
        query = f"SELECT 0 AS dealt, count(DISTINCT {definition.keys[0]}) AS total FROM ({following}) AS u"
        return Progress(stage, recipe, **lake.count(query, [upstream]))
    rejects, tables = f"SELECT * FROM {{{done.name}}} WHERE 1 = 0", [upstream, done]
    if lake.exists(QUARANTINE):
        rejects = f"SELECT * FROM {{{QUARANTINE.name}}} WHERE stage = '{stage}' AND recipe = '{recipe}'"
        tables.append(QUARANTINE)
    query = definition.writing.progress_sql(following, _of_recipe(done, recipe), rejects, definition.keys[0])
    return Progress(stage, recipe, **lake.count(query, tables))


def go_live(
    lake: Lake, book: RecipeBook, stages: Mapping[str, Stage], names: Collection[str], caught_up: Collection[str]
) -> list[str]:
    """Show the recipes of `stages` if their chain has caught up; return messages for the user, none if nothing changed.

    The chain consists of the stages of `run` that are in `stages`, upstream of those, or have been live before. Stages
    in `caught_up` are known to have caught up; the others are counted. A stage outside `run` goes live on its own once
    the stage it follows is live.
    """
    live = book.live()
    chain = [stages[name] for name in _chain(names, live)]
    switching = [stage for stage in chain if live.get(stage.name) != stage.recipe]
    behind = _first_behind(lake, (stage for stage in switching if stage.name not in caught_up))
    sentences = []
    if behind is not None:
        sentences.append(_behind(lake, switching[0], behind, shown=switching[0].name not in live))
        switching = []
    shown = live | {stage.name: stage.recipe for stage in switching}
    for stage in _outside_run(stages, book):
        upstream = stage.definition.upstream
        if shown.get(upstream) == stage.upstream_recipe and live.get(stage.name) != stage.recipe:
            behind = _first_behind(lake, [stage] if stage.name not in caught_up else [])
            if behind is None:
                switching.append(stage)
            elif stage.name in names:
                sentences.append(_behind(lake, stage, behind, shown=stage.name not in live))
    activate(lake, switching)
    replaced = [stage for stage in switching if stage.name in live]
    if replaced:
        sentences.append(f"Live now: {', '.join(f'{stage.name} {stage.recipe[:8]}' for stage in replaced)}.")
        sentences += _left_behind(lake, live, shown | {stage.name: stage.recipe for stage in switching}, book)
    return sentences


def use(lake: Lake, name: str) -> list[str]:
    """Show the chain of a recipe, that is its upstream recipes and those built on it; no row is touched.

    Raises:
        UsageError: no such recipe, or a chain that has not caught up; the message states its progress.
    """
    book = recipe_book(lake)
    row = book.named(name)
    definition_of(row.stage)
    chain, live = book.chain_of(row, order_of_stages()), book.live()
    rows = [found for stage, recipe in chain.items() if (found := book.newest(stage, recipe))]
    tables = LakeReader(lake.uri)
    progress = [progress_of(tables, definition_of(one.stage), one.recipe, one.upstream_recipe) for one in rows]
    incomplete = {one.stage: str(one) for one in progress if not one.complete}
    behind = [text for stage, text in incomplete.items() if definition_of(stage).in_run]
    behind += [f"{stage} has not run" for stage in run_stages() if stage in live and stage not in chain]
    if behind:
        state = "; ".join(behind)
        raise UsageError(
            f"Recipe {row.recipe[:8]} of stage {row.stage} has not caught up ({state}); "
            f"`{finishing_command(lake, row.recipe)}` finishes it."
        )
    changed = [one for one in rows if live.get(one.stage) != one.recipe and one.stage not in incomplete]
    if not changed:
        return [f"Recipe {row.recipe[:8]} of stage {row.stage} is live already."]
    activate(lake, changed)
    sentence = f"Live now: {', '.join(f'{one.stage} {one.recipe[:8]}' for one in changed)}."
    return [sentence, *_left_behind(lake, live, live | {one.stage: one.recipe for one in changed}, book)]


def finishing_command(lake: Lake, recipe: str) -> str:
    """Return the command that brings a recipe's chain up to date."""
    return f"spatiallake backfill --lake {shown_uri(lake)} --recipe {recipe[:8]}"


def shown_uri(lake: Lake) -> str:
    """Return the lake's URI as a user types it."""
    return lake.uri.replace("s3a://", "s3://", 1)


def _chain(names: Iterable[str], live: Mapping[str, str]) -> list[str]:
    named = set(names)
    for name, upstream in reversed(order_of_stages().items()):
        if name in named:
            named.add(upstream)
    return [name for name in run_stages() if name in named or name in live]


def _first_behind(lake: Lake, stages: Iterable[Stage]) -> Progress | None:
    tables = LakeReader(lake.uri)
    for stage in stages:
        progress = progress_of(tables, stage.definition, stage.recipe, stage.upstream_recipe)
        if not progress.complete:
            return progress
    return None


def _outside_run(stages: Mapping[str, Stage], book: RecipeBook) -> list[Stage]:
    outside = [stage for stage in stages.values() if not stage.definition.in_run]
    return [stage for stage in outside if book.newest(stage.name, stage.recipe)]


def _behind(lake: Lake, first: Stage, behind: Progress, shown: bool) -> str:
    state = "is not complete" if shown else "is not live"
    return (
        f"Recipe {first.recipe[:8]} of stage {first.name} {state} yet: {behind}; "
        f"`{finishing_command(lake, first.recipe)}` finishes it."
    )


def _left_behind(lake: Lake, before: Mapping[str, str], after: Mapping[str, str], book: RecipeBook) -> list[str]:
    """Return a sentence for each live stage outside `run` whose rows were made from a recipe that is no longer live."""
    sentences = []
    for name, definition in stage_definitions().items():
        row = book.newest(name, after.get(name)) if name in before else None
        if definition.in_run or row is None or row.upstream_recipe == after.get(definition.upstream):
            continue
        sentences.append(
            f"{definition.table.name} still shows rows made from {definition.upstream} {row.upstream_recipe[:8]}; run "
            f"`spatiallake {name} --lake {shown_uri(lake)}` to make those of the live recipe."
        )
    return sentences


def _of_recipe(table: Table, recipe: str) -> str:
    where = f" WHERE recipe = '{recipe}'" if "recipe" in table.columns else ""
    return f"SELECT * FROM {{{table.name}}}{where}"
