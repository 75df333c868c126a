"""The commands that make a benchmark and score answers."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.options import LakeOption, app

if TYPE_CHECKING:
    from jobs.views.evaluate import Evaluation

_SHOWN = 20
_OF_PRIOR = ("qualitative", "in_range[0.5,2]", "in_range[0.9,1.1]")

ItemsOption = Annotated[str, typer.Option("--items", help="FORMAT:PATH of the questions with their true answers.")]
PredictionsOption = Annotated[
    list[str] | None,
    typer.Option("--predictions", help="FORMAT:PATH or MODEL=FORMAT:PATH of what a model said; repeatable."),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option("--model", help="NAME=FOLDER or NAME=HUB_ID of a model to ask here; repeatable."),
]
RevisionOption = Annotated[str | None, typer.Option("--revision", help="Commit of the Hugging Face ids.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu, cuda, ..; by default a GPU if there is one.")]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint", help="OpenAI-compatible endpoint, up to /chat/completions.")
]
EndpointModelOption = Annotated[
    list[str] | None, typer.Option("--endpoint-model", help="Model to ask there; repeatable.")
]
EndpointKeyOption = Annotated[
    str | None, typer.Option("--endpoint-key", help="NAME of the environment variable that holds its key.")
]
BlindOption = Annotated[
    bool, typer.Option("--blind/--no-blind", help="Ask also with blanked pictures and without any.")
]
TrainingOption = Annotated[
    str | None, typer.Option("--training", help="FORMAT:PATH of items to fit baselines on, by default the other items.")
]
WriteOption = Annotated[
    list[str] | None, typer.Option("--write", help="FORMAT:PATH to write the items to; repeatable.")
]


@app.command()
def benchmark(
    lake: LakeOption,
    out: Annotated[Path, typer.Option("--out", help="Parquet file of the questions with their pictures.")],
    split: Annotated[str, typer.Option("--split", help="train, validation, test or all.")] = "test",
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Recipe of qa_pairs, by default the current one.")
    ] = None,
    most: Annotated[int, typer.Option("--most", help="Questions of a type, at most.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Chooses which questions.")] = 0,
    training: Annotated[
        str | None, typer.Option("--training", help="Lake whose split train priors are fitted on, by default the same.")
    ] = None,
    training_out: Annotated[
        Path | None, typer.Option("--training-out", help="Parquet file for the training answers, without pictures.")
    ] = None,
) -> None:
    """Turn a lake's answers into questions to hold models against, with relations that no names give away."""
    from jobs.views.benchmark import write_benchmark
    from jobs.views.pages.leaderboard import interval_text, value_text
    from jobs.views.reader import LakeReader
    from vlm.evaluation.benchmark import BenchmarkSettings

    settings = BenchmarkSettings.model_validate({"split": split, "recipe": recipe, "most": most, "seed": seed})
    made = write_benchmark(LakeReader(lake), out, settings, LakeReader(training) if training else None, training_out)
    for row in made.rejected[:_SHOWN]:
        typer.echo(row.reason, err=True)
    for name, count in made.asked.items():
        typer.echo(f"{name}: {made.kept.get(name, 0)} of {count}")
    for name, (before, after) in made.priors.items():
        typer.echo(f"prior of {name}: {before * 100:.1f} % of all relations, {after * 100:.1f} % of those kept")
    for score in made.baseline:
        if score.name in _OF_PRIOR:
            typer.echo(f"text-only prior, {score.name}: {value_text(score)} [{interval_text(score)}]")
    typer.echo(f"{out}: {sum(made.kept.values())} questions; priors fitted on {made.training} training answers.")


@app.command()
def evaluate(
    items: ItemsOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for scores, predictions and the page.")],
    predictions: PredictionsOption = None,
    model: ModelOption = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    batch: Annotated[int, typer.Option("--batch", help="Questions that a --model answers together.")] = 16,
    endpoint: EndpointOption = None,
    endpoint_model: EndpointModelOption = None,
    endpoint_key: EndpointKeyOption = None,
    at_once: Annotated[int, typer.Option("--at-once", help="Requests to the endpoint at a time.")] = 8,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Longest wait for an answer, s.")] = 120.0,
    retries: Annotated[int, typer.Option("--retries", help="Of a request that failed or was turned away.")] = 5,
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", help="Longest answer.")] = 256,
    blind: BlindOption = True,
    training: TrainingOption = None,
    write: WriteOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object of every score.")] = False,
) -> None:
    """Score answers of models against true ones, beside baselines that look at no picture."""
    from jobs.views import evaluate as evaluating
    from jobs.views import live_models

    local = {"revision": revision, "device": device, "batch": batch, "max_new_tokens": max_new_tokens}
    remote = {"url": endpoint, "at_once": at_once, "timeout_s": timeout_s, "retries": retries}
    asked = [
        *live_models.checkpoints(model or (), local),
        *live_models.endpoints(endpoint_model or (), endpoint_key, {**remote, "max_new_tokens": max_new_tokens}),
    ]
    found = evaluating.evaluate(
        evaluating.place_of(items),
        [evaluating.place_of(one) for one in predictions or ()],
        out,
        evaluating.place_of(training) if training else None,
        [evaluating.place_of(one) for one in write or ()],
        evaluating.Live(asked, live_models.views(blind), partial(typer.echo, err=True)),
    )
    _tell(found, as_json)


def _tell(found: "Evaluation", as_json: bool) -> None:
    from jobs.views.pages.leaderboard import leaderboard_markdown

    for row in found.rejected[:_SHOWN]:
        typer.echo(row.reason, err=True)
    if len(found.rejected) > _SHOWN:
        typer.echo(f"{len(found.rejected) - _SHOWN} more rows were left out; scores.json lists them.", err=True)
    if as_json:
        typer.echo(json.dumps(found.summary()))
        return
    typer.echo(leaderboard_markdown(found.scores, {item.source for item in found.items.items}, found.margins))
    typer.echo(f"Open   {found.out / 'evaluation.html'}")
