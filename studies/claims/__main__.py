"""`python -m studies.claims --work DIR`: train an arm for every published claim, and say what came of each."""

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
from studies.claims.study import ARMS, SMOKE, Sizes, Study
from studies.claims.table import markdown, write_table
from vlm.errors import UNUSABLE


def main() -> None:
    """Run a study to its end, or to a step, and print its figures, the last line as JSON."""
    asked = _arguments()
    study = Study(
        work=asked.work,
        sizes=SMOKE if asked.smoke else Sizes(),
        seeds=1 if asked.smoke and asked.seeds is None else asked.seeds or 2,
        only=tuple(asked.only or ()),
        processes=asked.processes,
        begin=asked.begin,
    )
    if not asked.so_far:
        run(study, write_encoder, asked.until)
    if asked.until is None:
        found = {**figures(outcomes(study)), "training": trained(study)}
        text = markdown(found, _made_by(asked.smoke))
        print(text)
        if asked.write:
            write_table(asked.write, text)
        print(json.dumps(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="studies.claims", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of everything; a killed study goes on there")
    parser.add_argument("--seeds", type=int, help="runs of every arm [2; 1 with --smoke]")
    parser.add_argument("--smoke", action="store_true", help="everything as small as it can be, to try the machinery")
    parser.add_argument("--only", nargs="+", metavar="ARM", help=f"arms to train [{' '.join(ARMS)}]")
    parser.add_argument("--processes", type=int, default=1, help="arms at a time; a base is trained by all [1]")
    parser.add_argument("--begin", type=Path, metavar="DIR", help="model that a base goes on from, with more layers")
    parser.add_argument("--until", metavar="STEP", help="stop after this step")
    parser.add_argument("--so-far", action="store_true", help="do nothing, and tell of what has answered until now")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the marks of this page")
    return parser.parse_args()


def _made_by(smoke: bool) -> str:
    day = datetime.now(UTC).date().isoformat()
    command = "`python -m studies.claims --smoke`, too small to mean anything" if smoke else "`make claims`"
    return f"{command}, {day}, {platform.machine()} with {os.cpu_count()} cores"


if __name__ == "__main__":
    try:
        main()
    except (SpatialLakeError, *UNUSABLE) as error:
        print(f"studies.claims: {error}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, SpatialLakeError) else 2)
