"""The data set card: `README.md` with what the Hub reads, counts, licenses, recipes, known limits and examples."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from jobs.engine.recipes import SLOTS, RecipeBook
from jobs.exporting.layouts import UNKNOWN, ExportFormat
from jobs.exporting.settings import ExportSettings
from schemas.version import ENGINE_VERSION
from udfs.questions.registry import UnknownType, question_type

_SHOWN = 6
_SIZES = (
    "n<1K",
    "1K<n<10K",
    "10K<n<100K",
    "100K<n<1M",
    "1M<n<10M",
    "10M<n<100M",
    "100M<n<1B",
    "1B<n<10B",
    "10B<n<100B",
)
# Licenses as the Hub writes them; what is not among them is `other`.
_HUB_LICENCES = {
    *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0"),
    *("cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0"),
    *("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "apache-2.0", "mit", "odbl", "odc-by", "pddl"),
}
_LIMITS = """\
- The answers were computed from the depth, masks and names of the experts above. Where these are
  wrong, so are the answers. `sigma_si` is the declared standard error of a number.
- A question is there only where a rule decides it. What is not asked is unknown, not false.
- The language is English, made from written templates.
- Near-duplicates are found by perceptual hashes, which miss mirrored, turned and strongly cropped
  copies.
- Licenses are those that the crawl states for its images; nobody has checked them.
"""
_BUILTIN = "- The experts `builtin` know rendered rooms only: their answers about real images are useless.\n"
_TAKEDOWN = """\
`image_id` is the SHA-256 of the image file as it was crawled, so that images that have to go can be
found and removed. The next export of the lake does not hold them.
"""


@dataclass
class Totals:
    """What all shards hold, by split, and by column and value."""

    rows: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> "Totals":
        """Return the sums over the records of shards."""
        totals = cls()
        for record in records:
            totals.rows[record["split"]] += record["rows"]
            totals.images[record["split"]] += record["images"]
            totals.left_out.update(record["left_out"])
            for column, counts in record["counts"].items():
                totals.counts.setdefault(column, Counter()).update(counts)
            totals.shown += record["shown"][: _SHOWN - len(totals.shown)]
        return totals


def card_of(
    chosen: ExportFormat, settings: ExportSettings, totals: Totals, recipes: Mapping[str, str], book: RecipeBook
) -> str:
    """Return the card in Markdown, with front matter where the Hub can read the format."""
    parts = [
        "# Spatial questions and answers\n",
        "Questions about images, with answers that written rules computed from measured geometry. Made by"
        f" spatiallake {ENGINE_VERSION}, table `{settings.table}`, format `{chosen.name}`: {chosen.title}.\n",
        "## Counts\n",
        _table(("split", "rows", "images"), ((one, totals.rows[one], totals.images[one]) for one in totals.rows)),
        "No image, no cluster of near-duplicates and no sequence lies in two splits; this was checked when the data"
        " set was written.\n",
        *_counted("Question types", "type_id", "type", totals, _title),
        *_counted("Answer forms", "answer_form", "form", totals),
        *_counted("Licenses of the images", "licence", "license", totals),
        *_left_out(totals),
        "## How it was made\n",
        _table(("stage", "recipe", "expert"), _recipes(recipes, book)),
        _images_of(settings),
        "## Known limits\n",
        _LIMITS + (_BUILTIN if _is_builtin(recipes, book) else ""),
        "## Takedown\n",
        _TAKEDOWN,
        "## Examples\n",
        _table(
            ("question", "answer", "image"), ((x["question"], x["answer"], x["image_id"][:12]) for x in totals.shown)
        ),
    ]
    front = _front_matter(chosen, totals) if chosen.hub else ""
    return front + "\n".join(part for part in parts if part)


def _front_matter(chosen: ExportFormat, totals: Totals) -> str:
    assert chosen.hub is not None
    licences = sorted({_hub_licence(one) for one in totals.counts.get("licence", {UNKNOWN: 1})})
    files = [{"split": split, "path": chosen.hub(split)} for split, rows in totals.rows.items() if rows]
    about = {
        "pretty_name": "Spatial questions and answers",
        "license": licences[0] if len(licences) == 1 else licences,
        "language": ["en"],
        "task_categories": ["visual-question-answering"],
        "tags": ["spatial-reasoning", "spatiallake"],
        "size_categories": [_SIZES[max(0, min(len(str(totals.rows.total())) - 3, len(_SIZES) - 1))]],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    return f"---\n{yaml.safe_dump(about, sort_keys=False)}---\n\n"


def _hub_licence(licence: str) -> str:
    name = licence.lower()
    return name if name in _HUB_LICENCES or name == UNKNOWN else "other"


def _counted(heading: str, column: str, name: str, totals: Totals, title: Any = None) -> tuple[str, ...]:
    counts = totals.counts.get(column)
    if not counts:
        return ()
    names = (name, "meaning", "rows") if title else (name, "rows")
    rows = ((one, title(one), count) if title else (one, count) for one, count in sorted(counts.items()))
    return f"## {heading}\n", _table(names, rows)


def _title(type_id: str) -> str:
    try:
        return question_type(type_id).title
    except UnknownType:
        return ""


def _left_out(totals: Totals) -> tuple[str, ...]:
    if not totals.left_out:
        return ()
    return "## Left out\n", _table(("what", "count"), sorted(totals.left_out.items()))


def _recipes(recipes: Mapping[str, str], book: RecipeBook) -> Iterable[tuple[str, str, str]]:
    for stage, recipe in recipes.items():
        yield stage, recipe, _expert(book, stage, recipe)


def _expert(book: RecipeBook, stage: str, recipe: str) -> str:
    expert = book.configuration(stage, recipe)[0] if stage in SLOTS else None
    if not expert:
        return ""
    named = [str(expert[name]) for name in ("family", "model", "revision") if expert.get(name) not in (None, "none")]
    return " ".join(named)


def _is_builtin(recipes: Mapping[str, str], book: RecipeBook) -> bool:
    return any("builtin" in _expert(book, stage, recipe) for stage, recipe in recipes.items())


def _images_of(settings: ExportSettings) -> str:
    if settings.images in ("none", "urls"):
        return ""
    if settings.table == "training_examples":
        return "The images are upright JPEGs, resized by the stage `examples`.\n"
    return f"The images are upright JPEGs, their longest side at most {settings.max_side_px} px.\n"


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    cells = [[_cell(one) for one in row] for row in rows]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", *(f"| {' | '.join(row)} |" for row in cells)]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
