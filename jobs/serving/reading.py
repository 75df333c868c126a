"""Reads what clients send: chat requests with images as data URLs, and what they say about an image."""

import base64
import binascii
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.serving.faults import Refused
from vlm.reason.loop import MAX_QUESTION
from vlm.reason.transcript import key_of

_DATA_URL = re.compile(r"data:([\w.+/-]{0,60})((?:;[\w=.-]{0,40}){0,4});base64,", re.ASCII)
_NPY = b"\x93NUMPY"
_MAX_DEPTH_M = 65.535
_MAX_MESSAGES, _MAX_OBJECTS = 200, 1000


@dataclass(frozen=True)
class GivenImage:
    """An image, and what a client says about it: `given` has arguments of `measure`, with maps as PNG files' bytes."""

    content: bytes = field(repr=False)
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """Return a digest of everything that its scene depends on."""
        named = {name: one for name, one in self.given.items() if not isinstance(one, bytes)}
        maps = [[name, _digest(one)] for name, one in sorted(self.given.items()) if isinstance(one, bytes)]
        return key_of(_digest(self.content), named, maps)


@dataclass(frozen=True)
class Chat:
    """A question about an image, and how the answer is wanted."""

    question: str
    given_image: GivenImage
    streams: bool = False
    wants_usage: bool = False


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: str | None = None
    masks: str | None = None
    objects: list[str | dict[str, Any]] | None = Field(default=None, max_length=_MAX_OBJECTS)
    camera: dict[str, float] | None = None
    gravity: list[float] | None = Field(default=None, min_length=3, max_length=3)
    focal_px: float | None = Field(default=None, gt=0, lt=1e6)


class _StreamOptions(_Loose):
    include_usage: bool = False


class _Body(_Loose):
    model: str = Field(max_length=400)
    messages: list[dict[str, Any]] = Field(min_length=1, max_length=_MAX_MESSAGES)
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    spatiallake: dict[str, Any] | None = None


class _GivenImageBody(_Loose):
    image: str
    spatiallake: dict[str, Any] | None = None


def read_json(body: bytes) -> Any:
    """Return the JSON of a body.

    Raises:
        Refused: it is none.
    """
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("The body is no JSON; send one JSON object as application/json.") from None


def chat_of(document: Any, model: str) -> Chat:
    """Return the question of a chat request.

    Raises:
        Refused: it is none, or asks for what this server does not do.
    """
    body = _valid(_Body, document)
    if body.model != model:
        raise Refused(
            f"There is no model {body.model[:80]!r}; this server has {model!r}.", 404, "model_not_found", "model"
        )
    if body.n not in (None, 1):
        raise Refused(f"n is {body.n}, and there is one answer; leave n out.", param="n")
    for name in ("tools", "functions"):
        if getattr(body, name):
            raise Refused(f"This server calls no {name}; leave {name} out.", param=name)
    if body.response_format and body.response_format.get("type") != "text":
        raise Refused("Answers are text; leave response_format out.", param="response_format")
    wants_usage = body.stream_options is not None and body.stream_options.include_usage
    return Chat(
        question=_question(body.messages[-1]),
        given_image=_given_image(_image_url(body.messages), body.spatiallake, "messages"),
        streams=bool(body.stream),
        wants_usage=wants_usage,
    )


def given_image_of(document: Any) -> GivenImage:
    """Return the image of a request for its scene.

    Raises:
        Refused: it has none.
    """
    body = _valid(_GivenImageBody, document)
    return _given_image(body.image, body.spatiallake, "image")


def _question(message: Mapping[str, Any]) -> str:
    """Return what the last message asks; what earlier and other messages say changes nothing."""
    if message.get("role") != "user":
        raise Refused("The last message is not the user's; end with a message of the role user.", param="messages")
    text = " ".join(_text(part) for part in _parts(message) if part.get("type") == "text").strip()
    if not text:
        raise Refused("The last message asks nothing; add a text with a question.", param="messages")
    if len(text) > MAX_QUESTION:
        raise Refused(f"The question has {len(text)} characters; give 1 to {MAX_QUESTION}.", param="messages")
    return text


def _image_url(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the image that the last message with one has."""
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        parts = [part for part in _parts(message) if part.get("type") != "text"]
        for part in parts:
            if part.get("type") != "image_url":
                kind = str(part.get("type"))[:40]
                raise Refused(f"A part has the type {kind!r}; send text and image_url.", param="messages")
        if len(parts) > 1:
            raise Refused(f"A message has {len(parts)} images; ask about one at a time.", param="messages")
        if parts:
            held = parts[0].get("image_url")
            url = held.get("url") if isinstance(held, dict) else held
            if not isinstance(url, str):
                raise Refused("An image_url has no url; give a data URL.", param="messages")
            return url
    raise Refused("There is no image; add an image_url with a data URL to the user's message.", param="messages")


def _parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Refused("The content of a message is neither a text nor a list of parts; send one.", param="messages")
    return content


def _text(part: Mapping[str, Any]) -> str:
    text = part.get("text")
    if not isinstance(text, str):
        raise Refused("A text part has no text; give a string.", param="messages")
    return text


def _given_image(url: str, about: Mapping[str, Any] | None, param: str) -> GivenImage:
    content = _bytes_of(url, "image", param)
    known = _valid(_About, about or {}, "spatiallake.")
    given: dict[str, Any] = {}
    if known.camera:
        given["camera"] = known.camera
    elif known.focal_px:
        given["focal_px"] = known.focal_px
    if known.gravity:
        given["gravity"] = known.gravity
    if known.objects:
        given["objects"] = known.objects
    for name in ("depth", "masks"):
        held = getattr(known, name)
        if held is not None:
            given[name] = _bytes_of(held, name, f"spatiallake.{name}")
    if given.get("depth", b"").startswith(_NPY):
        given["depth"] = _png_of_npy(given["depth"])
    return GivenImage(content, given)


def _bytes_of(url: str, what: str, param: str) -> bytes:
    if url[:8].lower().startswith(("http:", "https:", "file:", "ftp:")):
        raise Refused(f"The {what} is an address, and nothing is fetched from elsewhere; send a data URL.", param=param)
    match = _DATA_URL.match(url)
    if match is None:
        raise Refused(f"The {what} is no data URL; send data:image/png;base64, and the file.", param=param)
    try:
        return base64.b64decode(url[match.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"The data URL of the {what} is no base64; encode the file anew.", param=param) from None


def _png_of_npy(data: bytes) -> bytes:
    """Return a NumPy file of depth in m as a uint16 PNG in mm."""
    from PIL import Image

    param = "spatiallake.depth"
    try:
        held = io.BytesIO(data)
        version = np.lib.format.read_magic(held)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(held)
    except (ValueError, OSError, SyntaxError, RecursionError):
        raise Refused("The depth is no NumPy file; save it with numpy.save.", param=param) from None
    # The header alone says how much memory reading takes.
    is_map = len(shape) == 2 and min(shape) > 0 and dtype.kind in "fiu"
    if not is_map or shape[0] * shape[1] * dtype.itemsize > len(data):
        raise Refused(
            f"The depth is {dtype} {shape}, or cut off; save a whole array (height, width) of m.", param=param
        )
    depth_m = np.nan_to_num(np.load(io.BytesIO(data), allow_pickle=False).astype(np.float64), posinf=0.0, neginf=0.0)
    usable = (depth_m > 0) & (depth_m <= _MAX_DEPTH_M)
    buffer = io.BytesIO()
    Image.fromarray(np.where(usable, np.rint(depth_m * 1000.0), 0).astype(np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def _valid(kind: Any, document: Any, above: str = "") -> Any:
    if not isinstance(document, dict):
        raise Refused("The body is no JSON object; send one.")
    try:
        return kind.model_validate(document)
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise Refused("The body is nested too deeply; send a plain request.") from None
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = above + ".".join(str(part)[:40] for part in first["loc"])
        raise Refused(f"{place[:120]} cannot be used: {first['msg']}.", param=place[:120]) from None


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON.")
