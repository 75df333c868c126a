"""The `spatiallake` command."""

import sys

import typer
from pydantic import ValidationError

import jobs.cli.evaluate
import jobs.cli.stages
import jobs.cli.train
import jobs.cli.truth
import jobs.cli.views  # noqa: F401  the modules register their commands
from jobs.cli.options import app
from jobs.engine.errors import SpatialLakeError, UsageError


def main() -> None:
    """Run the command; failures end in one sentence and an exit code of their own."""
    try:
        app()
    except SpatialLakeError as error:
        typer.echo(f"spatiallake: {error}", err=True)
        sys.exit(error.exit_code)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        typer.echo(f"spatiallake: {faults}", err=True)
        sys.exit(UsageError.exit_code)


if __name__ == "__main__":
    main()
