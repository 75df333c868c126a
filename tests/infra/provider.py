"""A provider of Terraform that knows the schema of the real one and nothing else.

Terraform itself decides what a schema allows: names, types, what is required, and what other resources may refer to. So
`terraform validate` and `terraform plan` need no more than this. What a cloud would answer is made up: see `made_up`.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgpack

PROTOCOL = 6
# What data sources answer that arguments of resources are made of.
_ANSWERS = {
    "aws_partition": {"partition": "aws"},
    "aws_region": {"region": "us-east-1"},
    "aws_caller_identity": {"account_id": "123456789012"},
}
_NESTINGS = {"single": 1, "list": 2, "set": 3}
_messages, _services = grpc.protos_and_services("tests/infra/terraform_plugin.proto")


@contextmanager
def provider(schema_file: Path) -> Iterator[dict[str, Any]]:
    """Serve a schema on the loopback device; yield how Terraform finds it, an entry of TF_REATTACH_PROVIDERS."""
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    server = grpc.server(ThreadPoolExecutor(4))
    _services.add_ProviderServicer_to_server(_servicer(schema), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    try:
        yield {
            schema["provider"]: {
                "Protocol": "grpc",
                "ProtocolVersion": PROTOCOL,
                "Pid": 0,
                "Test": True,
                "Addr": address,
            }
        }
    finally:
        server.stop(None)


def made_up(schema: Mapping[str, Any], type_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's values with those filled in that the cloud would compute, each told from its name."""
    label = next((values[key] for key in ("name", "bucket", "schema_name") if values.get(key)), type_name)
    filled = {**values, **_ANSWERS.get(type_name, {})}
    for name, (kind, words) in schema["attributes"].items():
        if "computed" not in words or filled.get(name) is not None:
            continue
        if name == "arn":
            bucket = type_name == "aws_s3_bucket"
            filled[name] = (
                f"arn:aws:s3:::{label}" if bucket else f"arn:aws:any:us-east-1:123456789012:{type_name}/{label}"
            )
        elif kind == "string":
            filled[name] = f"{type_name}.{label}.{name}"
        elif kind in ("number", "bool"):
            filled[name] = {"number": 1, "bool": False}[kind]
    return filled


def _servicer(schema: Mapping[str, Any]) -> Any:
    class Servicer(_services.ProviderServicer):
        def GetProviderSchema(self, request: Any, context: Any) -> Any:
            answer = _messages.Schemas(provider=_messages.Schema(block=_block(schema["configuration"])))
            for name, block in schema["resource"].items():
                answer.resource_schemas[name].block.CopyFrom(_block(block))
            for name, block in schema["data"].items():
                answer.data_source_schemas[name].block.CopyFrom(_block(block))
            return answer

        def PlanResourceChange(self, request: Any, context: Any) -> Any:
            return _state(schema["resource"], request.type_name, request.proposed_new_state)

        def ReadDataSource(self, request: Any, context: Any) -> Any:
            return _state(schema["data"], request.type_name, request.config)

    def nothing(self: Any, request: Any, context: Any) -> Any:
        return _messages.Empty()

    for name in ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig"):
        setattr(Servicer, name, nothing)
    for name in ("ConfigureProvider", "StopProvider"):
        setattr(Servicer, name, nothing)
    return Servicer()


def _state(schemas: Mapping[str, Any], type_name: str, value: Any) -> Any:
    values = msgpack.unpackb(value.msgpack, raw=False)
    filled = made_up(schemas[type_name], type_name, values) if values else values
    return _messages.State(state=_messages.DynamicValue(msgpack=msgpack.packb(filled)))


def _block(block: Mapping[str, Any]) -> Any:
    made = _messages.Schema.Block()
    for name, (kind, words) in block["attributes"].items():
        flags = dict.fromkeys(words.split(), True)
        made.attributes.add(name=name, type=json.dumps(kind).encode(), **flags)
    for name, nested in block.get("blocks", {}).items():
        limits = {"min_items": nested["min"], "max_items": nested["max"]}
        made.block_types.add(type_name=name, block=_block(nested), nesting=_NESTINGS[nested["nesting"]], **limits)
    return made
