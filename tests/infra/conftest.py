"""The plans of all environments, which Terraform makes once."""

from typing import Any

import pytest

from tests.infra.terraform import initialized, planned

BUCKET = "spatiallake-here"
CRAWL = "s3://crawls/web"
DEV = {"bucket": BUCKET, "crawl": CRAWL}
PROD = {
    **DEV,
    "alert_emails": ["team@example.com"],
    "cost_center": "42",
    "settings": {"lift.min_points": "30", "context.thresholds.spatial": "0.5"},
}
GROUPS = {"catalog": "main", "operators": "engineers", "readers": "analysts", "run_as": "0000-1111"}
VARIABLES: dict[str, dict[str, Any]] = {
    "dev/emr": DEV,
    "prod/emr": {**PROD, "subnet_ids": ["subnet-1", "subnet-2"], "kms_key_arn": "arn:aws:kms:us-east-1:1:key/k"},
    "dev/databricks": {**DEV, "catalog": "main"},
    "prod/databricks": {**PROD, **GROUPS, "alert_destinations": ["destination-1"]},
}


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The plan of each environment, such as `dev/emr`, as JSON."""
    made = {}
    for environment, variables in VARIABLES.items():
        folder = initialized(environment, tmp_path_factory.mktemp("terraform"), variables)
        made[environment] = planned(folder)
    return made
