"""Terraform's own validation and plans of every environment, against the providers' published schemas."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.check.provider_schema import TERRAFORM, used_types
from jobs.engine.registry import run_stages
from tests.checks.command_lines import CommandLine
from tests.checks.parsing import fault
from tests.infra.conftest import BUCKET, CRAWL, VARIABLES
from tests.infra.terraform import ROOT, SCHEMAS, initialized, program, providers, resources, terraform

FILES = sorted(TERRAFORM.rglob("*.tf"))
_DECLARED = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
# Permissions that AWS grants for no narrower thing; each stands under a condition.
UNBOUND = {"elasticmapreduce:RunJobFlow", "elasticmapreduce:AddTags"}


@pytest.mark.parametrize("environment", VARIABLES)
def test_an_environment_is_valid(environment: str, tmp_path: Path) -> None:
    folder = initialized(environment, tmp_path, VARIABLES[environment])
    with providers() as found:
        done = terraform(folder, found, "validate", "-no-color")
    assert done.returncode == 0 and "Success! The configuration is valid." in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "old", "new", "told"),
    [
        ("databricks/main.tf", "max_concurrent_runs", "max_concurent_runs", "Unsupported argument"),
        ("databricks/main.tf", "  queue {", "  queues {", "Unsupported block type"),
        ("databricks/storage.tf", 'volume_type  = "MANAGED"', "", 'argument "volume_type" is required'),
        ("emr/serverless.tf", "aws_emrserverless_application", "aws_emr_serverless", "Invalid resource type"),
        ("emr/schedule.tf", "aws_glue_crawler.lake.name", "aws_glue_crawler.lake.title", "Unsupported attribute"),
        ("emr/roles.tf", "aws_iam_role.job.arn", "aws_iam_role.jobs.arn", "Reference to undeclared resource"),
    ],
)
def test_a_mistake_is_told(module: str, old: str, new: str, told: str, tmp_path: Path) -> None:
    environment = f"dev/{module.partition('/')[0]}"
    folder = initialized(environment, tmp_path, VARIABLES[environment])
    file = tmp_path / "terraform" / "modules" / module
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with providers() as found:
        done = terraform(folder, found, "validate", "-no-color")
    assert done.returncode == 1 and told in done.stderr + done.stdout


def test_files_are_formatted() -> None:
    done = terraform(TERRAFORM, {"PATH": str(Path(program()).parent)}, "fmt", "-check", "-recursive")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(TERRAFORM).as_posix())
def test_variables_have_a_type_and_all_is_described(file: Path) -> None:
    for kind, name, body in _DECLARED.findall(file.read_text()):
        assert re.search(r"^  description += +(\"\S|<<-END)", body, re.MULTILINE), f"{kind} {name}"
        assert kind == "output" or re.search(r"^  type += ", body, re.MULTILINE), name


def test_schemas_are_of_the_versions_that_modules_ask_for() -> None:
    constraints = {
        match for file in FILES for match in re.findall(r'"(\S+/\S+)"\n +version = "~> (\S+)"', file.read_text())
    }
    schemas = [json.loads(path.read_text()) for path in SCHEMAS]
    assert constraints == {(one["provider"], one["version"].rpartition(".")[0]) for one in schemas}
    assert used_types() == {(kind, name) for one in schemas for kind in ("resource", "data") for name in one[kind]}


def commands(plan: dict[str, Any]) -> list[list[str]]:
    """Return the arguments of the command that each task of a plan gives to the entry script."""
    found = [
        task["spark_python_task"][0]["parameters"] for job in resources(plan, "databricks_job") for task in job["task"]
    ]
    for machine in resources(plan, "aws_sfn_state_machine"):
        for state in json.loads(machine["definition"])["States"].values():
            asked = state.get("Parameters", {})
            if "JobDriver" in asked:
                found.append(asked["JobDriver"]["SparkSubmit"]["EntryPointArguments"])
            if "Step" in asked:
                arguments = asked["Step"]["HadoopJarStep"]["Args"]
                entry = next(place for place, word in enumerate(arguments) if word.endswith("/spatiallake_main.py"))
                found.append(arguments[entry + 1 :])
    return found


@pytest.mark.parametrize("environment", VARIABLES)
def test_jobs_run_the_stages_of_the_engine_by_commands_that_it_has(environment: str, plans: dict[str, Any]) -> None:
    lines = commands(plans[environment])
    order = (*run_stages(), "publish") if environment.endswith("databricks") else run_stages()
    assert sorted(words[0] for words in lines) == sorted(order)
    lines.sort(key=lambda words: order.index(words[0]))
    shown = plans[environment]["planned_values"]["outputs"]["commands"]["value"]
    assert shown == [f"spatiallake {' '.join(words)}" for words in lines]
    for words in lines:
        assert fault(CommandLine(environment, f".venv/bin/spatiallake {' '.join(words)}", whole=True)) is None
        assert words[words.index("--lake") + 1] == f"s3://{BUCKET}/lake"
        assert ("--crawl" in words) == (words[0] == "ingest")
        if words[0] == "publish":
            assert words[-4:] == ["--catalog", "main", "--schema", f"spatiallake_{environment.partition('/')[0]}"]
        elif environment.startswith("prod"):
            assert words[-4:] == ["--set", "context.thresholds.spatial=0.5", "--set", "lift.min_points=30"]


def statements(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for role in resources(plan, "aws_iam_role_policy"):
        if role["policy"].startswith("{"):  # the one of Unity Catalog comes from Databricks
            yield from json.loads(role["policy"])["Statement"]


@pytest.mark.parametrize("environment", VARIABLES)
def test_roles_may_do_what_they_need_and_nowhere_else(environment: str, plans: dict[str, Any]) -> None:
    found = list(statements(plans[environment]))
    assert len(found) > 5
    for one in found:
        assert not [action for action in one["Action"] if "*" in action]
        assert "*" not in one["Resource"] or (set(one["Action"]) <= UNBOUND and one["Condition"])
        if "iam:PassRole" in one["Action"]:
            assert one["Condition"]["StringEquals"]["iam:PassedToService"]
    written = [place for one in found if "s3:PutObject" in one["Action"] for place in one["Resource"]]
    assert set(written) == {f"arn:aws:s3:::{BUCKET}/lake/*", f"arn:aws:s3:::{BUCKET}/logs/*"}
    bucket, prefix = CRAWL.removeprefix("s3://").split("/")
    crawls = [one for one in found if any(place.startswith(f"arn:aws:s3:::{bucket}") for place in one["Resource"])]
    allowed = {action: one for one in crawls for action in one["Action"]}
    assert allowed.keys() == {"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"}
    assert allowed["s3:ListBucket"]["Condition"]["StringLike"]["s3:prefix"] == [prefix, f"{prefix}/*"]
    assert allowed["s3:GetObject"]["Resource"] == [f"arn:aws:s3:::{bucket}/{prefix}*"]


@pytest.mark.parametrize("environment", VARIABLES)
def test_the_bucket_is_private_encrypted_and_versioned(environment: str, plans: dict[str, Any]) -> None:
    plan = plans[environment]
    (access,) = resources(plan, "aws_s3_bucket_public_access_block")
    assert [access[name] for name in access if name.startswith(("block_", "ignore_", "restrict_"))] == [True] * 4
    (encryption,) = resources(plan, "aws_s3_bucket_server_side_encryption_configuration")
    algorithm = encryption["rule"][0]["apply_server_side_encryption_by_default"][0]["sse_algorithm"]
    assert algorithm == ("aws:kms" if environment == "prod/emr" else "AES256")
    assert resources(plan, "aws_s3_bucket_versioning")[0]["versioning_configuration"][0]["status"] == "Enabled"
    (lifecycle,) = resources(plan, "aws_s3_bucket_lifecycle_configuration")
    assert (
        lifecycle["rule"][0]["abort_incomplete_multipart_upload"]
        and lifecycle["rule"][0]["noncurrent_version_expiration"]
    )
    (policy,) = resources(plan, "aws_s3_bucket_policy")
    assert json.loads(policy["policy"])["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert resources(plan, "aws_s3_bucket")[0]["force_destroy"] == environment.startswith("dev")


def test_dev_is_started_by_hand_and_prod_by_the_clock(plans: dict[str, Any]) -> None:
    assert not resources(plans["dev/emr"], "aws_scheduler_schedule")
    (schedule,) = resources(plans["prod/emr"], "aws_scheduler_schedule")
    assert schedule["schedule_expression"] == "cron(0 2 * * ? *)"
    assert not resources(plans["dev/databricks"], "databricks_job")[0]["schedule"]
    (job,) = resources(plans["prod/databricks"], "databricks_job")
    assert job["schedule"][0]["quartz_cron_expression"] == "0 0 2 * * ?"
    assert job["email_notifications"][0]["on_failure"] == ["team@example.com"]
    assert job["webhook_notifications"][0]["on_failure"] == [{"id": "destination-1"}]
    assert [one["endpoint"] for one in resources(plans["prod/emr"], "aws_sns_topic_subscription")] == [
        "team@example.com"
    ]


def test_tasks_of_the_job_follow_one_another_on_the_machines_that_they_need(plans: dict[str, Any]) -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["experts"]
    (job,) = resources(plans["prod/databricks"], "databricks_job")
    tasks = {task["task_key"]: task for task in job["task"]}
    order = (*run_stages(), "publish")
    for stage, before in zip(order[1:], order[:-1], strict=True):
        assert [one["task_key"] for one in tasks[stage]["depends_on"]] == [before]
    for stage, task in tasks.items():
        learned = stage in ("filter", "context", "depth")
        assert task["job_cluster_key"] == ("gpu" if learned else "cpu")
        packages = [one["package"] for library in task["library"] for one in library["pypi"]]
        assert packages == (extra if learned else [])
        assert task["max_retries"] == 2
    clusters = {one["job_cluster_key"]: one["new_cluster"][0] for one in job["job_cluster"]}
    assert clusters["gpu"]["aws_attributes"][0]["availability"] == "SPOT_WITH_FALLBACK"
    assert clusters["cpu"]["instance_pool_id"] and not clusters["gpu"]["instance_pool_id"]
    assert clusters["gpu"]["custom_tags"] == {"project": "spatiallake-prod", "environment": "prod", "cost-center": "42"}
    assert job["max_concurrent_runs"] == 1
    (dev,) = resources(plans["dev/databricks"], "databricks_job")
    assert {task["job_cluster_key"] for task in dev["task"]} == {"cpu"}
