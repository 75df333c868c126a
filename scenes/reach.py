"""Episodes of a gripper that reaches for a thing on a table, pushes it, or picks it up, carries it and puts it down.

Their distances are exact.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from scenes.camera import Attitude, Camera, Lens
from scenes.catalog import Kind, on
from scenes.crawl import MANIFEST, Folder, write_image
from scenes.mesh import Mesh, box, cylinder
from scenes.placed_objects import KINDS, Design, PlacedObject, design
from scenes.placement import Room
from scenes.render import render_frame
from scenes.room_images import RoomImage
from scenes.scene import Scene
from scenes.settings import RenderSettings
from scenes.shading import random_lighting
from scenes.shapes import Shape, pick
from scenes.solids_apart import distance_m

TASKS = ("reach", "push", "pick")
TARGETS = ("mug", "ball", "can", "vase", "candle", "cup", "block", "lemon", "toy car")
GRIPPER = "gripper"
TOUCH_M = 0.001
# What counts as contact in the truth: no surfaces of these episodes are this close without touching.
CONTACT_M = 0.005
_SIZES_M = (0.04, 0.16)
_CLEAR_M = 0.2
_OPEN_M = 0.05
_WORDS = {"reach": "reach for the {0}", "push": "push the {0}", "pick": "pick up the {0} and put it aside"}
# How far a thing is pushed per frame, lifted, and carried aside: no farther than to the next thing.
_PUSH_M, _LIFT_M, _CARRY_M = 0.015, 0.06, 0.05
# Decimal places of the truth in m: below a micrometer, distances of moved meshes differ by rounding alone.
_PLACES = 6
_ATTEMPTS = 60
_STEPS = 60


@dataclass(frozen=True)
class ReachSettings:
    """How episodes are rendered; `approach` frames come near, `contact` frames touch."""

    width: int = 320
    height: int = 240
    approach: int = 14
    contact: int = 6
    depth_noise_rel: float = 0.0


@dataclass(frozen=True, eq=False)
class ReachFrame:
    """One frame: its image, and the exact distance of gripper and thing in m."""

    view: RoomImage
    distance_m: float

    @property
    def touches(self) -> bool:
        """Whether gripper and thing touch."""
        return self.distance_m <= CONTACT_M


@dataclass(frozen=True, eq=False)
class Episode:
    """One rendered episode; ids are those of the masks."""

    task: str
    name: str
    instruction: str
    target: str
    gripper_id: int
    target_id: int
    frames: list[ReachFrame] = field(default_factory=list)


def episode(task: str, seed: int, index: int, settings: ReachSettings | None = None) -> Episode:
    """Render an episode; the same arguments always give the same pixels.

    Raises:
        ValueError: no drawn scene shows gripper and thing; use another seed.
    """
    settings = settings or ReachSettings()
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, TASKS.index(task), index, attempt])
        made = _Staged.drawn(task, rng, settings)
        frames = made.rendered(settings, index, rng) if made else None
        if made and frames:
            label = made.target.label
            words = _WORDS[task].format(label)
            name = f"{task}-{seed}-{index:03d}"
            return Episode(task, name, words, label, made.ids[-1], made.ids[made.place], frames)
    raise ValueError(f"No episode {index} of task {task} with seed {seed} shows gripper and thing; use another seed.")


def write_episodes(
    out: str, tasks: tuple[str, ...], count: int, seed: int, settings: ReachSettings | None = None
) -> list[Episode]:
    """Write `count` episodes of every task as a crawl with sequences; return them."""
    settings = settings or ReachSettings()
    folder, rows, made = Folder(out), list[dict[str, Any]](), list[Episode]()
    for task in tasks:
        for index in range(count):
            one = episode(task, seed, index, settings)
            made.append(one)
            number = len(made) - 1
            rows += [_row(folder, one, frame, number, seed, settings) for frame in one.frames]
    folder.write(MANIFEST, "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode())
    return made


def _row(
    folder: Folder, one: Episode, frame: ReachFrame, number: int, seed: int, settings: ReachSettings
) -> dict[str, Any]:
    out = RenderSettings(out=".", count=number + 1, seed=seed, depth_noise_rel=settings.depth_noise_rel)
    view = replace(frame.view, room_index=number)
    row = write_image(folder, view, out)
    return {**row, "sequence_id": one.name, "frame_index": view.frame_index, "instruction": one.instruction}


@dataclass(frozen=True, eq=False)
class _Staged:
    """A scene before it moves: the room without the gripper, the thing at `place`, and the camera."""

    task: str
    room: Room
    place: int
    start: np.ndarray
    way: np.ndarray
    yaw_rad: float
    open_m: float
    camera: Camera
    ids: list[int]

    @property
    def target(self) -> PlacedObject:
        return self.room.objects[self.place]

    @classmethod
    def drawn(cls, task: str, rng: np.random.Generator, settings: ReachSettings) -> "_Staged | None":
        """Draw a scene; `way` leads from `start` through the thing, None if it does not fit."""
        room = Room("tabletop", (5.0, 5.0, 2.6), rng)
        table = design("table", rng)
        room.add(PlacedObject(table, np.array([2.5, 2.5, 0.0]), float(rng.uniform(-np.pi, np.pi))))
        surface = max(table.shape.surfaces, key=lambda one: one.z)
        thing = design(pick(rng, TARGETS), rng)
        size = thing.size_m
        if size.max() > _SIZES_M[1] or size.min() < _SIZES_M[0]:
            return None
        place = room.upon(0, surface, thing, (0.0, 0.0), float(rng.uniform(-np.pi, np.pi)))
        if place is None:
            return None
        heading = float(rng.uniform(-np.pi, np.pi))
        rise = {"reach": rng.uniform(0.6, 1.2), "push": 0.0, "pick": np.pi / 2}[task]
        back = np.array([np.cos(heading) * np.cos(rise), np.sin(heading) * np.cos(rise), np.sin(rise)])
        center = room.objects[place].position_m
        _distractors(room, surface, center, back, rng)
        level = {"reach": 0.5 * size[2], "push": 0.3 * size[2], "pick": 0.35 * size[2]}[task]
        goal = center + np.array([0.0, 0.0, level])
        start = goal + back * rng.uniform(0.28, 0.42)
        ids = [int(one) + 1 for one in rng.permutation(len(room.objects) + 1)]
        wide = float(min(size[:2])) if task == "pick" else 0.0
        open_m = wide + 2 * _OPEN_M if task == "pick" else 0.002
        camera = _looking(0.5 * (start + goal), heading, rng, settings)
        yaw = room.objects[place].yaw_rad + (0.0 if size[1] <= size[0] else np.pi / 2)
        return cls(task, room, place, start, goal - start, float(yaw), open_m, camera, ids)

    def rendered(self, settings: ReachSettings, index: int, rng: np.random.Generator) -> list[ReachFrame] | None:
        """Render every frame; None if gripper or thing is too small in one, or they do not meet."""
        steps = self._steps(settings, rng)
        lighting = random_lighting(self.room.size_m, rng)
        seeds = rng.integers(2**31, size=2)
        frames = []
        for number, (gripper, moved) in enumerate(steps):
            objects = [*self.room.objects, gripper]
            objects[self.place] = moved
            scene = Scene(replace(self.room, objects=objects), np.random.default_rng(seeds[0]))
            seen = render_frame(scene, self.camera, lighting, np.random.default_rng([int(seeds[1]), number]))
            counts = np.bincount(seen.object_index.ravel() + 1, minlength=len(objects) + 1)[1:]
            if min(counts[-1], counts[self.place]) < _min_pixels(settings):
                return None
            table = np.array([0, *self.ids], np.uint8)
            shown = {self.ids[place]: objects[place] for place in np.argsort(-counts) if counts[place]}
            ids = table[seen.object_index + 1]
            view = RoomImage(index, "tabletop", number, self.camera, seen, ids, shown, scene.room)
            apart_m = round(distance_m(_mesh(gripper), _mesh(moved)), _PLACES)
            frames.append(ReachFrame(view, apart_m))
        return frames or None

    def _steps(self, settings: ReachSettings, rng: np.random.Generator) -> list[tuple[PlacedObject, PlacedObject]]:
        """Return gripper and thing in every frame; empty if the gripper never touches."""
        end = self._touching() if self.task != "pick" else self._palm_above()
        if end is None:
            return []
        pace = np.cumsum(np.concatenate([[0.0], rng.uniform(0.7, 1.3, settings.approach - 1)]))
        steps = [
            (self._gripper(end * share, self.open_m), self.target) for share in pace / pace[-1] * _before(self.task)
        ]
        closed = self._closed(end) if self.task == "pick" else self.open_m
        for shift in self._shifts(settings.contact):
            held = self._gripper(end, closed)
            moved = replace(self.target, position_m=self.target.position_m + shift)
            steps.append((replace(held, position_m=held.position_m + shift), moved))
        return steps

    def _shifts(self, count: int) -> list[np.ndarray]:
        """Return where a thing in contact is moved to in each frame, m: not, along the way, or up, aside and down."""
        if self.task != "pick":
            pace = _PUSH_M * self.way / np.linalg.norm(self.way) if self.task == "push" else np.zeros(3)
            return [pace * number for number in range(count)]
        share = np.linspace(0.0, 1.0, count)
        up = _LIFT_M * np.clip(3.0 * np.minimum(share, 1.0 - share), 0.0, 1.0)
        aside = _CARRY_M * np.clip(3.0 * share - 1.0, 0.0, 1.0)
        across = np.array([-np.sin(self.yaw_rad), np.cos(self.yaw_rad), 0.0])
        return [one * across + np.array([0.0, 0.0, height]) for one, height in zip(aside, up, strict=True)]

    def _gripper(self, share: float, open_m: float) -> PlacedObject:
        return PlacedObject(gripper(open_m), self.start + share * self.way, self.yaw_rad)

    def _apart(self, share: float, open_m: float) -> float:
        return distance_m(_mesh(self._gripper(share, open_m)), _mesh(self.target))

    def _touching(self) -> float | None:
        """Return the share of the way at which the surfaces come within `TOUCH_M`: no step is longer than the gap."""
        share, length_m = 0.0, float(np.linalg.norm(self.way))
        for _ in range(_STEPS):
            apart = self._apart(share, self.open_m)
            if apart <= TOUCH_M:
                return share
            share += max(apart - 0.5 * TOUCH_M, 0.0) / length_m
            if share > 1.0:
                return None
        return None

    def _palm_above(self) -> float | None:
        """Return the share of the way down at which the palm is still 1 cm above the thing."""
        lowest = self.target.top_m + 0.01 - _FINGER_M
        share = min(1.0, (self.start[2] - lowest) / -self.way[2])
        return share if self._apart(share, self.open_m) > 3 * CONTACT_M else None

    def _closed(self, share: float) -> float:
        """Return the opening at which the fingers touch, or that of a closed gripper."""
        opening = self.open_m
        for _ in range(_STEPS):
            apart = self._apart(share, opening)
            if apart <= TOUCH_M:
                break
            opening = max(0.002, opening - 2 * (apart - 0.5 * TOUCH_M))
        return opening


_FINGER_M = 0.09


def gripper(open_m: float) -> Design:
    """Return a parallel gripper whose fingers point down and stand `open_m` apart along y."""
    shape, half = Shape(), open_m / 2
    for low, high in ((half, half + 0.012), (-half - 0.012, -half)):
        shape.add("dark", box((-0.012, low, 0.0), (0.012, high, _FINGER_M)))
    wide = half + 0.02
    shape.add("main", box((-0.025, -wide, _FINGER_M), (0.025, wide, _FINGER_M + 0.03)))
    shape.add("metal", cylinder(0.02, _FINGER_M + 0.03, _FINGER_M + 0.22, 12))
    low, high = shape.bounds()
    kind = Kind(GRIPPER, (0.05, 0.1, 0.3), lambda *_: shape, on("hung"), colors=("gray",))
    tone = {"dark": (60.0, 60.0, 60.0), "metal": (150.0, 150.0, 155.0)}
    return Design(
        kind, shape, shape.solids(), high - low, "gray", (200.0, 120.0, 30.0), "plain", (90.0, 90.0, 90.0), tone
    )


def _before(task: str) -> float:
    """Return the share of the approach that its last frame has gone; a picking gripper is where it closes."""
    return 1.0 if task == "pick" else 0.93


def _mesh(item: PlacedObject) -> Mesh:
    vertices, faces, _ = item.design.merged
    return Mesh(vertices @ item.rotation.T + item.position_m, faces)


def _distractors(room: Room, surface: Any, center: np.ndarray, back: np.ndarray, rng: np.random.Generator) -> None:
    """Put up to three other things on the table, off the gripper's way."""
    allowed = [label for label in TARGETS if label in KINDS]
    for _ in range(3):
        trial = replace(room, objects=list(room.objects))
        new = design(pick(rng, allowed), rng)
        if new.kind.label in {one.label for one in room.objects}:
            continue
        index = trial.somewhere_upon(0, surface, new)
        if index is None:
            continue
        apart = trial.objects[index].position_m[:2] - center[:2]
        if np.hypot(*apart) > _CLEAR_M and apart @ back[:2] <= 0.0:
            room.objects.append(trial.objects[index])


def _looking(center: np.ndarray, heading: float, rng: np.random.Generator, settings: ReachSettings) -> Camera:
    """Return a camera that sees the way from the side, within 50 degrees."""
    side = heading + float(pick(rng, (-1.0, 1.0))) * np.pi / 2 + float(rng.uniform(-0.9, 0.9))
    pitch, far = float(np.deg2rad(rng.uniform(18, 42))), float(rng.uniform(0.8, 1.2))
    away = np.array([np.cos(side) * np.cos(pitch), np.sin(side) * np.cos(pitch), np.sin(pitch)])
    position = center + far * away
    attitude = Attitude((float(position[0]), float(position[1]), float(position[2])), side + np.pi, pitch, 0.0)
    focal = settings.width / 2 / np.tan(np.deg2rad(rng.uniform(44, 56)) / 2)
    middle = ((settings.width - 1) / 2, (settings.height - 1) / 2)
    return Lens(float(focal), middle, (settings.width, settings.height)).camera(attitude)


def _min_pixels(settings: ReachSettings) -> int:
    return settings.width * settings.height // 600


def episodes(seed: int, count: int, settings: ReachSettings | None = None) -> Iterator[Episode]:
    """Yield `count` episodes of every task."""
    for task in TASKS:
        for index in range(count):
            yield episode(task, seed, index, settings)
