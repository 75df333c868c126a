"""Settings from flags, files and the environment: which wins, and what a bad one is told."""

from pathlib import Path

import pytest

from jobs.engine.errors import UsageError
from jobs.engine.pipeline import stages_of
from jobs.engine.settings import load_settings


def test_flags_win_over_overrides_over_file_over_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATIALLAKE_SHARD_SIZE", "1")
    monkeypatch.setenv("SPATIALLAKE_MASTER", "local[1]")
    monkeypatch.setenv("SPATIALLAKE_EXPERTS", "of-environment")
    file = tmp_path / "settings.yaml"
    file.write_text("shard_size: 2\nexperts: of-file\ncontext: {thresholds: {spatial: 0.25}}\n")
    settings = load_settings({"lake": "here", "experts": "sensor"}, str(file), ["shard_size=3"])
    assert (settings.master, settings.shard_size, settings.experts) == ("local[1]", 3, "sensor")
    assert settings.context.thresholds == {"spatial": 0.25}


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["shard_size=0"], "shard_size = 0"),
        (["no_such=1"], "no_such"),
        (["lift.no_such=1"], "lift.no_such"),
        (["shard_size"], "NAME=VALUE"),
    ],
)
def test_a_bad_setting_is_named(overrides: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_settings({"lake": "here"}, None, overrides)


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'nothing'.*sensor"):
        load_settings({"lake": "here", "experts": "nothing"}, None, []).profile()


def test_a_profile_file_fills_slots(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "filter: {family: sensor}\ncontext: {family: sensor}\ndepth: {family: sensor, options: {sigma_rel: 0.1}}\n"
    )
    profile = load_settings({"lake": "here", "experts": str(file)}, None, []).profile()
    assert (profile.name, profile.depth.options) == ("mine", {"sigma_rel": 0.1})


def test_what_changes_results_changes_the_recipes_after_it_and_no_others() -> None:
    before = stages_of(load_settings({"lake": "here"}, None, []))
    threshold = stages_of(load_settings({"lake": "here"}, None, ["context.thresholds={spatial: 0.1}"]))
    seed = stages_of(load_settings({"lake": "here"}, None, ["synthesize.seed=99"]))
    assert {name: stage.recipe for name, stage in threshold.items()} == {n: s.recipe for n, s in before.items()}
    changed = [name for name, stage in seed.items() if stage.recipe != before[name].recipe]
    assert changed == ["synthesize", "statistics", "examples"]


def test_object_stores_are_named_as_spark_names_them() -> None:
    settings = load_settings({"lake": "s3://bucket/lake/"}, None, [])
    assert settings.lake_uri == "s3a://bucket/lake"
    assert settings.checkpoint_uri == "s3a://bucket/lake/_checkpoints"
    assert settings.needs_s3
