"""The `spatiallake` command."""

import sys

import typer
from pydantic import ValidationError

import jobs.cli_evaluate
import jobs.cli_stages
import jobs.cli_train
import jobs.cli_truth
import jobs.cli_views  # noqa: F401  the modules register their commands
from jobs.cli_options import app
from jobs.errors import SpatialLakeError, UsageError


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
