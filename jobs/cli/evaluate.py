"""The commands that make a benchmark and score answers."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from jobs.cli.options import LakeOption, app

if TYPE_CHECKING:
    from jobs.views.evaluate import Evaluation

_MAX_SHOWN = 20
_BASELINE_SCORES = ("qualitative", "in_range[0.5,2]", "in_range[0.9,1.1]")

ItemsOption = Annotated[str, typer.Option("--items", help="FORMAT:PATH of the questions with their true answers.")]
PredictionsOption = Annotated[
    list[str] | None,
    typer.Option("--predictions", help="FORMAT:PATH or MODEL=FORMAT:PATH of a model's answers; repeatable."),
]
PredictionColumnOption = Annotated[
    str | None,
    typer.Option("--prediction-column", help="Column with the model's answers, if its name does not say so."),
]
ModelOption = Annotated[
    list[str] | None, typer.Option("--model", help="NAME=FOLDER or NAME=HUB_ID of a model to run; repeatable.")
]
RevisionOption = Annotated[str | None, typer.Option("--revision", help="Commit of the Hugging Face ids.")]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", help="Torch device, such as cpu or cuda; a GPU, if there is one, unless given."),
]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint", help="URL of an OpenAI-compatible endpoint, without /chat/completions.")
]
EndpointModelOption = Annotated[
    list[str] | None, typer.Option("--endpoint-model", help="Model at the endpoint; repeatable.")
]
EndpointKeyOption = Annotated[
    str | None, typer.Option("--endpoint-key", help="Name of the environment variable that holds the API key.")
]
ConcurrencyOption = Annotated[int, typer.Option("--concurrency", help="Concurrent requests to the endpoint.")]
BlindOption = Annotated[
    bool, typer.Option("--blind/--no-blind", help="Also run every model with blanked images and without images.")
]
TrainingOption = Annotated[
    str | None,
    typer.Option(
        "--training", help="FORMAT:PATH of items to fit the baselines on; --items, cross-validated, unless given."
    ),
]
WriteOption = Annotated[
    list[str] | None, typer.Option("--write", help="FORMAT:PATH to also write the items to; repeatable.")
]


class _ListsFormats(TyperCommand):
    """A command whose help ends with the formats that are registered."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from vlm.evaluation.layouts import names_of

        parts = {"items": "Items", "predictions": "Predictions", "write": "Formats to write"}
        self.epilog = "\n\n".join(f"{title}: {', '.join(names_of(part))}." for part, title in parts.items())
        super().format_help(ctx, formatter)


@app.command()
def benchmark(
    lake: LakeOption,
    out: Annotated[Path, typer.Option("--out", help="Parquet file for the questions and their images.")],
    split: Annotated[str, typer.Option("--split", help="Split to export: train, validation, test or all.")] = "test",
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Recipe of qa_pairs; the live one unless given.")
    ] = None,
    max_per_type: Annotated[int, typer.Option("--max-per-type", help="Maximum questions per type.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the selection.")] = 0,
    training: Annotated[
        str | None,
        typer.Option("--training", help="Lake whose train split the baselines are fitted on; this one unless given."),
    ] = None,
    training_out: Annotated[
        Path | None, typer.Option("--training-out", help="Parquet file for the training answers, without images.")
    ] = None,
) -> None:
    """Export an evaluation set from a lake, balanced so that object names do not predict the answer."""
    from jobs.views.benchmark import write_benchmark
    from jobs.views.pages.leaderboard import interval_text, value_text
    from jobs.views.reader import LakeReader
    from vlm.evaluation.benchmark import BenchmarkSettings

    settings = BenchmarkSettings.model_validate(
        {"split": split, "recipe": recipe, "max_per_type": max_per_type, "seed": seed}
    )
    made = write_benchmark(LakeReader(lake), out, settings, LakeReader(training) if training else None, training_out)
    for row in made.rejected[:_MAX_SHOWN]:
        typer.echo(row.reason, err=True)
    for name, count in made.asked.items():
        typer.echo(f"{name}: kept {made.kept.get(name, 0)} of {count}")
    for name, (before, after) in made.priors.items():
        typer.echo(
            f"Prior from {name}: {before * 100:.1f} % of all relations right, {after * 100:.1f} % of those kept."
        )
    for score in made.baseline:
        if score.name in _BASELINE_SCORES:
            typer.echo(f"Text-only baseline, {score.name}: {value_text(score)} [{interval_text(score)}].")
    typer.echo(f"Wrote {sum(made.kept.values())} questions to {out}; baselines use {made.training} training answers.")


@app.command(cls=_ListsFormats)
def evaluate(
    items: ItemsOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for scores, predictions and the HTML page.")],
    predictions: PredictionsOption = None,
    prediction_column: PredictionColumnOption = None,
    model: ModelOption = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    batch: Annotated[int, typer.Option("--batch", help="Questions per batch of a --model.")] = 16,
    endpoint: EndpointOption = None,
    endpoint_model: EndpointModelOption = None,
    endpoint_key: EndpointKeyOption = None,
    concurrency: ConcurrencyOption = 8,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Timeout of a request, s.")] = 120.0,
    retries: Annotated[int, typer.Option("--retries", help="Retries of a failed or throttled request.")] = 5,
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", help="Maximum length of an answer.")] = 256,
    blind: BlindOption = True,
    training: TrainingOption = None,
    write: WriteOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object of all scores at the end.")] = False,
) -> None:
    """Score models against true answers, beside baselines that see no image."""
    from jobs.views import evaluate as evaluating
    from jobs.views import live_models

    local = {"revision": revision, "device": device, "batch": batch, "max_new_tokens": max_new_tokens}
    remote = {"url": endpoint, "concurrency": concurrency, "timeout_s": timeout_s, "retries": retries}
    predictors = [
        *live_models.checkpoints(model or (), local),
        *live_models.endpoints(endpoint_model or (), endpoint_key, {**remote, "max_new_tokens": max_new_tokens}),
    ]
    evaluation = evaluating.evaluate(
        evaluating.place_of(items),
        [evaluating.place_of(one, prediction_column) for one in predictions or ()],
        out,
        evaluating.place_of(training) if training else None,
        [evaluating.place_of(one) for one in write or ()],
        evaluating.Live(predictors, live_models.views(blind), partial(typer.echo, err=True)),
    )
    _print(evaluation, as_json)


def _print(evaluation: "Evaluation", as_json: bool) -> None:
    from jobs.views.pages.leaderboard import leaderboard_markdown

    for row in evaluation.rejected[:_MAX_SHOWN]:
        typer.echo(row.reason, err=True)
    if len(evaluation.rejected) > _MAX_SHOWN:
        left = len(evaluation.rejected) - _MAX_SHOWN
        typer.echo(f"{left} more rows were rejected; scores.json lists all of them.", err=True)
    if as_json:
        typer.echo(json.dumps(evaluation.summary()))
        return
    sources = {item.source for item in evaluation.items.items}
    typer.echo(leaderboard_markdown(evaluation.scores, sources, evaluation.margins))
    typer.echo(f"Open   {evaluation.out / 'evaluation.html'}")
