"""A question type of one's own: one module with its wordings outside the tree is found everywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MODULE = '''
"""Longer: which of two objects has the longer footprint."""

from scenes.truth.verdict import yes_no
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.uncertainty import both_of


def _longer(a, b, pair, gates):
    if a.length_m < b.length_m:
        a, b = b, a
    excess = a.length_m - b.length_m
    return Decided(a, b, excess, 0.1) if excess >= 0.1 else None


def _error(decided, gates):
    a, b = both_of(decided)
    return a.outline_m + b.outline_m


LONGER = PairRule(
    name="longer",
    needs=(Need.AMODAL, Need.GRAVITY),
    decide=_longer,
    error=_error,
    compares="L(A) - L(B) >= 0.1 m",
    error_is="both edges",
)
QUESTION_TYPES = (
    QuestionType(
        type_id="X01",
        name="longer than",
        title="Longer?",
        rule=LONGER,
    ),
)
ORACLES = {"X01": yes_no(lambda item: float(item.size[3]), True)}
'''
WORDINGS = """
questions: ["Is {A} longer than {B}?"]
answers:
  yes: ["Yes, {A} is longer than {B}."]
  no: ["No, {A} is not longer than {B}."]
example:
  objects: [the table, the lamp]
  question: Is the table longer than the lamp?
  answer: Yes, the table is longer than the lamp.
  variant: yes
"""
# Runs apart: registries are filled once per process.
LOOK = """
import json, random
from jobs.views.pages.questions import type_counts
from scenes.truth.exact import oracles
from tests.questions.worlds import solid_scene
from udfs.questions.registry import plugin_types, question_types
from udfs.questions.table import types_markdown
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene
from vlm.evaluation.relations import Asked, has_winner, relation_of, winner_and_loser

rng, out = random.Random(1), QaColumns("recipe")
for _ in range(40):
    synthesize_scene(*solid_scene(rng), SynthesizeSettings(), out)
asked = Asked("1", "X01", "", ("table", "lamp"), False)
own = [row for row in out.rows() if row["type_id"] == "X01"]
print(json.dumps({
    "last": list(question_types())[-1], "plugins": plugin_types(), "rows": own,
    "titles": [entry["name"] for entry in type_counts(own)], "table": types_markdown(),
    "relation": relation_of(asked), "winner": winner_and_loser(asked)[0], "directed": has_winner(asked),
    "oracle": "X01" in oracles(), "recipe": SynthesizeSettings().changes().get("plugin_types"),
}))
"""


def test_a_type_outside_the_tree_is_asked_told_titled_and_documented(tmp_path: Path) -> None:
    (tmp_path / "longer_types.py").write_text(MODULE)
    (tmp_path / "X01.yaml").write_text(WORDINGS)
    env = os.environ | {"SPATIALLAKE_PLUGINS": "longer_types", "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    look = [sys.executable, "-c", LOOK]
    ran = subprocess.run(look, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert (seen["last"], seen["plugins"], seen["recipe"]) == ("X01", ["X01"], ["X01"])
    answers = [row["answer_bool"] for row in seen["rows"]]
    assert answers.count(True) == answers.count(False) > 5
    assert all(row["answer"].startswith("Yes" if row["answer_bool"] else "No") for row in seen["rows"])
    assert seen["titles"] == ["Longer?"]
    assert "| X01 | longer than | yes or no | Am, G |" in seen["table"]
    assert "Is the table longer than the lamp?" in seen["table"]
    assert (seen["relation"], seen["winner"], seen["directed"], seen["oracle"]) == ("longer", "lamp", True, True)
