"""Write the schema of the Terraform types used here: the names and types of arguments, and which are required.

Terraform asks a provider for its schema, and gets providers from a registry that not every machine reaches. The
bindings that the CDK Terrain project generates from the schema of each provider carry the same facts in a wheel:

    pip download --no-deps cdktn-provider-aws cdktn-provider-databricks
    python -m infra.check.provider_schema hashicorp/aws cdktn_provider_aws-*.whl infra/check/aws.json
    python -m infra.check.provider_schema databricks/databricks cdktn_provider_databricks-*.whl \
        infra/check/databricks.json

Run it again when a `.tf` file takes up another type, or a provider another version. The bindings say nothing of allowed
values or of arguments that exclude one another, so neither does what is written.
"""

import io
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

TERRAFORM = Path(__file__).resolve().parents[1] / "terraform"

_USED = re.compile(r'^(resource|data) "(\w+)"', re.MULTILINE)
_VERSION = re.compile(r"provider version (\d[\w.]*)")
# An entry of the list of arguments that a binding prints as HCL, and the two kinds of functions that hold such a list.
_ARGUMENT = re.compile(
    r"^ +(\w+): \{\n +value: (.+),\n +isBlock: (\w+),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",\n",
    re.MULTILINE,
)
_PRINTER = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_OWN_PRINTER = re.compile(r"^    synthesizeHclAttributes\(\) \{\n(.*?)^    \}", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FLAGS = re.compile(r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*\n.*\n)")
_GETTER = re.compile(r"get\w+Attribute(?=\()|StringMap(?=\()")
_BLOCK_PRINTER = re.compile(r"(?<!cdktn\.)\b(\w+)ToHclTerraform")

_BASES = ("TerraformResource", "TerraformDataSource", "TerraformProvider")
_STORED = {"string": "string", "number": "number", "boolean": "bool"}
_COMPUTED = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "StringMap": ["map", "string"],
}


def main(provider: str, wheel: str, out: str) -> None:
    """Write to `out` what the bindings in `wheel` say of the types of `provider` that `infra/terraform` uses."""
    short = provider.rpartition("/")[2]
    package = _package(Path(wheel))
    version = _VERSION.search(_text(package, "README.md"))
    if version is None:
        sys.exit(f"{wheel} does not say which version of the provider it is of.")
    schema: dict[str, Any] = {"provider": provider, "version": version[1], "resource": {}, "data": {}}
    schema["configuration"] = _type(_scripts(package, "lib/provider/"))
    for kind, name in sorted(used_types()):
        if name.startswith(f"{short}_"):
            folder = name.removeprefix(f"{short}_") if kind == "resource" else f"data_{name}"
            schema[kind][name] = _type(_scripts(package, f"lib/{folder.replace('_', '-')}/"))
    Path(out).write_text(_one_type_per_line(schema), encoding="utf-8")
    print(f"{out}: {provider} {version[1]}, {len(schema['resource'])} resources, {len(schema['data'])} data sources.")


def used_types() -> set[tuple[str, str]]:
    """Return each type that the modules use, with its kind: `resource` or `data`."""
    return {found for path in TERRAFORM.rglob("*.tf") for found in _USED.findall(path.read_text(encoding="utf-8"))}


def _package(wheel: Path) -> tarfile.TarFile:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        return tarfile.open(fileobj=io.BytesIO(archive.read(name)))


def _text(package: tarfile.TarFile, name: str) -> str:
    member = package.extractfile(f"package/{name}")
    assert member is not None
    return member.read().decode("utf-8")


def _scripts(package: tarfile.TarFile, folder: str) -> str:
    """Return all JavaScript of a folder; the blocks of the largest types are in files of their own."""
    names = [name.removeprefix("package/") for name in package.getnames()]
    return "\n".join(_text(package, name) for name in names if name.startswith(folder) and name.endswith(".js"))


class _Module:
    """The JavaScript of one type, taken apart."""

    def __init__(self, text: str) -> None:
        self.printers = dict(_PRINTER.findall(text))
        found = _CLASS.findall(text)
        self.classes = {name: body for name, _, body in found}
        (self.own,) = (body for _, base, body in found if base in _BASES)


def _type(text: str) -> dict[str, Any]:
    module = _Module(text)
    printer = _OWN_PRINTER.search(module.own)
    return _block(module, printer[1] if printer else "", module.own)


def _block(module: _Module, printer: str, body: str) -> dict[str, Any]:
    """Return the arguments and nested blocks of a block, whose flags stand in comments of a class's `body`."""
    flags = {name: (said, after) for name, *said, after in _FLAGS.findall(body)}
    attributes: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    for name, value, is_block, kind, stored in _ARGUMENT.findall(printer):
        said = flags.pop(name, (["false", "true", "false"], ""))[0]
        if is_block == "true":
            blocks[name] = _nested(module, value, kind, required=said[2] == "true")
        else:
            attributes[name] = [_type_of(kind, stored), _words(said)]
    for name, (said, after) in flags.items():
        if said[0] == "true":
            getter = _GETTER.search(after)
            attributes[name] = [_COMPUTED.get(getter[0] if getter else "", "dynamic"), _words(said)]
    return {"attributes": attributes, **({"blocks": blocks} if blocks else {})}


def _nested(module: _Module, value: str, kind: str, required: bool) -> dict[str, Any]:
    printer = _BLOCK_PRINTER.search(value)
    assert printer is not None, value
    name = printer[1]
    body = module.classes.get(f"{name[0].upper()}{name[1:]}OutputReference", "")
    nesting = "single" if kind == "struct" else kind
    # Without a mapper, the block stands there once at most.
    limits = {"min": int(required and nesting != "single"), "max": int("Mapper" not in value and nesting != "single")}
    return {"nesting": nesting, **limits, **_block(module, module.printers[name], body)}


def _type_of(kind: str, stored: str) -> Any:
    """Return a type as Terraform writes it in JSON; objects, which the bindings do not spell out, are `dynamic`."""
    if kind == "simple":
        return _STORED.get(stored, "dynamic")
    element = next((_STORED[name] for name in _STORED if stored in (f"{name}List", f"{name}Map")), None)
    return [kind, element] if element else "dynamic"


def _words(said: list[str]) -> str:
    return " ".join(
        word for word, is_so in zip(("computed", "optional", "required"), said, strict=True) if is_so == "true"
    )


def _one_type_per_line(schema: dict[str, Any]) -> str:
    """Return the schema as JSON whose changes can be read in a diff."""
    lines = [
        f'"{name}": {json.dumps(schema[name], sort_keys=True)},' for name in ("provider", "version", "configuration")
    ]
    for kind in ("resource", "data"):
        types = [f'"{name}": {json.dumps(block, sort_keys=True)}' for name, block in schema[kind].items()]
        lines.append(f'"{kind}": {{\n' + ",\n".join(types) + "\n}" + ("," if kind == "resource" else ""))
    return "{\n" + "\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Give a provider, the wheel of its bindings and the file to write; see the docstring.")
    main(*sys.argv[1:])
