"""`python -m studies.claims.questions --crawl ROOMS --out DIR`: write questions about rendered rooms as LLaVA JSON."""

import argparse
import sys

from studies.claims.questions.general import RoomQuestionSettings, write_room_questions
from vlm.errors import MixtureError


def main() -> None:
    """Write `train.json` and `test.json`, and print how many questions of each kind they hold."""
    parser = argparse.ArgumentParser(prog="studies.claims.questions", description=__doc__)
    parser.add_argument("--crawl", required=True, help="crawl of rendered rooms: the folder of a manifest.jsonl")
    parser.add_argument("--out", required=True, help="folder for train.json and test.json")
    for name, field in RoomQuestionSettings.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        kind = float if field.annotation is float else int
        text = f"{field.description} [{field.default}]"
        parser.add_argument(flag, type=kind, default=field.default, help=text)
    given = vars(parser.parse_args())
    counts = write_room_questions(given.pop("crawl"), given.pop("out"), RoomQuestionSettings(**given))
    for name, count in sorted(counts.items()):
        print(f"{name}: {count}")


if __name__ == "__main__":
    try:
        main()
    except MixtureError as error:
        sys.exit(f"studies.claims.questions: {error}")
