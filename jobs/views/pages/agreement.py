"""Figures about the rows of two recipes: counts, differences of depth maps, agreement of answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.views.pages.images import decoded_depth_mm
from jobs.views.pages.selection import fill_depths
from jobs.views.pages.verdicts import COMPARED_COLUMNS, agrees_sql
from jobs.views.reader import LakeReader, Row, quoted

# Depth maps are decoded in this process, one by one; a hundred images are enough to compare two models.
_MAX_DEPTH_PAIRS = 100


@dataclass(frozen=True)
class Measure:
    """One figure of both recipes as text; `between` compares the images that both have."""

    name: str
    a: str
    b: str
    between: str = ""


@dataclass(frozen=True)
class TypeAgreement:
    """Answers of one type: of each recipe, shared (same image and objects), and agreeing among the shared."""

    type_id: str
    a: int
    b: int
    shared: int
    agreeing: int

    @property
    def share(self) -> str:
        """Return the share that agrees, in percent."""
        return f"{self.agreeing / self.shared:.1%}" if self.shared else "–"


def _both(lake: LakeReader, table: str, columns: str, a: str, b: str) -> tuple[Row, Row]:
    rows = [lake.query(table, f"SELECT {columns} FROM t WHERE recipe = {quoted([r])}", True)[0] for r in (a, b)]
    return rows[0], rows[1]


def _shared(lake: LakeReader, table: str, a: str, b: str) -> str:
    sql = f"SELECT count(*) AS n FROM (SELECT image_id FROM t WHERE recipe = {quoted([a])}) AS a JOIN "
    rows = lake.query(table, f"{sql}(SELECT image_id FROM t WHERE recipe = {quoted([b])}) AS b USING (image_id)", True)
    return f"{rows[0]['n']:,} shared"


def _counts(lake: LakeReader, table: str, what: str, a: str, b: str) -> list[Measure]:
    rows = _both(lake, table, "count(*) AS n", a, b)
    return [Measure(what, f"{rows[0]['n']:,}", f"{rows[1]['n']:,}", _shared(lake, table, a, b))]


def _scores(lake: LakeReader, a: str, b: str) -> list[Measure]:
    sql = (
        "SELECT name, avg(score) AS mean FROM (SELECT unnest(map_keys(scores)) AS name, unnest(map_values(scores)) AS"
        " score FROM t WHERE recipe = {}) AS listed GROUP BY name ORDER BY name"
    )
    means = [
        {row["name"]: row["mean"] for row in lake.query("image_scores", sql.format(quoted([r])), True)} for r in (a, b)
    ]
    found = _counts(lake, "image_scores", "images scored", a, b)
    for name in sorted(means[0] | means[1]):
        found.append(Measure(f"mean score {name}", *(f"{mean[name]:.3f}" if name in mean else "–" for mean in means)))
    return found


def _regions(lake: LakeReader, a: str, b: str) -> list[Measure]:
    rows = _both(lake, "regions", "avg(cardinality(regions)) AS mean", a, b)
    each = Measure("regions per image", *(_number(row["mean"]) for row in rows))
    return [*_counts(lake, "regions", "images with regions", a, b), each]


def _scenes(lake: LakeReader, a: str, b: str) -> list[Measure]:
    rows = _both(lake, "scenes", "avg(cardinality(objects)) AS mean", a, b)
    each = Measure("objects per scene", *(_number(row["mean"]) for row in rows))
    return [*_counts(lake, "scenes", "scenes", a, b), each]


def _depths(lake: LakeReader, a: str, b: str) -> list[Measure]:
    columns = "image_id, depth, gravity FROM t WHERE recipe ="
    sql = (
        "SELECT image_id, a.depth AS depth_a, b.depth AS depth_b, a.gravity AS down_a, b.gravity AS down_b"
        f" FROM (SELECT {columns} {quoted([a])}) AS a JOIN (SELECT {columns} {quoted([b])}) AS b USING (image_id)"
        f" ORDER BY md5(image_id) LIMIT {_MAX_DEPTH_PAIRS}"
    )
    rows = lake.query("depths", sql, True)
    for column in ("depth_a", "depth_b"):
        fill_depths(lake, rows, column)
    pairs = [pair for row in rows if (pair := depth_pair(row["depth_a"], row["depth_b"])) is not None]
    found = _counts(lake, "depths", "images with depth", a, b)
    if pairs:
        apart, ratio = np.mean(pairs, axis=0)
        found.append(Measure("depth, |A - B| / B", "", "", f"{apart:.3f} over {len(pairs)} images"))
        found.append(Measure("depth, median A / B", "", "", f"{ratio:.3f}"))
    angles = [angle_deg(row["down_a"], row["down_b"]) for row in rows if row["down_a"] and row["down_b"]]
    if angles:
        found.append(Measure("gravity, median angle", "", "", f"{np.median(angles):.1f}° over {len(angles)}"))
    return found


def depth_pair(png_a: bytes, png_b: bytes) -> tuple[float, float] | None:
    """Return mean |A - B| / B and median A / B over the pixels where both maps have depth, None without any."""
    try:
        a, b = decoded_depth_mm(png_a), decoded_depth_mm(png_b)
    except ValueError:
        return None
    if a.shape != b.shape:
        return None
    valid = (a > 0) & (b > 0)
    ratio = a[valid] / b[valid].astype(np.float64)
    return (float(np.abs(ratio - 1.0).mean()), float(np.median(ratio))) if len(ratio) else None


def angle_deg(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the angle between two vectors [3] in degrees."""
    cosine = np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _answers(lake: LakeReader, a: str, b: str) -> list[Measure]:
    rows = _both(lake, "qa_pairs", "count(*) AS n, count(DISTINCT image_id) AS images", a, b)
    per_image = (_number(row["n"] / row["images"] if row["images"] else None) for row in rows)
    count = Measure("answers", *(f"{row['n']:,}" for row in rows))
    return [count, Measure("answers per image with any", *per_image)]


_MEASURES = {"image_scores": _scores, "regions": _regions, "depths": _depths, "scenes": _scenes, "qa_pairs": _answers}


def measures_of(lake: LakeReader, table: str, a: str, b: str) -> list[Measure]:
    """Return the figures of a table's two recipes."""
    return _MEASURES[table](lake, a, b) if table in _MEASURES else []


def types_of(lake: LakeReader, a: str, b: str, same_objects: bool) -> tuple[TypeAgreement, ...]:
    """Return how the answers of two recipes agree by type; none are shared unless object ids mean the same."""
    each = [
        {row["type_id"]: row["n"] for row in lake.query("qa_pairs", _PER_TYPE.format(quoted([r])), True)}
        for r in (a, b)
    ]
    columns = ", ".join(("image_id", "type_id", "object_ids", *COMPARED_COLUMNS))
    sides = [f"(SELECT DISTINCT {columns} FROM t WHERE recipe = {quoted([recipe])})" for recipe in (a, b)]
    sql = (
        "SELECT a.type_id AS type_id, count(*) AS shared,"
        f" sum(CASE WHEN {agrees_sql('a', 'b')} THEN 1 ELSE 0 END) AS agreeing"
        f" FROM {sides[0]} AS a JOIN {sides[1]} AS b ON a.image_id = b.image_id AND a.type_id = b.type_id"
        " AND a.object_ids = b.object_ids GROUP BY a.type_id"
    )
    rows = lake.query("qa_pairs", sql, True) if same_objects else []
    shared = {row["type_id"]: (row["shared"], row["agreeing"]) for row in rows}
    return tuple(
        TypeAgreement(name, each[0].get(name, 0), each[1].get(name, 0), *shared.get(name, (0, 0)))
        for name in sorted({*each[0], *each[1]})
    )


_PER_TYPE = "SELECT type_id, count(*) AS n FROM t WHERE recipe = {} GROUP BY type_id"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
