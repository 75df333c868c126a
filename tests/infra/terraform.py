"""Run Terraform on the modules, with providers that know the published schema and answer what the cloud would."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.infra.provider import provider

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
SCHEMAS = (INFRA / "check/aws.json", INFRA / "check/databricks.json")

# The providers run in threads of this process, which once cancelled all requests of a plan beside other tests.
_TRIES = 3


def program() -> str:
    """Return Terraform; the test is skipped, and says why, where it is not installed."""
    found = shutil.which("terraform")
    if found is None:
        pytest.skip("Terraform is not installed, so its files were not validated; any version from 1.9 on will do.")
    return found


@contextmanager
def providers() -> Iterator[dict[str, str]]:
    """Serve both schemas; yield the environment in which Terraform finds them."""
    with ExitStack() as stack:
        found: dict[str, Any] = {}
        for schema in SCHEMAS:
            found |= stack.enter_context(provider(schema))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        yield {**kept, "TF_REATTACH_PROVIDERS": json.dumps(found), "CHECKPOINT_DISABLE": "1"}


def terraform(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of Terraform's commands in a folder."""
    command = [program(), f"-chdir={folder}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment), timeout=120)


def initialized(environment: str, tmp_path: Path, variables: Mapping[str, str]) -> Path:
    """Return an initialized copy of a root module, such as `dev/emr`, whose state is kept beside it."""
    shutil.copytree(INFRA / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    folder = tmp_path / "terraform" / "environments" / environment
    (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    (folder / "terraform.tfvars.json").write_text(json.dumps(variables))
    with providers() as found:
        done = terraform(folder, found, "init", "-input=false", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def planned(folder: Path) -> dict[str, Any]:
    """Return the plan of an initialized root module as JSON."""
    for _ in range(_TRIES):
        with providers() as found:
            done = terraform(folder, found, "plan", "-input=false", "-no-color", "-out=plan")
            if done.returncode and "request was cancelled" in done.stderr:
                continue
            assert done.returncode == 0, done.stdout + done.stderr
            shown = terraform(folder, found, "show", "-json", "plan")
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout)
    pytest.fail(f"The providers of this test cancelled the requests of {_TRIES} plans.")


def resources(plan: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the planned values of all resources of a type, in whatever module."""
    changes = plan["resource_changes"]
    return [one["change"]["after"] for one in changes if one["type"] == kind and one["mode"] == "managed"]
