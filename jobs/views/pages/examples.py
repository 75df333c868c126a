"""The images at the head of the report: those with most answers, each with two of them."""

from dataclasses import dataclass

from jobs.views.pages.images import image_uri
from jobs.views.reader import LakeReader, Row, quoted

MAX_IMAGES = 4
_LONGEST_PX = 480
_MOST = "SELECT image_id, count(*) AS answers FROM t GROUP BY image_id ORDER BY answers DESC, image_id LIMIT {}"
# One answer of each family, the same whenever the report is made.
_SOME = """
SELECT image_id, question, answer FROM (
  SELECT image_id, question, answer, family,
    row_number() OVER (PARTITION BY image_id, family ORDER BY md5(qa_id)) AS place FROM t WHERE image_id IN ({}))
WHERE place = 1 ORDER BY image_id, family
"""


@dataclass(frozen=True)
class Example:
    """An image as a data URI, the number of its answers, and some of them."""

    image_id: str
    uri: str
    count: int
    answers: list[Row]


def examples_of(lake: LakeReader) -> list[Example]:
    """Return up to `MAX_IMAGES` images of a lake; none where it has no answers."""
    most = lake.optional("qa_pairs", _MOST.format(MAX_IMAGES))
    if not most:
        return []
    names = quoted([row["image_id"] for row in most])
    answers: dict[str, list[Row]] = {}
    for row in lake.query("qa_pairs", _SOME.format(names)):
        answers.setdefault(row["image_id"], []).append(row)
    images = lake.optional("images", f"SELECT image_id, bytes FROM t WHERE image_id IN ({names})")
    uris = {row["image_id"]: image_uri(row["bytes"], _LONGEST_PX) for row in images}
    return [
        Example(image_id=name, uri=uri, count=row["answers"], answers=answers[name])
        for row in most
        if (uri := uris.get(name := row["image_id"]))
    ]
