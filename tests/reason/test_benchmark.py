"""The benchmark in small: composed questions about rendered rooms against exact truth."""

from benchmarks.composed import FAMILIES
from benchmarks.reason import measured


def test_composed_questions_about_rooms_are_answered_and_right(tmp_path):
    report = measured(questions=42, seed=3, rooms=10, crawl=tmp_path / "rooms", width=160)
    answered, right = report.shares()
    assert set(report.asked) == set(FAMILIES) and report.asked.total() >= 40
    assert report.stopped == 0
    assert answered >= 0.9, report.unanswered
    assert right >= 0.98, report.wrong
