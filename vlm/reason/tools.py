"""The tools that a planner may call: strict arguments, and nothing else."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vlm.reason.arithmetic import FUNCTIONS, MAX_CHARACTERS

MAX_NAME = 120
MAX_QUESTION = 400
Name = Field(min_length=1, max_length=MAX_NAME)
DistanceKind = Literal["closest", "center", "horizontal", "vertical", "gap"]
Dimension = Literal["width", "height", "depth", "top", "bottom"]
RelationName = Literal[
    "left of", "right of", "above", "below", "in front of", "behind", "closer than", "farther than",
    "wider than", "narrower than", "taller than", "shorter than", "bigger than", "smaller than", "next to",
]  # fmt: skip
CAMERA = "camera"


class _Tool(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ask(_Tool):
    """Ask one question about the image in plain English and get its typed answer."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION)


class Distance(_Tool):
    """Measure the distance between two objects, or from the camera to one; `gap` is the free width between them."""

    a: str = Name
    b: str = Name
    kind: DistanceKind = "closest"


class Size(_Tool):
    """Measure an object: its width, height or depth, or how high its top or bottom is above its support."""

    of: str = Name
    dimension: Dimension


class Relation(_Tool):
    """Ask whether a stands in a relation to b, as the viewer sees it."""

    a: str = Name
    relation: RelationName
    b: str = Name


class Locate(_Tool):
    """Find the one object that a noun phrase names."""

    what: str = Name


class Arithmetic(_Tool):
    """Compute with named results, such as r1 + r2, r1 < 0.5 m, fits(0.8 m, r3) or triangle(r1, r2, r3)."""

    expression: str = Field(min_length=1, max_length=MAX_CHARACTERS)


class Finish(_Tool):
    """End with the result that answers the question, or say in one sentence why it cannot be answered."""

    result: str | None = Field(default=None, max_length=12)
    cannot: str | None = Field(default=None, max_length=MAX_QUESTION)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Finish":
        if (self.result is None) == (self.cannot is None):
            raise ValueError("give either result or cannot")
        return self


Query = Ask | Distance | Size | Relation | Locate
Tool = Query | Arithmetic | Finish
TOOLS: dict[str, type[Tool]] = {
    kind.__name__.lower(): kind for kind in (Ask, Distance, Size, Relation, Locate, Arithmetic, Finish)
}


class BadCall(ValueError):
    """A call of no tool, or with arguments that it does not take; the message is one sentence."""


def tool_of(name: str, arguments: Any) -> Tool:
    """Return the tool that a planner called.

    Raises:
        BadCall: there is no such tool, or its arguments are not those that it takes.
    """
    kind = TOOLS.get(name)
    if kind is None:
        raise BadCall(f"There is no tool {_short(name)}; there are {', '.join(TOOLS)}.")
    if not isinstance(arguments, dict):
        raise BadCall(f"The arguments of {name} are no JSON object: {_short(arguments)}.")
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadCall(f"{name} cannot use its argument {_short(place or 'list')}: {first['msg']}.") from None


def call_of(tool: Tool) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of a call."""
    return type(tool).__name__.lower(), tool.model_dump(exclude_none=True)


def schemas() -> list[dict[str, Any]]:
    """Return the tools as an OpenAI-compatible endpoint takes them."""
    listing = []
    for name, kind in TOOLS.items():
        schema = kind.model_json_schema()
        text = " ".join(str(schema.pop("description")).split())
        schema.pop("title")
        if kind is Arithmetic:
            text += f" Functions: {', '.join(FUNCTIONS)}."
        listing.append({"type": "function", "function": {"name": name, "description": text, "parameters": schema}})
    return listing


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(text[:60])
