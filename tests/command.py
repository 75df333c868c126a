"""Run the `spatiallake` command in this process, which has its Spark session already."""

import traceback

from typer.testing import CliRunner

from tests.checks.parsing import application


def invoke(*arguments: object) -> str:
    """Return what a command printed; it has to end well."""
    import jobs.cli.options

    application()
    done = CliRunner().invoke(jobs.cli.options.app, [str(argument) for argument in arguments])
    told = "".join(traceback.format_exception(done.exception)) if done.exception else ""
    assert done.exit_code == 0, f"{done.output}\n{told}"
    return done.output
