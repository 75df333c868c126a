"""The Databricks bundle: its published schema, the variables that it names, and the commands of its job."""

import copy
import json
import re
from typing import Any

import pytest
import yaml
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

from jobs.engine.registry import run_stages
from tests.checks.command_lines import CommandLine
from tests.checks.parsing import fault
from tests.infra.terraform import INFRA, resources

BUNDLE = yaml.safe_load((INFRA / "databricks.yml").read_text())
SCHEMA = json.loads((INFRA / "check/bundle.json").read_text())
JOB = BUNDLE["resources"]["jobs"]["run"]
_VARIABLE = re.compile(r"\$\{var\.(\w+)\}")
GIVEN = {"catalog": "main", "lake": "s3://spatiallake-here/lake", "crawl": "s3://crawls/web", "experts": "sensor"}


def told(bundle: Any) -> str | None:
    error = best_match(validator_for(SCHEMA)(SCHEMA).iter_errors(bundle))
    return None if error is None else error.message


def test_the_bundle_is_what_its_schema_allows() -> None:
    assert told(BUNDLE) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda job: job["tasks"][0].update(max_retrys=1), "max_retrys"),
        (lambda job: job.update(max_concurrent_runs="one"), "one"),
        (lambda job: job["tasks"][0].pop("task_key"), "task_key"),
        (lambda job: job["job_clusters"][1]["new_cluster"]["aws_attributes"].update(availability="CHEAP"), "CHEAP"),
    ],
)
def test_a_mistake_is_told(change: Any, expected: str) -> None:
    bundle = copy.deepcopy(BUNDLE)
    change(bundle["resources"]["jobs"]["run"])
    assert expected in str(told(bundle))


def test_variables_are_described_and_all_of_them_are_used() -> None:
    assert all(one["description"] for one in BUNDLE["variables"].values())
    used = set(_VARIABLE.findall(json.dumps({name: part for name, part in BUNDLE.items() if name != "variables"})))
    assert used == set(BUNDLE["variables"])
    for target in BUNDLE["targets"].values():
        assert set(target["variables"]) <= set(BUNDLE["variables"])


def test_tasks_are_the_stages_in_their_order_by_commands_that_the_engine_has() -> None:
    tasks = JOB["tasks"]
    assert tuple(task["task_key"] for task in tasks) == (*run_stages(), "publish")
    for before, task in zip([None, *tasks], tasks, strict=False):
        assert task.get("depends_on", []) == ([{"task_key": before["task_key"]}] if before else [])
        words = [_VARIABLE.sub(lambda name: GIVEN[name[1]], word) for word in task["spark_python_task"]["parameters"]]
        words = [word.replace("${resources.schemas.lake.name}", "spatiallake_dev") for word in words]
        line = CommandLine("databricks.yml", f".venv/bin/spatiallake {' '.join(words)}", whole=True)
        assert words[0] == task["task_key"] and fault(line) is None
        assert (INFRA / task["spark_python_task"]["python_file"]).is_file()


def test_the_bundle_and_terraform_make_the_same_job(plans: dict[str, Any]) -> None:
    (job,) = resources(plans["prod/databricks"], "databricks_job")
    planned = {task["task_key"]: task for task in job["task"]}
    for task in JOB["tasks"]:
        same = planned[task["task_key"]]
        words = [word for word in same["spark_python_task"][0]["parameters"] if word.startswith("--")]
        options = [word for word in task["spark_python_task"]["parameters"] if word.startswith("--")]
        assert [word for word in words if word != "--set"] == options
        packages = [one["pypi"]["package"] for one in task["libraries"] if "pypi" in one]
        assert packages == [one["package"] for library in same["library"] for one in library["pypi"]]
        assert (task["max_retries"], task["min_retry_interval_millis"]) == (2, same["min_retry_interval_millis"])
        learned = task["job_cluster_key"] == "${var.learned_cluster}"
        assert learned == (same["job_cluster_key"] == "gpu")
    clusters = {one["job_cluster_key"]: one["new_cluster"] for one in JOB["job_clusters"]}
    for one in job["job_cluster"]:
        conf = dict(one["new_cluster"][0]["spark_conf"])
        assert clusters[one["job_cluster_key"]]["spark_conf"].keys() == conf.keys()
    assert JOB["schedule"]["quartz_cron_expression"] == job["schedule"][0]["quartz_cron_expression"]
    assert BUNDLE["targets"]["prod"]["variables"]["learned_cluster"] == "gpu"
