"""The figures of made answers, against counting and a bootstrap in plain Python."""

import json
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from jobs.engine.errors import UsageError
from studies.claims.__main__ import main
from studies.claims.figures import Figure, figures, verdict
from studies.claims.outcomes import outcomes
from studies.claims.runs import trained
from studies.claims.study import Study
from studies.claims.table import BEGIN, END, markdown, write_table
from tests.studies.made import BLANK, CONDITIONS, Known, write_answers

KINDS = {
    "qualitative": "bool",
    "left and right": "side",
    "in_range[0.9,1.1]": "number",
    "in_range[0.5,2] from 1 m": "long",
    "general": "color",
    "grounding": "place",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Known, dict[str, Any]]:
    work = tmp_path_factory.mktemp("study")
    known = write_answers(work)
    return known, figures(outcomes(Study(work=work)))


def rate(known: Known, condition: str, kind: str) -> float:
    return statistics.fmean(right for seed in (1, 2) for _, right in known[condition, seed, kind])


def drawn(known: Known, conditions: tuple[str, str], kind: str, draws: int = 3_000) -> list[float]:
    """Differences of two conditions over images and seeds drawn with replacement."""
    rng, by = random.Random(8), {}
    for condition in conditions:
        for seed in (1, 2):
            by[condition, seed] = defaultdict(list)
            for image, right in known[condition, seed, kind]:
                by[condition, seed][image].append(right)
    images = sorted(by[conditions[0], 1])
    found = []
    for _ in range(draws):
        some = rng.choices(images, k=len(images))
        shares = []
        for condition in conditions:
            seeds = rng.choices((1, 2), k=2)
            rights = [right for seed in seeds for image in some for right in by[condition, seed][image]]
            shares.append(sum(rights) / len(rights))
        found.append(shares[0] - shares[1])
    return sorted(found)


@pytest.mark.parametrize("score", KINDS)
def test_shares_are_counted_over_all_seeds(made: tuple[Known, dict[str, Any]], score: str) -> None:
    known, found = made
    for condition in CONDITIONS:
        assert found["conditions"][condition][score]["value"] == pytest.approx(rate(known, condition, KINDS[score]))
        seeds = [statistics.fmean(right for _, right in known[condition, seed, KINDS[score]]) for seed in (1, 2)]
        assert found["conditions"][condition][score]["spread"] == pytest.approx(max(seeds) - min(seeds))
        assert found["conditions"][condition][score]["seeds"] == 2
    if score in ("qualitative", "left and right", "in_range[0.9,1.1]"):
        assert found["conditions"]["spatial" + BLANK][score]["value"] == pytest.approx(
            rate(known, "spatial" + BLANK, KINDS[score])
        )


@pytest.mark.parametrize(
    ("score", "condition", "over"),
    [
        ("qualitative", "spatial", "none"),
        ("in_range[0.9,1.1]", "spatial", "spatial" + BLANK),
        ("general", "share_5", "none"),
    ],
)
def test_intervals_are_those_of_drawing_images_and_seeds(
    made: tuple[Known, dict[str, Any]], score: str, condition: str, over: str
) -> None:
    known, found = made
    own = next(
        one for one in found["claims"] if (one["score"], one["condition"], one["over"]) == (score, condition, over)
    )
    expected = drawn(known, (condition, over), KINDS[score])
    assert own["difference"]["value"] == pytest.approx(
        rate(known, condition, KINDS[score]) - rate(known, over, KINDS[score])
    )
    assert own["difference"]["low"] == pytest.approx(expected[75], abs=0.02)
    assert own["difference"]["high"] == pytest.approx(expected[-75], abs=0.02)


def test_claims_have_their_published_figures_and_arms_that_lack_leave_theirs_out(
    made: tuple[Known, dict[str, Any]],
) -> None:
    _, found = made
    assert {one["part"] for one in found["claims"]} == {"a", "b", "d", "e", "f"}
    told = {(one["part"], one["score"]): (one["published"], one["published_over"]) for one in found["claims"]}
    assert told["b", "number_rate"] == (0.99, None)
    assert told["e", "general"] == (0.79, 0.766)
    first = found["claims"][0]
    assert (first["published"], first["verdict"]) == (0.752, "reproduced")
    # Every answer was a number, and of 99 % that is within a point.
    rates = next(one for one in found["claims"] if one["part"] == "b")
    assert (rates["value"]["value"], rates["verdict"]) == (1.0, "reproduced")


def test_no_harm_means_nothing_where_nothing_was_learned(made: tuple[Known, dict[str, Any]]) -> None:
    said = {(one["part"], one["score"]): one for one in made[1]["claims"]}
    # 60 % of numbers are right without noise, 30 % with it, 10 % of what has learned none.
    assert said["d", "in_range[0.5,2]"]["verdict"] == "not reproduced"
    assert said["f", "in_range[0.5,2]"]["verdict"] == "reproduced"
    # Neither condition knows more of relations than the one without spatial data.
    assert abs(said["f", "qualitative"]["difference"]["value"]) < 0.1
    assert said["f", "qualitative"]["verdict"].startswith("undecided: nothing was learned")


@pytest.mark.parametrize(
    ("low", "high", "above", "said"),
    [
        (0.01, 0.2, 0.0, "reproduced"),
        (-0.1, 0.2, 0.0, "undecided"),
        (-0.2, -0.1, 0.0, "not reproduced"),
        (-0.04, 0.01, -0.05, "reproduced"),
        (-0.2, -0.06, -0.05, "not reproduced"),
    ],
)
def test_the_interval_decides(low: float, high: float, above: float, said: str) -> None:
    assert verdict(Figure((low + high) / 2, low, high, 0.0, 1), above) == said


def test_a_seed_that_has_not_answered_yet_is_not_waited_for(tmp_path: Path) -> None:
    known = write_answers(tmp_path)
    (tmp_path / "answers" / "spatial-1" / "general" / "scores.json").unlink()
    found = figures(outcomes(Study(work=tmp_path)))
    own = found["conditions"]["spatial"]["qualitative"]
    assert (own["seeds"], own["spread"]) == (1, 0)
    assert own["value"] == pytest.approx(statistics.fmean(right for _, right in known["spatial", 2, "bool"]))
    assert found["conditions"]["none"]["qualitative"]["seeds"] == 2
    rows = markdown({**found, "training": []}, "`made`").splitlines()
    assert next(row for row in rows if row.startswith("| spatial |")).split(" | ")[1] == "1"


def test_the_table_takes_the_place_of_the_one_before(made: tuple[Known, dict[str, Any]], tmp_path: Path) -> None:
    page = tmp_path / "claims.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    text = markdown({**made[1], "training": []}, "`made`")
    write_table(page, text)
    write_table(page, text)
    before, _, rest = page.read_text().partition(BEGIN)
    assert (before, rest.partition(END)[2]) == ("before\n", "\nafter\n")
    rows = [line for line in rest.splitlines() if line.startswith("| a |")]
    assert len(rows) == 8
    assert all(row.count("|") == 10 for row in rows)
    assert text.splitlines()[0] == "`made`."
    assert "75.2 | reproduced" in rows[0]
    with pytest.raises(UsageError, match="figures: begin"):
        write_table(tmp_path / "none.md", text)


def test_figures_so_far_are_told_without_doing_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_answers(tmp_path)
    page = tmp_path / "claims.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    monkeypatch.setattr("sys.argv", ["claims", "--work", str(tmp_path), "--report", "--write", str(page)])
    main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found == {**figures(outcomes(Study(work=tmp_path))), "training": []}
    assert "| a | spatial data teaches" in page.read_text()
    assert not (tmp_path / "steps").exists()


def log_run(client: MlflowClient, experiment: str, name: str, metrics: list[Metric], status: str = "FINISHED") -> None:
    run = client.create_run(experiment, run_name=name)
    client.log_batch(run.info.run_id, metrics=metrics)
    if status == "FINISHED":
        client.set_terminated(run.info.run_id)


def metrics_of(updates: int, wait_share: float) -> Iterator[Metric]:
    for step in range(1, updates + 1):
        # Stopped for an hour after its fifth update.
        at_ms = 500 * step + (3_600_000 if step > 5 else 0)
        yield Metric("loss", float(step), at_ms, step)
        yield Metric("loader_wait_share", wait_share, at_ms, step)
        yield Metric("token_share/spatial", 0.5 if step < updates else 0.05, at_ms, step)
        if step % 50 == 0:
            yield Metric("loss/spatial", 2.0 * step, at_ms, step)


def test_what_training_took_is_that_of_the_last_finished_run(tmp_path: Path) -> None:
    study = Study(work=tmp_path, only=("share_5", "none"))
    assert trained(study) == []
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.create_experiment("claims")
    log_run(client, experiment, "share_5-1", [*metrics_of(3, 0.9)])
    log_run(client, experiment, "share_5-1", [*metrics_of(240, 0.25)])
    log_run(client, experiment, "share_5-1", [*metrics_of(2, 0.9)], status="RUNNING")
    log_run(client, experiment, "none-2", [one for one in metrics_of(2, 0.0) if "spatial" not in one.key])
    found = {one["run"]: one for one in trained(study)}
    assert found.keys() == {"share_5-1", "none-2"}
    assert found["share_5-1"] == {
        "run": "share_5-1", "steps": 240, "step_s": 0.5, "wait_share": 0.25, "spatial_share": 0.05,
        "loss": pytest.approx(190.5), "spatial_loss": 350.0,
    }  # fmt: skip
    table = markdown({"claims": [], "conditions": {}, "training": list(found.values())}, "`made`")
    assert table.splitlines()[-2:] == [
        "| share_5-1 | 240 | 0.50 | 25.0 % | 5.000 % | 190.500 | 350.000 |",
        "| none-2 | 2 | 0.50 | 0.0 % |  | 1.500 |  |",
    ]
