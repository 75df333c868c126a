"""`python -m studies.claims --work DIR`: train one condition per published claim and report the results."""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from jobs.engine.errors import SpatialLakeError
from studies.claims.figures import figures
from studies.claims.outcomes import outcomes
from studies.claims.runs import trained
from studies.claims.start import write_encoder
from studies.claims.steps import run
from studies.claims.study import CONDITIONS, SMOKE, Sizes, Study
from studies.claims.table import markdown, write_table
from vlm.errors import UNUSABLE


def main() -> None:
    """Run a study, or its steps up to one, and print the results, the last line as JSON."""
    asked = _arguments()
    study = Study(
        work=asked.work,
        sizes=SMOKE if asked.smoke else Sizes(),
        seeds=1 if asked.smoke and asked.seeds is None else asked.seeds or 2,
        only=tuple(asked.only or ()),
        processes=asked.processes,
        begin=asked.begin,
    )
    if not asked.report:
        run(study, write_encoder, asked.until)
    if asked.until is None:
        found = {**figures(outcomes(study)), "training": trained(study)}
        text = markdown(found, _made_by(asked))
        print(text)
        if asked.write:
            write_table(asked.write, text)
        print(json.dumps(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="studies.claims", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the study; a killed study resumes there")
    parser.add_argument("--seeds", type=int, help="runs per condition [2; 1 with --smoke]")
    parser.add_argument("--smoke", action="store_true", help="minimal sizes, to test the code")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"conditions to train [{' '.join(CONDITIONS)}]")
    parser.add_argument(
        "--processes", type=int, default=1, help="concurrent runs; a base is trained by all processes [1]"
    )
    parser.add_argument("--begin", type=Path, metavar="DIR", help="model that a base continues, with more layers")
    parser.add_argument("--until", metavar="STEP", help="stop after this step")
    parser.add_argument("--report", action="store_true", help="run nothing; report the runs that have finished")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="page to write the tables into, between its markers")
    return parser.parse_args()


def _made_by(asked: argparse.Namespace) -> str:
    day = datetime.now(UTC).date().isoformat()
    command = "`python -m studies.claims --smoke`, too small for conclusions" if asked.smoke else "`make claims`"
    if asked.only:
        command = f"`python -m studies.claims --only {' '.join(asked.only)}`"
    made = f"reported on {day}, of runs on other days as well" if asked.report else day
    return f"{command}, {made}, {platform.machine()} with {os.cpu_count()} cores"


if __name__ == "__main__":
    try:
        main()
    except (SpatialLakeError, *UNUSABLE) as error:
        print(f"studies.claims: {error}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, SpatialLakeError) else 2)
