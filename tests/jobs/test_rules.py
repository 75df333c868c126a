"""Quality rules on real tables: each action, its counts, what a rerun does, and which rules are refused."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

import spatiallake
from jobs.engine.batches import StreamOptions
from jobs.engine.errors import RuleBroken, UsageError
from jobs.engine.lake import Lake
from jobs.engine.memory import remembered_settings
from jobs.engine.rules import Rule, require_conditions
from jobs.engine.settings import load_settings
from jobs.engine.stream import run_stage
from jobs.engine.writing import Append, AppendBulk, AppendOncePerKey
from scenes.crawl import write_crawl
from schemas.images import IMAGES
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.scenes import SCENES
from tests.command import invoke
from tests.jobs.doubled import TARGET, found, numbers, stage_with
from tests.jobs.engine import table, versions


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), str(tmp_path / "lake" / "_checkpoints"))


def rule(action: str, predicate: str = "number < 8", name: str = "small", max_share: float | None = None) -> Rule:
    given = {"name": name, "table": "doubled", "predicate": predicate, "action": action, "max_share": max_share}
    return Rule.model_validate(given)


def accounts(lake: Lake) -> list[tuple[int, int, int, dict[str, int]]]:
    rows = lake.read(STAGE_RUNS).orderBy("finished_at").collect()
    return [(row["rows_in"], row["rows_out"], row["filtered"], row["reasons"]) for row in rows]


def counted(lake: Lake) -> dict[str, int]:
    return {one.name: lake.version(one) for one in (TARGET, QUARANTINE, STAGE_RUNS)}


@pytest.mark.parametrize(
    ("action", "writing"),
    [
        pytest.param("drop", Append(), marks=pytest.mark.long),
        ("quarantine", AppendBulk()),
        pytest.param("quarantine", AppendOncePerKey(), marks=pytest.mark.long),
    ],
    ids=str,
)
def test_rows_that_break_a_rule_are_left_out_once_with_its_name(lake: Lake, action: str, writing: Append) -> None:
    stage = stage_with(writing, rules=(rule(action),))
    numbers(lake, {"a": 1, "b": -1, "c": 5, "d": 3})
    assert run_stage(lake, stage, StreamOptions()).reasons == {
        ("failed", "unexpected_error"): 1,
        ("filtered", "small"): 1,
    }
    assert found(lake) == [("a", 2), ("d", 6)]
    assert found(lake, QUARANTINE) == [("b", "unexpected_error"), ("c", "small")]
    assert accounts(lake) == [(4, 2, 1, {"failed:unexpected_error": 1, "filtered:small": 1})]
    (row,) = lake.read(QUARANTINE).where("reason = 'small'").collect()
    assert row["error"] == "Rule small of table doubled: number < 8 does not hold."
    assert (row["outcome"], row["retry_command"]) == ("filtered", None)
    if action == "drop":
        assert row["rows_json"] is None
    else:
        (kept,) = json.loads(row["rows_json"])
        assert {name: kept[name] for name in ("image_id", "number")} == {"image_id": "c", "number": 10}
    before = counted(lake)
    assert run_stage(lake, stage, StreamOptions()).rows_in == 0
    assert counted(lake) == before
    numbers(lake, {"e": 9, "f": 2}, shard=1)
    run_stage(lake, stage, StreamOptions())
    assert found(lake) == [("a", 2), ("d", 6), ("f", 4)]
    assert found(lake, QUARANTINE)[-1] == ("e", "small")


@pytest.mark.parametrize(
    ("lost", "writing"),
    [("commits", AppendBulk()), pytest.param("checkpoint", Append(), marks=pytest.mark.long)],
    ids=str,
)
def test_a_micro_batch_that_is_repeated_leaves_nothing_out_twice(lake: Lake, writing: Append, lost: str) -> None:
    stage = stage_with(writing, rules=(rule("quarantine"),))
    numbers(lake, {"a": 1, "b": -1, "c": 5})
    run_stage(lake, stage, StreamOptions())
    before = found(lake), found(lake, QUARANTINE), accounts(lake)
    if lost == "commits":
        for commit in Path(lake.checkpoint_uri).glob("*/commits/*"):
            commit.unlink()
    else:
        lake.remove(lake.checkpoint_uri)
    run_stage(lake, stage, StreamOptions())
    assert (found(lake), found(lake, QUARANTINE), accounts(lake)) == before


def test_rows_of_one_key_share_an_entry_and_are_all_counted(lake: Lake) -> None:
    stage = stage_with(AppendBulk(), copies=3, rules=(rule("quarantine"),))
    numbers(lake, {"a": 1, "c": 5})
    run_stage(lake, stage, StreamOptions())
    assert found(lake) == [("a", 2)] * 3
    assert accounts(lake) == [(2, 3, 3, {"filtered:small": 3})]
    (row,) = lake.read(QUARANTINE).collect()
    assert [one["number"] for one in json.loads(row["rows_json"])] == [10, 10, 10]


@pytest.mark.parametrize("writing", [Append(), pytest.param(AppendBulk(), marks=pytest.mark.long)], ids=str)
def test_a_warning_keeps_the_rows_and_counts_them(lake: Lake, writing: Append) -> None:
    stage = stage_with(writing, rules=(rule("warn"), rule("warn", "number > 0", "positive")))
    numbers(lake, {"a": 1, "b": -1, "c": 5})
    assert run_stage(lake, stage, StreamOptions()).reasons[("warned", "small")] == 1
    assert found(lake) == [("a", 2), ("c", 10)]
    assert found(lake, QUARANTINE) == [("b", "unexpected_error")]
    assert accounts(lake) == [(3, 2, 0, {"failed:unexpected_error": 1, "warned:small": 1})]


@pytest.mark.parametrize("writing", [Append(), pytest.param(AppendBulk(), marks=pytest.mark.long)], ids=str)
def test_a_rule_that_fails_ends_the_run_before_anything_is_written(lake: Lake, writing: Append) -> None:
    numbers(lake, {"a": 1, "b": -1, "c": 5})
    for _ in range(2):
        with pytest.raises(
            RuleBroken, match=r"1 of 2 rows for table doubled break the rule small \(number < 8\)"
        ) as told:
            run_stage(lake, stage_with(writing, rules=(rule("fail"),)), StreamOptions())
        assert told.value.exit_code == 10 and "\n" not in str(told.value)
        assert all(lake.read(one).isEmpty() for one in (TARGET, QUARANTINE, STAGE_RUNS))
    # Without the rule the recipe is the same, and the checkpoint goes on.
    assert stage_with(writing).recipe == stage_with(writing, rules=(rule("fail"),)).recipe
    run_stage(lake, stage_with(writing), StreamOptions())
    assert found(lake) == [("a", 2), ("c", 10)]
    assert found(lake, QUARANTINE) == [("b", "unexpected_error")]


def test_a_share_of_the_rows_may_break_a_rule(lake: Lake) -> None:
    numbers(lake, {f"n{number}": 9 if number % 5 == 0 else 1 for number in range(100)})
    with pytest.raises(RuleBroken, match=r"20 of 100 rows .* and 15 % may"):
        run_stage(lake, stage_with(Append(), rules=(rule("drop", max_share=0.15),)), StreamOptions())
    assert lake.read(TARGET).isEmpty()
    kept = (
        rule("warn", max_share=0.15),
        rule("warn", name="seldom", max_share=0.25),
        rule("fail", "number < 99", "far"),
    )
    summary = run_stage(lake, stage_with(Append(), rules=kept), StreamOptions())
    assert (summary.rows_out, summary.reasons) == (100, {("warned", "small"): 20})


@pytest.mark.parametrize(
    ("action", "max_share", "broken", "rows", "over"),
    [
        ("fail", None, 1, 2, True),
        ("fail", 0.0, 1, 2, True),
        ("fail", 0.25, 20, 100, False),
        ("fail", 0.15, 20, 100, True),
        ("drop", 0.25, 25, 100, False),
        ("drop", 0.15, 9, 10, False),  # too few rows to judge a share by
        ("drop", None, 100, 100, False),
        ("quarantine", 0.5, 26, 50, True),
        ("drop", 0.0, 1, 3, True),
    ],
)
def test_a_share_is_judged(action: str, max_share: float | None, broken: int, rows: int, over: bool) -> None:
    assert rule(action, max_share=max_share).is_over(broken, rows) == over


def test_null_breaks_a_rule_and_all_rules_are_told(lake: Lake) -> None:
    rules = (rule("drop", "nullif(number, 2) < 8"), rule("quarantine", "number <> 2", "not_two"))
    numbers(lake, {"a": 1, "d": 3})
    run_stage(lake, stage_with(Append(), rules=rules), StreamOptions())
    assert found(lake) == [("d", 6)]
    assert found(lake, QUARANTINE) == [("a", "not_two"), ("a", "small")]
    assert accounts(lake) == [(2, 1, 1, {"filtered:not_two": 1, "filtered:small": 1})]


def test_a_predicate_that_cannot_be_evaluated_is_one_sentence(lake: Lake) -> None:
    stage = stage_with(Append(), rules=(rule("drop", "8 / (number - 2) > 0"),))
    numbers(lake, {"a": 1})
    with pytest.raises(
        UsageError, match=r"A rule of table doubled \(small\) cannot be evaluated.*DIVIDE_BY_ZERO.*try_"
    ):
        run_stage(lake, stage, StreamOptions())
    assert lake.read(TARGET).isEmpty()


def test_only_rules_that_leave_rows_out_are_part_of_the_recipe() -> None:
    plain = stage_with(Append()).recipe
    kept = stage_with(Append(), rules=(rule("warn"), rule("fail", name="other"))).recipe
    dropped = stage_with(Append(), rules=(rule("drop"),)).recipe
    assert plain == kept != dropped
    assert dropped == stage_with(Append(), rules=(rule("drop", max_share=0.5),)).recipe
    others = (rule("quarantine"), rule("drop", "number < 9"), rule("drop", name="other"))
    assert len({plain, dropped, *(stage_with(Append(), rules=(one,)).recipe for one in others)}) == 5


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        ("widht > 3", "UNRESOLVED_COLUMN"),
        ("width >", "PARSE_SYNTAX_ERROR"),
        ("width", "BOOLEAN"),
        ("width > (SELECT 3)", "it holds a subquery"),
        ("width IN (SELECT width FROM images)", "it holds a subquery"),
        ("EXISTS (SELECT 1)", "it holds a subquery"),
        ("sum(width) > 3", "INVALID_WHERE_CONDITION"),
        ("reflect('java.lang.System', 'getenv', 'HOME') = 'x'", "function reflect"),
        ("rand() < 0.5", "depends on chance or on the time"),
        ("current_date() > DATE '2026-01-01'", "depends on chance or on the time"),
        ("now() IS NOT NULL", "depends on chance or on the time"),
    ],
)
def test_a_predicate_that_is_no_condition_is_refused(spark: SparkSession, predicate: str, told: str) -> None:
    given = Rule.model_validate({"name": "odd", "table": "images", "predicate": predicate, "action": "drop"})
    with pytest.raises(UsageError, match=f"Rule odd cannot check table images: .*{told}") as caught:
        require_conditions(spark, [given], [IMAGES])
    assert "\n" not in str(caught.value)


def test_conditions_on_nested_columns_are_taken(spark: SparkSession) -> None:
    predicates = ("size(objects) >= 2", "forall(objects, o -> o.range_m < 30)", "camera.fx > 0 AND scale_ok")
    rules = [Rule(name="fine", table="scenes", predicate=one, action="drop") for one in predicates]  # pyright: ignore[reportArgumentType]
    require_conditions(spark, rules, [SCENES])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {name: Big, table: images, predicate: a, action: drop}", "rules.0.name = 'Big'"),
        ("- {name: ambiguous, table: images, predicate: a, action: drop}", "a reason of the engine's own"),
        ("- {name: big, table: image, predicate: a, action: drop}", "did you mean images?"),
        ("- {name: big, table: qa_statistics, predicate: a, action: drop}", "no table of single rows"),
        ("- {name: big, table: images, predicate: ' ', action: drop}", "this is no condition"),
        ("- {name: big, table: images, predicate: 'a = \"${env:HOME}\"', action: drop}", "this is no condition"),
        ("- {name: big, table: images, predicate: a, action: stop}", "'warn', 'drop', 'quarantine' or 'fail'"),
        ("- {name: big, table: images, predicat: a, action: drop}", "did you mean rules.0.predicate?"),
        ("- {name: b, table: images, predicate: a, action: drop}\n" * 2, "two rules are called b"),
        ("name: big", "not a list of rules"),
        ("- [", "it is not valid YAML, line "),
    ],
)
def test_files_of_rules_that_are_wrong_are_refused_before_spark(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings({"lake": str(tmp_path)}, None, [f"rules={file}"])
    assert told in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="there is no such file"):
        load_settings({"lake": str(tmp_path)}, None, ["rules=none.yaml"])


RULES = """\
- {name: not_narrow, table: images, predicate: width > 100, action: drop}
- {name: not_lonely, table: scenes, predicate: size(objects) >= 4, action: quarantine}
- {name: no_centers, table: qa_pairs, predicate: type_id <> 'N02', action: drop}
- {name: short_questions, table: qa_pairs, predicate: length(question) < 40, action: warn}
"""


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_rules_of_a_run_are_kept_counted_and_remembered(tmp_path: Path) -> None:
    crawls, lake, rules = (tmp_path / "wide", tmp_path / "narrow"), tmp_path / "lake", tmp_path / "rules.yaml"
    write_crawl(str(crawls[0]), 6, 5, width=160, height=120)
    write_crawl(str(crawls[1]), 1, 6, width=96, height=72)
    rules.write_text(RULES)
    for crawl in crawls:
        invoke("ingest", "--crawl", crawl, "--lake", lake, "--set", f"rules={rules}")
    invoke("run", "--lake", lake, "--experts", "sensor", "--set", f"rules={rules}")
    narrow = [row for row in table(lake, "quarantine").to_pylist() if row["reason"] == "not_narrow"]
    assert [(row["stage"], row["image_id"], row["outcome"]) for row in narrow] == [("ingest", None, "filtered")]
    images = set(table(lake, "images")["image_id"].to_pylist())
    assert len(images) == table(lake, "provenance").num_rows == 6
    aside = [row for row in table(lake, "quarantine").to_pylist() if row["reason"] == "not_lonely"]
    lonely = {row["image_id"] for row in aside}
    assert 0 < len(lonely) < 6
    assert all(len(json.loads(row["rows_json"])[0]["objects"]) < 4 for row in aside)
    scenes = {row["image_id"]: row["objects"] for row in table(lake, "scenes").to_pylist()}
    assert scenes.keys() == images - lonely
    assert all(len(objects) >= 4 for objects in scenes.values())
    check_answers(lake)
    before = versions(lake)
    invoke("run", "--crawl", crawls[1], "--lake", lake)
    assert versions(lake) == before
    remembered = {one["name"]: one["action"] for one in remembered_settings(str(lake))["rules"]}
    assert remembered == {one["name"]: one["action"] for one in yaml.safe_load(RULES)}
    assert "rules.no_centers=drop" in invoke("recipes", "--lake", lake)
    invoke("run", "--lake", lake, "--set", "rules=[]")
    assert "rules" not in remembered_settings(str(lake))
    shown = spatiallake.open_lake(str(lake))
    assert set(shown.arrow("scenes", ["image_id"])["image_id"].to_pylist()) == images
    assert "N02" in shown.arrow("qa_pairs", ["type_id"])["type_id"].to_pylist()


def check_answers(lake: Path) -> None:
    answers = table(lake, "qa_pairs").to_pylist()
    assert answers and all(row["type_id"] != "N02" for row in answers)
    left_out = [row for row in table(lake, "quarantine").to_pylist() if row["reason"] == "no_centers"]
    assert left_out and len({row["image_id"] for row in left_out}) == len(left_out)
    reasons: Counter[str] = Counter()
    for run in table(lake, "stage_runs").to_pylist():
        if run["stage"] == "synthesize":
            reasons.update(dict(run["reasons"]))
    assert reasons["filtered:no_centers"] >= len(left_out)
    assert reasons["warned:short_questions"] == sum(len(row["question"]) >= 40 for row in answers) > 0
