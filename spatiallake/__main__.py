"""The `spatiallake` command: `spatiallake`, `python -m spatiallake`, `torchrun -m spatiallake train ...`."""

import logging
import os
import sys
from typing import TYPE_CHECKING

from spatiallake.shadowing import PackageShadowed, SparkMissing, require_own_packages

if TYPE_CHECKING:
    from jobs.engine.errors import SpatialLakeError

_ENVIRONMENT_EXIT_CODE = 3


def main() -> None:
    """Run the command; every failure ends in one sentence and an exit code of its own."""
    try:
        require_own_packages()
    except (PackageShadowed, SparkMissing) as error:
        _fail(str(error), _ENVIRONMENT_EXIT_CODE)
    logging.getLogger().addHandler(_told_once())
    from jobs.cli.options import app
    from jobs.engine.errors import Interrupted, SpatialLakeError, UsageError
    from schemas.plugins import PluginUnavailable

    try:
        app(prog_name="spatiallake")
    except SpatialLakeError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:  # before a command began
        _fail("Interrupted.", Interrupted.exit_code)
    except PluginUnavailable as error:
        _fail(str(error), _ENVIRONMENT_EXIT_CODE)
    except Exception as error:
        faults = _faults(error)
        if faults is not None:
            _fail(faults, UsageError.exit_code)
        accident = _accident(error)
        if accident is not None:
            _fail(str(accident), accident.exit_code)
        # A file or folder that a command was given; a fault of ours has no file's name, and keeps its traceback.
        if not isinstance(error, OSError) or error.filename is None or error.strerror is None:
            raise
        _fail(f"{os.fsdecode(error.filename)}: {error.strerror}; check the path, its rights and its disk.", 1)


def _told_once() -> logging.Handler:
    """Return a handler that prints warnings as Python does, but no traceback of py4j, whose errors are raised too."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: "py4j" not in record.pathname)
    return handler


def _faults(error: Exception) -> str | None:
    """Return what is wrong with the values that a command was given; None for any other error."""
    from pydantic import ValidationError

    from udfs.storage.locations import UnservedLocation

    if isinstance(error, UnservedLocation):
        return str(error)
    if not isinstance(error, ValidationError):
        return None
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _accident(error: Exception) -> "SpatialLakeError | None":
    """Return what ended the command from outside, where Spark was at work."""
    if "pyspark" not in sys.modules:
        return None
    from jobs.engine.accidents import accident_of

    return accident_of(error)


def _fail(sentence: str, exit_code: int) -> None:
    print(f"spatiallake: {sentence}", file=sys.stderr)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
