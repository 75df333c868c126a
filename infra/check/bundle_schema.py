"""Write the part of the published JSON schema of Databricks bundles that `infra/databricks.yml` can use.

The schema belongs to the command line of Databricks, which prints it, and whose repository holds it:

    databricks bundle schema > jsonschema.json
    python -m infra.check.bundle_schema 1.13.0 jsonschema.json infra/check/bundle.json

The version is that of the command line. Types of resources that the bundle has none of are left out, and all texts;
classes of letters in patterns are written as Python's `re` has them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

BUNDLE = Path(__file__).resolve().parents[1] / "databricks.yml"
_RESOURCES = "#/$defs/github.com/databricks/cli/bundle/config.Resources"
_TEXTS = ("description", "markdownDescription", "deprecationMessage", "enumDescriptions", "examples")


def main(version: str, published: str, out: str) -> None:
    """Write what is reachable from the root of the `published` schema to `out`."""
    schema = json.loads(Path(published).read_text(encoding="utf-8"))
    used = yaml.safe_load(BUNDLE.read_text(encoding="utf-8"))["resources"].keys()
    for variant in _looked_up(schema, _RESOURCES)["oneOf"]:
        if "properties" in variant:
            variant["properties"] = {name: variant["properties"][name] for name in sorted(used)}
    root = {name: value for name, value in schema.items() if name != "$defs"}
    definitions: dict[str, Any] = {}
    found = [_plain(root)]
    while found:
        for reference in sorted(_references(found.pop())):
            name = reference.removeprefix("#/$defs/")
            if name not in definitions:
                definitions[name] = _renamed(_plain(_looked_up(schema, reference)))
                found.append(_plain(_looked_up(schema, reference)))
    lines = [f'"{name}": {json.dumps(definitions[name], sort_keys=True)}' for name in sorted(definitions)]
    head = json.dumps({"$comment": f"of version {version}", **_renamed(_plain(root))}, sort_keys=True)
    Path(out).write_text(f'{head[:-1]}, "$defs": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
    print(f"{out}: {len(definitions)} definitions of version {version}.")


def _looked_up(schema: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        schema = schema[part]
    return schema


def _plain(node: Any) -> Any:
    """Return a node without its texts; a property may be called `description`, so names of properties are kept."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if isinstance(node, str):
        return node.replace(r"[\p{L}\p{N}]", r"[^\W_]").replace(r"\p{L}", r"[^\W\d_]")
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {}
    for name, value in node.items():
        if name == "properties":
            kept[name] = {key: _plain(part) for key, part in value.items()}
        elif name not in _TEXTS and not name.startswith("x-") and name != "doNotSuggest":
            kept[name] = _plain(value)
    return kept


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(_references, node.values()))


def _renamed(node: Any) -> Any:
    """Return a node whose references name flat definitions: slashes in names are escaped, as JSON pointers do."""
    if isinstance(node, list):
        return [_renamed(part) for part in node]
    if not isinstance(node, dict):
        return node
    renamed = {name: _renamed(value) for name, value in node.items()}
    if isinstance(node.get("$ref"), str):
        renamed["$ref"] = "#/$defs/" + node["$ref"].removeprefix("#/$defs/").replace("/", "~1")
    return renamed


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Give a version, the published schema and the file to write; see the docstring.")
    main(*sys.argv[1:])
