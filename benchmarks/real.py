"""Scores a lake, or the row functions, on real images against the answer key of the crawl.

`python -m benchmarks.real --crawl ../shared/data/real [--lake DIR]`
"""

import argparse
from pathlib import Path

from benchmarks.lake import rows_by_image
from benchmarks.pipeline import processed_images
from benchmarks.processor import heading
from tests.truth.real import Findings, check_answers, check_scenes, read_keys


def show(title: str, findings: Findings) -> None:
    """Print every score with its misses."""
    print(f"\n## {title}\n\n| score | compared | agree % |\n|---|---|---|")
    for score, compared in sorted(findings.scores.items()):
        print(f"| {score} | {len(compared)} | {100 * findings.share(score):.2f} |")
    for score in sorted(findings.scores):
        for miss in findings.misses(score):
            print(f"- {score}: {miss}")


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawl", type=Path, required=True)
    parser.add_argument("--lake", type=Path, help="lake of the crawl; without it, the row functions run here")
    args = parser.parse_args()
    keys = read_keys(args.crawl)
    if args.lake:
        scenes = [row for rows in rows_by_image(args.lake, "scenes").values() for row in rows]
        answers = [row for rows in rows_by_image(args.lake, "qa_pairs").values() for row in rows]
    else:
        made = list(processed_images(args.crawl))
        scenes = [processed.scene for processed in made if processed.scene]
        answers = [row for processed in made for row in processed.answers]
        for processed in made:
            if processed.rejected:
                print(f"rejected {processed.manifest['image']}: {processed.rejected}")
    print(heading())
    print(f"{len(scenes)} scenes, {len(answers)} answers")
    show("answers", check_answers(answers, keys))
    show("scenes", check_scenes(scenes, keys))


if __name__ == "__main__":
    main()
