"""Scenes, steps and answers for clients: what is measured is kept, and measured once however many ask."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from jobs.serving.faults import Refused
from jobs.serving.limits import ServeLimits
from jobs.serving.pool import Pool
from jobs.serving.reading import Chat, GivenImage
from jobs.serving.worker import Look, Measure, Question, Sources, Told
from vlm.reason.loop import STOPPED

_SCENE_BYTES = 512 * 2**20
# A chain of thought ends itself by then; what hangs is killed at the limit.
_SHARE_OF_LIMIT = 0.9


class Scenes:
    """Pickled scenes by key: so many, and so many bytes, those last used."""

    def __init__(self, max_count: int, max_bytes: int = _SCENE_BYTES) -> None:
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._max_count, self._max_bytes, self._bytes = max_count, max_bytes, 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: str) -> bytes | None:
        """Return a scene, None if it is not held."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: str, scene: bytes) -> None:
        """Hold a scene, and let go of those not used for longest."""
        self._bytes += len(scene) - len(self._held.pop(key, b""))
        self._held[key] = scene
        while len(self._held) > self._max_count or (self._bytes > self._max_bytes and len(self._held) > 1):
            _, gone = self._held.popitem(last=False)
            self._bytes -= len(gone)


class Service:
    """Answers questions and shows scenes, by the processes of a pool."""

    def __init__(self, pool: Pool, sources: Sources, limits: ServeLimits) -> None:
        self._pool, self._sources, self._limits = pool, sources, limits
        self._scenes = Scenes(limits.scenes)
        self._measuring: dict[str, asyncio.Task[bytes]] = {}

    @property
    def scenes(self) -> int:
        """Return how many scenes are held."""
        return len(self._scenes)

    async def look(self, given_image: GivenImage) -> dict[str, Any]:
        """Return the scene of an image as the page shows it.

        Raises:
            Refused: it cannot be measured.
        """
        key = given_image.key
        scene = await self._scene(key, given_image)
        return {"key": key, **await self._pool.run(Look(key, scene), self._limits.seconds)}

    async def answer(self, chat: Chat, tell: Callable[[Told], object]) -> dict[str, Any]:
        """Return the end of a chain of thought; `tell` is given its steps.

        Raises:
            Refused: the image cannot be measured, or there is no answer within the limits.
        """
        key, content = chat.given_image.key, chat.given_image.content
        scene: bytes | None = None
        if self._sources.measures:
            scene, content = await self._scene(key, chat.given_image), b""
        seconds = _SHARE_OF_LIMIT * self._limits.seconds
        job = Question(key, scene, content, chat.question, seconds)
        ended = await self._pool.run(job, self._limits.seconds, tell)
        if ended["state"] == STOPPED and self._sources.is_remote:
            raise Refused(ended["text"], 502, "upstream")
        return ended

    async def _scene(self, key: str, given_image: GivenImage) -> bytes:
        found = self._scenes.get(key)
        if found is not None:
            return found
        task = self._measuring.get(key)
        if task is None:
            if len(self._measuring) >= self._limits.requests:
                raise Refused("Too many images wait to be measured; ask again later.", 503, "overloaded", wait_s=5)
            task = asyncio.create_task(self._measured(key, given_image))
            self._measuring[key] = task
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever asked may be gone
        return await asyncio.shield(task)

    async def _measured(self, key: str, given_image: GivenImage) -> bytes:
        try:
            scene = await self._pool.run(Measure(key, given_image), self._limits.seconds)
            self._scenes.put(key, scene)
            return scene
        finally:
            del self._measuring[key]
