"""Rendered rooms, and one server for all tests that leave it as it is."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from scenes.crawl import write_crawl
from tests.pages.conftest import browser as browser
from tests.serving.running import Room, Server, client_of, rooms_of, served


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[Room]:
    """Rooms with exact truth."""
    folder = tmp_path_factory.mktemp("served-rooms")
    write_crawl(str(folder), count=3, seed=11, width=320, height=240)
    return rooms_of(folder)


@pytest.fixture(scope="session")
def room(rooms: list[Room]) -> Room:
    return rooms[0]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the server is started, which is its home too."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(place: Path) -> Iterator[Server]:
    """A server with the built-in experts."""
    home = {"HOME": str(place), "TMPDIR": str(place), "XDG_CACHE_HOME": str(place)}
    with served("--max-seconds", 60, environment=home, folder=place) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    with client_of(server) as made:
        yield made
