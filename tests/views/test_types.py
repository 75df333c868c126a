"""Types about several views: right on fresh paths, worded in many ways, and the same in any world."""

import re
import string
from collections import Counter

import numpy as np
import pytest

from benchmarks.views import judged, lifted_views
from scenes.mesh import about_z
from scenes.paths import PathSettings, camera_path
from scenes.truth.tally import Tally
from tests.views.posed import in_other_world, views
from udfs.geometry.fusion import fuse
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.registry import question_types
from udfs.questions.sequence import Sequence, SequenceSettings, bare, names_of
from udfs.questions.sequence_answers import answer_sequence, decided
from udfs.questions.wordings import answers, asks_by_variant, questions

KINDS = [kind for kind in question_types().values() if kind.group == Group.VIEWS]
SETTINGS = SequenceSettings(max_per_type=50)


def asked(of: list, settings: SequenceSettings = SETTINGS) -> list[dict]:
    fused = fuse(of)
    return answer_sequence(Sequence("path", fused, names_of(fused)), settings, "recipe")


@pytest.mark.parametrize("index", [0, 3, 7, 8])
def test_answers_about_a_fresh_path_are_right(index: int) -> None:
    path = camera_path(77, index, PathSettings(frames=6, moved=index % 2 == 1))
    tally, wrong = Tally(), list[str]()
    judged(path, fuse(lifted_views(path)), tally, wrong)
    assert not wrong
    assert sum(one.answers for one in tally.types.values()) > 8


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_id)
def test_there_are_enough_wordings_and_no_two_are_equal(kind: QuestionType) -> None:
    pools = [questions(kind.type_id, variant if asks_by_variant(kind.type_id) else None) for variant in kind.variants]
    assert all(len(pool) >= 12 for pool in pools)
    said = [answers(kind.type_id, variant) for variant in kind.variants]
    assert all(len(pool) >= 6 for pool in said)
    for pool in (*pools, *said):
        texts = Counter(re.sub(r"[^a-z0-9 ]", "", wording.text.lower()) for wording in pool)
        assert max(texts.values()) == 1
    needed = {"value"} if kind.unit and not all(how.is_unsaid for how in kind.variants.values()) else set()
    for pool in said:
        for wording in pool:
            assert needed <= {name for _, name, _, _ in string.Formatter().parse(wording.text) if name}


def test_a_rigid_motion_of_the_world_changes_no_answer() -> None:
    moved = [in_other_world(view, about_z(2.2), np.array([4.0, -9.0, 2.0])) for view in views()]
    one, other = asked(list(views())), asked(moved)
    assert [row["question"] for row in one] == [row["question"] for row in other]
    for a, b in zip(one, other, strict=True):
        assert (a["side"], a["answer_object_id"], a["answer_frame"]) == (
            b["side"],
            b["answer_object_id"],
            b["answer_frame"],
        )
        assert (a["value_si"] or 0.0) == pytest.approx(b["value_si"] or 0.0, rel=1e-4)


def test_the_order_of_the_frames_changes_no_answer() -> None:
    assert asked(list(views())) == asked(list(reversed(views())))


def test_there_and_back_is_the_opposite_way() -> None:
    fused = fuse(list(views()))
    sequence = Sequence("path", fused, names_of(fused))
    opposite = {"left": "right", "up": "down", "forward": "backward"}
    opposite |= {value: key for key, value in opposite.items()}
    turned = {row.frames: row.variant for row in decided(question_types()["V03"], sequence, SETTINGS)}
    back = [views()[k] for k in range(len(views()))]
    mirrored = [type(view)(**{**vars(view), "frame": len(back) - 1 - view.frame}) for view in _plain(back)]
    again = fuse(mirrored)
    other = Sequence("path", again, names_of(again))
    found = {row.frames: row.variant for row in decided(question_types()["V03"], other, SETTINGS)}
    last = len(back) - 1
    shared = [(i, j) for i, j in turned if (last - j, last - i) in found]
    assert len(shared) >= 3
    assert all(found[last - j, last - i] == opposite[turned[i, j]] for i, j in shared)


def _plain(some: list) -> list:
    """Return views without what they have cached."""
    fields = ("frame", "image_id", "pose", "scene", "depth", "labels", "points_c", "lost")
    return [type(view)(**{name: getattr(view, name) for name in fields}) for view in some]


def test_names_are_of_one_thing_each() -> None:
    fused = fuse(list(views()))
    names = names_of(fused)
    assert len(set(names.values())) == len(names) >= 3
    assert bare("A red mug.") == "red mug"


def test_the_size_of_a_room_is_told_where_its_walls_are_seen_all_around() -> None:
    path = camera_path(101, 11, PathSettings())
    (row,) = [row for row in asked(lifted_views(path)) if row["type_id"] == "V11"]
    length, width, _ = path.frames[0].room.size_m
    assert row["value_si"] == pytest.approx(length * width, rel=0.03)
    # An orbit shows a part of the walls.
    assert not [row for row in asked(list(views())) if row["type_id"] == "V11"]


# A cushion whose second place is cut off, a chair that frames show in two places as one, and a backpack that hides
# the place where it was.
@pytest.mark.parametrize("index", [82, 94, 52])
def test_what_was_moved_is_not_taken_for_two_or_for_what_it_was(index: int) -> None:
    path = camera_path(401, index, PathSettings(moved=True, kind="watch"))
    tally, wrong = Tally(), list[str]()
    judged(path, fuse(lifted_views(path)), tally, wrong)
    assert not wrong
    assert sum(one.answers for one in tally.types.values()) > 8
