"""The work of the command `serve`: start the processes, listen, and stop gracefully."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.one_image.asking import BUILTIN_KNOWS
from jobs.one_image.reasoning import GEOMETRY, planner_of, predictor_of, valid
from jobs.serving.app import application
from jobs.serving.limits import ServeLimits
from jobs.serving.listening import Listening, Server, address_of, config_of, socket_of
from jobs.serving.pool import Pool
from jobs.serving.service import Service
from jobs.serving.worker import Sources
from jobs.views.pages.serving import serving_page
from udfs.experts.scope import scope_of_profile


@dataclass(frozen=True)
class _Site:
    """What is served to whom, within which limits."""

    sources: Sources
    limits: ServeLimits
    model: str
    token: str | None
    page: str


def serve(sources: Sources, listening: Listening, say: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SpatialLakeError: the address, the token, an expert or a model cannot be used.
    """
    token, limits = listening.token(), listening.limits
    planner_of(sources.planner, sources.sees_image)
    model = "spatiallake-geometry" if sources.measures else predictor_of(sources.answers).model
    taken = socket_of(listening)
    knows = knowledge_of(sources)
    say(knows)
    page = serving_page(model, knows, sources.measures, token is not None)
    try:
        asyncio.run(_served(taken, _Site(sources, limits, model, token, page), say))
    finally:
        taken.close()
    say("Stopped.")


def limits_of(given: Mapping[str, Any], answers: str) -> ServeLimits:
    """Return the limits that options set; models are loaded once per process, and so by one unless more are wanted.

    Raises:
        UsageError: one of them cannot be used.
    """
    known = {name: value for name, value in given.items() if value is not None}
    if answers != GEOMETRY:
        known.setdefault("workers", 1)
    return valid(ServeLimits, known)


def knowledge_of(sources: Sources) -> str:
    """Return what the server's experts know, in one or two sentences."""
    if sources.by_profile:
        profile = sources.settings.profile()
        scope = scope_of_profile(profile)
        found = f"Depth and objects come from the experts of {profile.name}.{f' {scope.banner}' if scope else ''}"
    else:
        found = BUILTIN_KNOWS.format(parts="depth and masks")
    if sources.measures:
        return found
    return f"Answers come from {sources.answers.model or Path(sources.answers.place).name}, not from the scene. {found}"


async def _served(taken: socket.socket, site: _Site, say: Callable[[str], object]) -> None:
    """Start the processes and listen until a signal comes; both may be ended early."""
    limits = site.limits
    pool = Pool(site.sources, limits.workers)
    app: Any = application(Service(pool, site.sources, limits), limits, site.model, site.token, site.page)
    server = Server(config_of(app, limits))
    try:
        with server.taking_signals():
            starting = asyncio.create_task(pool.start())
            while not starting.done() and not server.should_exit:
                await asyncio.wait([starting], timeout=0.1)
            if server.should_exit:
                return
            starting.result()
            say(f"Serving {site.model} on {address_of(taken)}; stop it with Ctrl-C.")
            await server.serve(sockets=[taken])
    finally:
        pool.stop()
