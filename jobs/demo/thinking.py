"""The demo's chain of thought: one question about one image, taken apart, measured and drawn."""

from pathlib import Path
from typing import NamedTuple

from jobs.engine.settings import load_settings
from jobs.views.reader import LakeReader, quoted

_MAX_IMAGES, _KINDS = 5, 12
_BY_ANSWERS = "SELECT image_id, count(*) AS answers FROM t GROUP BY image_id ORDER BY answers DESC, image_id LIMIT {}"


class Thought(NamedTuple):
    """A question that takes several measurements, and its answer."""

    question: str
    answer: str


def think_of_one(lake: str, experts: str, page: Path, seed: int) -> Thought | None:
    """Measure the image with the largest number of answers by `experts`, and ask it what takes several measurements.

    The page shows the question with the largest number of steps.
    Return None, without a page, where no such question can be answered about the first few images.
    """
    from jobs.one_image.measuring import ImageRejected, measure_with
    from jobs.one_image.reasoning import Asked, geometry_of, is_answered, reasoned, write_page
    from vlm.reason.composing import STYLE, composed
    from vlm.reason.loop import Limits
    from vlm.reason.offline.planner import OfflinePlanner

    reader, settings = LakeReader(lake), load_settings({"lake": lake, "experts": experts}, None, [])
    for row in reader.query("qa_pairs", _BY_ANSWERS.format(_MAX_IMAGES)):
        name = row["image_id"]
        (image,) = reader.query("images", f"SELECT bytes FROM t WHERE image_id = {quoted([name])}")
        try:
            measured = measure_with(settings, image["bytes"], {}, by_profile=True)
        except ImageRejected:
            continue
        answers = geometry_of(measured)
        # A name that needs a number to be told from others is hard to find in the image.
        questions = [one.question.removesuffix(f" {STYLE}") for one in composed(answers, seed, name, count=_KINDS)]
        asked = [Asked(one, image["bytes"]) for one in questions if "(object" not in one]
        thought = [made for one in asked if is_answered(made := reasoned(one, OfflinePlanner(), answers, Limits()))]
        if thought:
            longest = max(thought, key=lambda made: len(made.steps))
            write_page(longest, image["bytes"], measured, page)
            return Thought(longest.question, longest.ending.text if longest.ending else "")
    return None
