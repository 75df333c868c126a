"""Servers: `serve`, an OpenAI-compatible endpoint and a page over measured images, and `view`, the pages of a lake."""

from importlib import import_module

from jobs.engine.errors import EnvironmentMissing

for _library in ("starlette", "uvicorn"):
    try:
        import_module(_library)
    except ModuleNotFoundError as error:
        raise EnvironmentMissing(
            f"A server needs {_library}; install the extra with `pip install 'spatiallake[serve]'`."
        ) from error
