"""Who starts a run, or reads its answers, is told that experts know rendered rooms only, and how many were refused."""

import io
import json
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from rich.console import Console

from jobs.engine.scope import said_after
from jobs.engine.stream import StageSummary
from jobs.views.preview import write_preview
from jobs.views.report import write_report
from tests.pages.small_history import OWN
from tests.pages.small_lake import small_rows, write_lake
from udfs.experts.expert import BUILTIN, PROFILES, SENSOR
from udfs.experts.scope import scope_of, scope_of_profile

REFUSED = ("filtered", "not_like_training")
BANNER = "Names and sizes come from experts that were trained on rendered rooms only."


def test_only_experts_of_one_kind_of_image_are_told_of():
    assert scope_of_profile(PROFILES["sensor"]) is None
    assert scope_of_profile(PROFILES["builtin"]).banner == BANNER
    assert scope_of({"context": SENSOR, "depth": BUILTIN}).banner.startswith("Sizes come from experts")
    assert scope_of({"filter": BUILTIN}) is None
    before = scope_of({"context": BUILTIN}).before
    assert before.startswith("The experts for names know rendered rooms only: for other images,")


@pytest.mark.parametrize(
    ("rows_in", "refused", "said"),
    [(4, 4, "All images (4) were refused"), (8, 2, "2 of 8 images (25%)"), (8, 0, None)],
)
def test_refusals_are_said_at_the_end(rows_in, refused, said):
    reasons = {REFUSED: refused, ("filtered", "score_below_threshold"): 1} if refused else {}
    sentences = list(said_after([StageSummary("filter", rows_in, rows_in - refused, reasons)]))
    assert len(sentences) == (said is not None) and all(said in one and "--experts sensor" in one for one in sentences)


@pytest.fixture(scope="module")
def builtin_lake(tmp_path_factory):
    """The small lake, as if the built-in experts had filled it and refused one of five images."""
    rows = deepcopy(small_rows())
    expert = json.dumps({"expert": BUILTIN.for_recipe()})
    for row in rows["recipes"]:
        if row["stage"] in ("filter", "context", "depth"):
            row |= {"settings_json": expert, "activated_at": datetime(2026, 1, 3, tzinfo=UTC)}
    left = {"stage": "filter", "outcome": "filtered", "reason": "not_like_training", "error": "Unlike.", "attempt": 1}
    rows["quarantine"].append({**left, "image_id": "f" * 64, **OWN})
    rows["image_scores"] = [{"image_id": str(n) * 64, "scores": [("spatial", 0.9)], **OWN} for n in range(4)]
    return write_lake(tmp_path_factory.mktemp("lakes") / "builtin", rows=rows)


def test_pages_and_terminal_have_a_banner(builtin_lake, tmp_path):
    said = io.StringIO()
    report = write_report(str(builtin_lake), tmp_path / "report.html", Console(file=said, width=400)).path
    preview = write_preview(str(builtin_lake), tmp_path / "preview.html").path
    sentence = f"{BANNER} They refused 1 of 5 images (20%) as unlike those."
    for page in (report, preview):
        assert f'<p class="banner" role="note">{sentence}</p>' in page.read_text("utf-8")
    assert sentence in said.getvalue()


def test_pages_of_other_experts_have_none(tmp_path):
    page = write_report(str(write_lake(tmp_path / "lake")), tmp_path / "report.html", Console(file=io.StringIO())).path
    assert 'class="banner"' not in page.read_text("utf-8")
