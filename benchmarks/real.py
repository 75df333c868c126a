"""Real photographs: a lake, or the row functions, against the answer key beside the crawl.

`python -m benchmarks.real --crawl ../shared/data/real [--lake DIR]`
"""

import argparse
from pathlib import Path

from benchmarks.lake import rows_by_image
from benchmarks.pipeline import photographs
from benchmarks.processor import heading
from tests.truth.real import Findings, check_answers, check_scenes, read_keys


def show(title: str, found: Findings) -> None:
    """Print every score with its misses."""
    print(f"\n## {title}\n\n| score | compared | agree % |\n|---|---|---|")
    for score, compared in sorted(found.scores.items()):
        print(f"| {score} | {len(compared)} | {100 * found.share(score):.2f} |")
    for score in sorted(found.scores):
        for miss in found.misses(score):
            print(f"- {score}: {miss}")


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawl", type=Path, required=True)
    parser.add_argument("--lake", type=Path, help="lake that holds the crawl; without it the row functions run here")
    args = parser.parse_args()
    keys = read_keys(args.crawl)
    if args.lake:
        scenes = [row for rows in rows_by_image(args.lake, "scenes").values() for row in rows]
        answers = [row for rows in rows_by_image(args.lake, "qa_pairs").values() for row in rows]
    else:
        made = list(photographs(args.crawl))
        scenes = [photograph.scene for photograph in made if photograph.scene]
        answers = [row for photograph in made for row in photograph.answers]
        for photograph in made:
            if photograph.rejected:
                print(f"rejected {photograph.manifest['image']}: {photograph.rejected}")
    print(heading())
    print(f"{len(scenes)} scenes, {len(answers)} answers")
    show("answers", check_answers(answers, keys))
    show("scenes", check_scenes(scenes, keys))


if __name__ == "__main__":
    main()
