"""What the states of a state machine ask services for, checked against the model of each service that botocore has."""

from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

# The service and operation behind each integration, and how the request of its own operation is made.
_OPERATIONS = {
    "elasticmapreduce:createCluster.sync": ("emr", "RunJobFlow"),
    "elasticmapreduce:addStep.sync": ("emr", "AddJobFlowSteps"),
    "elasticmapreduce:terminateCluster.sync": ("emr", "TerminateJobFlows"),
    "emr-serverless:startJobRun.sync": ("emr-serverless", "StartJobRun"),
    "aws-sdk:sfn:listExecutions": ("stepfunctions", "ListExecutions"),
    "aws-sdk:glue:startCrawler": ("glue", "StartCrawler"),
}
_FREE = ("Tags", "Properties")  # mappings whose keys are names of the user


def faults(state: Mapping[str, Any]) -> list[str]:
    """Return what the service's model says against the request of a task: names, types, what lacks, other values."""
    service, operation = _OPERATIONS[state["Resource"].partition(":::")[2]]
    # The properties of botocore's models have no types.
    shape: Any = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    request = _request(operation, _plain(state["Parameters"]))
    if not set(shape.members) & set(request):
        request = _uncapitalized(request)
    if "clientToken" in shape.members:
        request["clientToken"] = "one"  # Step Functions gives it
    report = ParamValidator().validate(request, shape)
    return [*([report.generate_report()] if report.has_errors() else []), *_foreign(request, shape)]


def _request(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    if operation == "AddJobFlowSteps":
        return {"JobFlowId": given.pop("ClusterId"), "Steps": [given.pop("Step")], **given}
    return {"JobFlowIds": [given.pop("ClusterId")], **given} if operation == "TerminateJobFlows" else given


def _plain(node: Any) -> Any:
    """Return parameters without the mark of values that are taken from the state's input."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {name.removesuffix(".$"): _plain(value) for name, value in node.items()}


def _uncapitalized(node: Any, free: bool = False) -> Any:
    if isinstance(node, list):
        return [_uncapitalized(part) for part in node]
    if not isinstance(node, dict):
        return node
    names = {name: name if free else name[0].lower() + name[1:] for name in node}
    return {names[name]: _uncapitalized(value, name in _FREE) for name, value in node.items()}


def _foreign(value: Any, shape: Any, place: str = "") -> Iterator[str]:
    """Yield names and values that the model does not have; botocore itself lets them pass."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, part in value.items():
            if name not in shape.members:
                yield f"{place}.{name} is no part of {shape.name}"
            else:
                yield from _foreign(part, shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for part in value:
            yield from _foreign(part, shape.member, place)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{place} {value} is none of {', '.join(shape.enum)}"
