"""What was measured in one image: the scene of it, which can be asked and drawn."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from PIL import Image

from jobs.engine.errors import UsageError
from jobs.one_image.drawing import Dimension, Label, drawn
from jobs.one_image.lengths import Lengths
from jobs.views.pages.projection import View
from udfs.geometry.limits import LiftSettings
from udfs.language.quantity import say_compared
from udfs.pixels.decoding import upright_rgb
from udfs.questions.answer import Answer
from udfs.questions.asked import AskedScene, ObjectName, kind_of
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.spans import Line
from udfs.stages.rows import Row


class Thing(NamedTuple):
    """One measured object.

    `name` fits no other object of the image; None where nothing tells it from the others. Lengths are in m, in frame W
    (x forward, y left, z up): `size_m` is width as seen, height and depth, `box_m` the eight corners, bottom four
    first, and `distance_sigma_m` the standard error of the distance from the camera. `size_known` is false where the
    object is cut off or hidden. `support` is the row of `surfaces` that it rests on.
    """

    object_id: int
    name: str | None
    label: str | None
    captions: tuple[str, ...]
    center_m: tuple[float, ...]
    size_m: tuple[float, float, float] | None
    size_known: bool
    box_m: tuple[tuple[float, ...], ...]
    distance_m: float
    distance_sigma_m: float
    support: Row | None


class Down(NamedTuple):
    """Gravity: the unit vector down in the camera's frame, where it comes from, and its error in degrees."""

    down_c: tuple[float, ...]
    source: str
    sigma_deg: float


class Errors(NamedTuple):
    """Relative standard errors that all lengths (`scale_rel`) or all directions (`focal_rel`) of an image share.

    `depth_rel` is that of the depth of one object, independent of the others.
    """

    scale_rel: float
    focal_rel: float
    depth_rel: float


@dataclass(frozen=True)
class Measured:
    """What was measured in one image.

    `scene`, `references` and `answers` have the columns of the tables `scenes`, `references` and `qa_pairs` and refer
    to the upright image; `notes` are sentences about given data that could not be used, and about an image unlike
    those that experts know; `knows` says what they know, if that is one kind of image. `lifted` holds the depth and
    the regions from which the scene was made, `content` the bytes of the image file.
    """

    scene: Row
    references: Row
    answers: list[Row]
    notes: list[str]
    lifted: Row = field(repr=False)
    content: bytes = field(repr=False)
    settings: tuple[LiftSettings, SynthesizeSettings] = field(repr=False)
    knows: str | None = None

    @property
    def objects(self) -> list[Row]:
        """Return the measured objects: position, size and uncertainty in m, with all columns of `scenes.objects`."""
        return self.scene["objects"]

    @property
    def surfaces(self) -> list[Row]:
        """Return the surfaces that were found, such as the floor and table tops: the rows of `scenes.planes`."""
        return self.scene["planes"]

    @property
    def gravity(self) -> Down | None:
        """Return which way is down; None where neither the input nor a surface says it."""
        scene = self.scene
        if scene["gravity_c"] is None or scene["gravity_src"] == "none":
            return None
        return Down(tuple(scene["gravity_c"]), scene["gravity_src"], scene["gravity_sigma_deg"] or 0.0)

    @property
    def errors(self) -> Errors:
        """Return the errors that the objects share."""
        scene = self.scene
        return Errors(*(scene[name] or 0.0 for name in ("scale_sigma_rel", "focal_sigma_rel", "sigma_rel")))

    @cached_property
    def things(self) -> list[Thing]:
        """The measured objects with their names, sizes, boxes and supports, nearest first."""
        names = {one["object_id"]: one["expression"] for one in self.references["references"]}
        surfaces = {plane["plane_id"]: plane for plane in self.surfaces}
        things = [_thing(row, names.get(row["object_id"]), surfaces) for row in self.objects]
        return sorted(things, key=lambda thing: thing.distance_m)

    @cached_property
    def asked(self) -> AskedScene:
        """The scene as questions are read and answered from it."""
        return AskedScene(self.scene, self.references["references"], self.lifted["regions"], self.settings[1])

    def answer(
        self,
        asked: str,
        *objects: ObjectName,
        side: str | None = None,
        unit: str | None = None,
        needs_m: float | None = None,
    ) -> Answer:
        """Answer a question in words, or a question type (its id or name) about objects (ids or names).

        `side` is what a choice is asked for, such as "shorter", `unit` the unit of a number, such as "in", and
        `needs_m` the width, height or reach to compare with what there is. An answer always has a `text`; where there
        is none, that says why and `reason` has a code.
        """
        return self.asked.answer(asked, *objects, side=side, unit=unit, needs_m=needs_m)

    def draw(self, answer: Answer | None = None) -> Image.Image:
        """Return the image with outlines and names of all objects, or of those of an answer with what was measured.

        Raises:
            UsageError: the answer is about another image.
        """
        # Surfaces and openings have negative ids, and no region.
        wanted = [one.object_id for one in answer.objects if one.object_id >= 0] if answer else []
        regions = {region["region_id"]: region for region in self.lifted["regions"]}
        if not regions.keys() >= set(wanted):
            raise UsageError("The answer is about objects that are not in this image; draw it on its own image.")
        shown = wanted or [row["object_id"] for row in self.objects]
        labels = [Label(regions[one], self.asked.called[one]) for one in dict.fromkeys(shown)]
        point = answer.point if answer else None
        with Image.open(io.BytesIO(self.content)) as stored:
            pixels = upright_rgb(stored)
        return drawn(pixels, self.view, labels, self.dimension(answer) if answer else None, point)

    @property
    def view(self) -> View:
        """Return the camera that sees the scene."""
        scene = self.scene
        return View(scene["world_from_camera"], scene["camera"], scene["width"], scene["height"])

    def dimension(self, answer: Answer) -> Dimension | None:
        """Return where the length of an answer was measured; None for what is no length."""
        length = answer.value_si if answer.has_m is None else answer.has_m
        if answer.type_id is None or length is None:
            return None
        ids = [one.object_id for one in answer.objects]
        lines = self.lines(answer.type_id, ids, answer.variant or "", length)
        return Dimension(lines, answer.value_text or say_compared(length)) if lines else None

    def lines(self, type_id: str, ids: Sequence[int], variant: str, value_m: float) -> list[Line]:
        """Return between which points of W a type measured the objects, m; none for what is no length."""
        return self.lengths.lines(kind_of(type_id), ids, variant, value_m)

    @cached_property
    def lengths(self) -> Lengths:
        """What finds the points between which lengths were measured."""
        return Lengths(self.scene, self.lifted, self.settings[0])


def _thing(row: Row, name: str | None, surfaces: dict[int, Row]) -> Thing:
    size = row["size_m"]
    corners = np.reshape(row["corners_m"], (8, 3)).tolist() if row["corners_m"] else []
    return Thing(
        object_id=row["object_id"],
        name=name,
        label=row["label"],
        captions=tuple(row["captions"] or ()),
        center_m=tuple(row["center_m"]),
        size_m=(size[1], size[2], size[0]) if size else None,
        size_known=bool(row["size_ok"]),
        box_m=tuple(map(tuple, corners)),
        distance_m=row["range_m"],
        distance_sigma_m=row["sigma_m"],
        support=surfaces.get(row["support_plane_id"]),
    )
