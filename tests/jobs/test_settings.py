"""Settings from flags, files, the environment and the lake: which wins, and how a bad one is refused."""

import os
from pathlib import Path
from typing import Any

import pytest

from jobs.engine.errors import UsageError
from jobs.engine.layers import merged_settings
from jobs.engine.pipeline import stages_of
from jobs.engine.registry import sections
from jobs.engine.settings import RunSettings, load_settings
from schemas.settings import nearest

HERE = {"lake": "here"}
SENSOR = {"family": "sensor"}
WHOLE_PROFILE = {
    "name": "kept",
    "filter": SENSOR,
    "context": SENSOR,
    "depth": {**SENSOR, "options": {"sigma_rel": 0.2}},
}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SPATIALLAKE_")]:
        monkeypatch.delenv(name)


def test_flags_win_over_overrides_over_file_over_environment_over_what_the_lake_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = {"lift": dict.fromkeys(("min_points", "min_points_sparse"), 0), "synthesize": {"seed": 9}}
    remembered["lift"]["occlusion_max"] = 0.9
    monkeypatch.setenv("SPATIALLAKE_SHARD_SIZE", "1")
    monkeypatch.setenv("SPATIALLAKE_MASTER", "local[1]")
    monkeypatch.setenv("SPATIALLAKE_EXPERTS", "of-environment")
    monkeypatch.setenv("SPATIALLAKE_LIFT__MIN_POINTS", "11")
    monkeypatch.setenv("SPATIALLAKE_LIFT__MIN_POINTS_SPARSE", "11")
    file = tmp_path / "settings.yaml"
    file.write_text(
        "shard_size: 2\nexperts: of-file\nlift: {min_points_sparse: 22}\ncontext: {thresholds: {spatial: 0.25}}\n"
    )
    overrides = ["shard_size=3", "shard_size=4"]
    settings = load_settings({**HERE, "experts": "sensor"}, str(file), overrides, remembered)
    assert (settings.master, settings.shard_size, settings.experts) == ("local[1]", 4, "sensor")
    assert (settings.lift.min_points, settings.lift.min_points_sparse, settings.lift.occlusion_max) == (11, 22, 0.9)
    assert settings.context.thresholds == {"spatial": 0.25}
    assert settings.synthesize.seed == 9


def test_empty_flags_and_variables_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATIALLAKE_MASTER", "")
    settings = load_settings({**HERE, "experts": "", "crawl": None, "lift": {"min_points": None}}, None, [])
    assert (settings.experts, settings.crawl, settings.master) == ("sensor", None, "local[*]")
    assert settings == RunSettings(lake="here")


def test_sections_and_mappings_of_the_environment_are_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATIALLAKE_SPARK", "{spark.executor.memory: 4g}")
    monkeypatch.setenv("SPATIALLAKE_INGEST__REFUSED_ROBOTS", "[noai]")
    monkeypatch.setenv("SPATIALLAKE_CONTEXT__THRESHOLDS__SPATIAL", "0.75")
    settings = load_settings(HERE, None, [])
    assert settings.spark == {"spark.executor.memory": "4g"}
    assert settings.ingest.refused_robots == ("noai",)
    assert settings.context.thresholds == {"spatial": 0.75}
    monkeypatch.setenv("SPATIALLAKE_SPARK", "{spark")
    with pytest.raises(UsageError, match=r"spark.*is not valid YAML"):
        load_settings(HERE, None, [])


def test_keys_of_mappings_may_have_dots() -> None:
    settings = load_settings(HERE, None, ["spark.spark.ui.enabled=true", "context.thresholds.first.spatial=0.4"])
    assert settings.spark == {"spark.ui.enabled": "true"}
    assert settings.context.thresholds == {"first.spatial": 0.4}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["shard_size=0"], "shard_size = 0"),
        (["lift.min_point=3"], r"lift\.min_point is not a setting; did you mean lift\.min_points\?$"),
        (["min_points=3"], r"min_points is not a setting; did you mean lift\.min_points\?$"),
        (["lift.short_share=3"], r"lift\.short_share is not a setting; did you mean synthesize\.short_share\?$"),
        (["lfit.min_points=3"], r"lfit is not a setting; did you mean lift\?$"),
        (["lift.qqqqqq=1"], r"lift\.qqqqqq is not a setting; known names: lift\.min_points, "),
        (["experts={filtr: {family: sensor}}"], r"filtr is not a setting; did you mean experts\.profile\.filter\?"),
        (["shard_size"], "NAME=VALUE"),
        (["lift.min_points={"], "the value is not valid YAML"),
        (["lift.min_points=many"], "lift.min_points = 'many'"),
    ],
)
def test_a_bad_setting_is_named(overrides: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        load_settings(HERE, None, overrides)
    assert len(str(refused.value).splitlines()) == 1


def test_an_unknown_name_in_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("synthesize: {short_shar: 0.1}\n")
    with pytest.raises(UsageError, match=r"did you mean synthesize\.short_share\?"):
        load_settings(HERE, str(file), [])
    with pytest.raises(UsageError, match="No settings file"):
        load_settings(HERE, str(tmp_path / "absent.yaml"), [])


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SPATIALLAKE_LIFT__MIN_POINT", "SPATIALLAKE_LIFT__MIN_POINTS"),
        ("SPATIALLAKE_MIN_POINTS", "SPATIALLAKE_LIFT__MIN_POINTS"),
        ("SPATIALLAKE_EXPERT", "SPATIALLAKE_EXPERTS"),
        ("SPATIALLAKE_LIFT_MIN_POINTS", "SPATIALLAKE_LIFT__MIN_POINTS"),
    ],
)
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, meant: str) -> None:
    monkeypatch.setenv(variable, "3")
    with pytest.raises(UsageError, match=rf"{variable} is not a setting; did you mean {meant}\?"):
        load_settings(HERE, None, [])


def test_variables_of_other_readers_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "JAVA_OPTIONS", "PLUGINS", "SKIP_BROWSER", "TEST_CRAWL"):
        monkeypatch.setenv(f"SPATIALLAKE_{name}", "x")
    # Kubernetes sets these for a service called spatiallake.
    for name in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR"):
        monkeypatch.setenv(f"SPATIALLAKE_{name}", "tcp://10.0.0.1:80")
    monkeypatch.setenv("SPATIALLAKE_LAKE", "/elsewhere")
    assert load_settings({}, None, []) == RunSettings(lake="/elsewhere")


@pytest.mark.parametrize("name", ["lake", "crawl", "checkpoints"])
def test_a_location_that_is_not_served_is_refused_before_spark(name: str) -> None:
    with pytest.raises(
        UsageError, match=rf"{name} = 'gs://bucket/x'.* not served; use a local path or an s3:// prefix"
    ):
        load_settings({**HERE, name: "gs://bucket/x"}, None, [])


def test_an_unknown_profile_names_those_there_are() -> None:
    for given, hint in (("nothing", "builtin, sensor"), ("sensr", "did you mean sensor")):
        with pytest.raises(UsageError, match=f"No expert profile '{given}'.*{hint}"):
            load_settings({**HERE, "experts": given}, None, []).profile()


def test_a_profile_file_fills_slots(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "filter: {family: sensor}\ncontext: {family: sensor}\ndepth: {family: sensor, options: {sigma_rel: 0.1}}\n"
    )
    profile = load_settings({**HERE, "experts": str(file)}, None, []).profile()
    assert profile.name == "mine"
    assert profile.depth.options == {"sigma_rel": 0.1, "gravity_sigma_deg": 1.0}


def test_a_whole_profile_may_be_remembered_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    remembered: dict[str, Any] = {"experts": WHOLE_PROFILE}
    kept = load_settings(HERE, None, [], remembered).profile()
    assert (kept.name, kept.depth.options["sigma_rel"]) == ("kept", 0.2)
    assert (
        load_settings({**HERE, "experts": "sensor"}, None, [], remembered).profile().depth.options["sigma_rel"] == 0.01
    )
    file = tmp_path / "settings.yaml"
    file.write_text("experts: {filter: {family: sensor}, context: {family: sensor}, depth: {family: sensor}}\n")
    profile = load_settings(HERE, str(file), [], remembered).profile()
    assert (profile.name, profile.depth.options["sigma_rel"]) == ("custom", 0.01)


def test_a_pinned_profile_that_is_remembered_gives_the_same_recipes() -> None:
    settings = load_settings({**HERE, "experts": "builtin"}, None, [])
    remembered = {"experts": settings.profile().model_dump()}
    first, again = stages_of(settings), stages_of(load_settings(HERE, None, [], remembered))
    assert {name: stage.recipe for name, stage in first.items()} == {n: s.recipe for n, s in again.items()}


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (
            {"sigma_rell": 0.2},
            r"slot depth: The options of sensor: sigma_rell is not a setting; did you mean sigma_rel\?",
        ),
        ({"sigma_rel": "a lot"}, r"slot depth: The options of sensor: sigma_rel = 'a lot'"),
        ({"sigma_rel": -1}, r"sigma_rel = -1"),
    ],
)
def test_options_of_sensor_are_checked(depth: dict[str, Any], message: str) -> None:
    profile = {"filter": SENSOR, "context": SENSOR, "depth": {**SENSOR, "options": depth}}
    with pytest.raises(UsageError, match=message):
        stages_of(load_settings({**HERE, "experts": profile}, None, []))


@pytest.mark.parametrize(
    ("experts", "threshold", "hint"),
    [
        ("sensor", "spatal", "did you mean spatial"),
        ("sensor", "room", "known names: has_depth, has_intrinsics, has_objects, spatial"),
        ("builtin", "has_depth", "known names: .*room"),
    ],
)
def test_a_threshold_of_no_score_is_refused(experts: str, threshold: str, hint: str) -> None:
    settings = load_settings({**HERE, "experts": experts}, None, [f"context.thresholds.{threshold}=0.5"])
    with pytest.raises(UsageError, match=rf"context\.thresholds\.{threshold}: the filter {experts} .*{hint}"):
        stages_of(settings)


def test_what_changes_results_changes_the_recipes_after_it_and_no_others() -> None:
    before = stages_of(load_settings(HERE, None, []))
    threshold = stages_of(load_settings(HERE, None, ["context.thresholds={spatial: 0.1}"]))
    seed = stages_of(load_settings(HERE, None, ["synthesize.seed=99"]))
    assert {name: stage.recipe for name, stage in threshold.items()} == {n: s.recipe for n, s in before.items()}
    changed = [name for name, stage in seed.items() if stage.recipe != before[name].recipe]
    assert changed == ["synthesize", "statistics", "examples"]


def test_object_stores_are_named_as_spark_names_them() -> None:
    settings = load_settings({"lake": "s3://bucket/lake/"}, None, [])
    assert settings.lake_uri == "s3a://bucket/lake"
    assert settings.checkpoint_uri == "s3a://bucket/lake/_checkpoints"
    assert settings.needs_s3


def test_every_section_can_be_made_without_arguments() -> None:
    settings = RunSettings(lake="here")
    assert {name: type(getattr(settings, name)) for name in sections()} == sections()


def test_settings_of_other_commands_are_merged_alike(tmp_path: Path) -> None:
    file = tmp_path / "train.yaml"
    file.write_text("feed: {version: 1, lanes: 4}\n")
    merged = merged_settings({"out": "o"}, str(file), ["feed.version=2"], {"feed": {"lanes": None}, "steps": 5})
    assert merged == {"out": "o", "feed": {"version": 2, "lanes": 4}, "steps": 5}


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.one", "a.one"), ("b.two", "b.two"), ("two", "b.two"), ("a.tow", "b.two"), ("zzz", None)],
)
def test_the_nearest_name_is_of_the_same_section_where_one_is(name: str, found: str | None) -> None:
    assert nearest(name, ["a.one", "b.two", "b.onw"]) == found
