"""The state machine of EMR: its states lead to an end, and what they ask for is what the services' models know."""

import copy
import json
from typing import Any

import pytest

from jobs.engine.registry import run_stages
from tests.infra import requests_of
from tests.infra.terraform import resources
from tests.jobs.engine import TABLES

LEARNED = ("Filter", "Context", "Depth")


def machine(plans: dict[str, Any], environment: str) -> dict[str, Any]:
    (found,) = resources(plans[environment], "aws_sfn_state_machine")
    return json.loads(found["definition"])


def following(state: dict[str, Any]) -> list[str]:
    choices = [choice["Next"] for choice in state.get("Choices", [])]
    caught = [catch["Next"] for catch in state.get("Catch", [])]
    return [*[state[name] for name in ("Next", "Default") if name in state], *choices, *caught]


def succeeding(states: dict[str, Any], first: str) -> list[str]:
    found = [first]
    while "Next" in states[found[-1]]:
        found.append(states[found[-1]]["Next"])
    return found


@pytest.mark.parametrize("environment", ["dev/emr", "prod/emr"])
def test_every_state_is_reached_and_leads_on(environment: str, plans: dict[str, Any]) -> None:
    definition = machine(plans, environment)
    states, reached, waiting = definition["States"], set(), [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += following(states[name])
    assert reached == set(states)
    assert all(following(state) or state["Type"] in ("Succeed", "Fail") for state in states.values())
    run = succeeding(states, states["Alone"]["Default"])
    stages = [name.lower() for name in run if name.lower() in run_stages()]
    assert tuple(stages) == run_stages() and run[-1] == "Done"


def test_a_cluster_is_made_for_the_stages_with_gpus_and_always_ended(plans: dict[str, Any]) -> None:
    assert not [name for name in machine(plans, "dev/emr")["States"] if "Cluster" in name]
    states = machine(plans, "prod/emr")["States"]
    run = succeeding(states, states["Alone"]["Default"])
    made, ended = run.index("CreateCluster"), run.index("TerminateCluster")
    assert tuple(run[made + 1 : ended]) == LEARNED
    for name in LEARNED:
        (catch,) = states[name]["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"]
        assert succeeding(states, catch["Next"]) == ["TerminateFailedCluster", "Failed"]


@pytest.mark.parametrize("environment", ["dev/emr", "prod/emr"])
def test_requests_are_what_the_services_know(environment: str, plans: dict[str, Any]) -> None:
    tasks = {name: state for name, state in machine(plans, environment)["States"].items() if state["Type"] == "Task"}
    assert len(tasks) >= len(run_stages())
    assert {name: told for name, state in tasks.items() if (told := requests_of.faults(state))} == {}


def test_a_wrong_request_is_told(plans: dict[str, Any]) -> None:
    states = machine(plans, "prod/emr")["States"]
    cluster = copy.deepcopy(states["CreateCluster"])
    fleets = cluster["Parameters"]["Instances"]["InstanceFleets"]
    fleets[2]["LaunchSpecifications"]["SpotSpecification"]["TimeoutAction"] = "GIVE_UP"
    fleets[0]["TargetOnDemandCapacity"] = "one"
    cluster["Parameters"]["Application"] = []
    told = " ".join(requests_of.faults(cluster))
    assert "TimeoutAction GIVE_UP is none of SWITCH_TO_ON_DEMAND" in told
    assert ".Application is no part of RunJobFlowInput" in told and "TargetOnDemandCapacity" in told


def test_the_gpu_fleet_is_of_spot_machines_that_fall_back(plans: dict[str, Any]) -> None:
    request = machine(plans, "prod/emr")["States"]["CreateCluster"]["Parameters"]
    fleet = {one["InstanceFleetType"]: one for one in request["Instances"]["InstanceFleets"]}["TASK"]
    assert (fleet["TargetSpotCapacity"], fleet["TargetOnDemandCapacity"]) == (4, 0)
    assert fleet["LaunchSpecifications"]["SpotSpecification"]["TimeoutAction"] == "SWITCH_TO_ON_DEMAND"
    limits = request["ManagedScalingPolicy"]["ComputeLimits"]
    assert (limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]) == (2, 5)
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert tags["cost-center"] == "42" and tags["project"] == "spatiallake-prod"
    submit = machine(plans, "prod/emr")["States"]["Filter"]["Parameters"]["Step"]["HadoopJarStep"]["Args"]
    archive = "s3://spatiallake-here/package/environment.tar.gz#environment"
    assert submit[:5] == ["spark-submit", "--deploy-mode", "cluster", "--archives", archive]
    assert "spark.executor.resource.gpu.amount=1" in submit
    assert not [word for word in submit if word.startswith("spark.task.resource.gpu.amount")]


def test_every_table_of_a_lake_gets_a_name(plans: dict[str, Any]) -> None:
    (crawler,) = resources(plans["dev/emr"], "aws_glue_crawler")
    places = crawler["delta_target"][0]["delta_tables"]
    assert {place.rstrip("/").rpartition("/")[2] for place in places} == set(TABLES)
