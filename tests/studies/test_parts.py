"""Parts of made answers counted by hand, and medians of a lake against `statistics`."""

import json
import statistics
from pathlib import Path

import pytest

from jobs.views.reader import LakeReader
from studies.claims.parts import by_answer, by_length, main, no_number
from tests.evaluation.made import item, length, said
from tests.pages.small_lake import write_lake
from tests.studies.made import write_answers
from vlm.evaluation.items import Kind, Prediction, Truth


def test_lengths_are_counted_by_how_long_they_are() -> None:
    angle = item("angle", Kind.NUMBER, Truth(value_si=0.2, unit_si="rad"))
    right = [(length("a", 0.1), "0.1 m"), (length("b", 0.3), "0.32 m"), (length("c", 2.0), "3.9 m")]
    wrong = [(length("d", 0.29), "1 m"), (length("e", 5.0), "no idea")]
    found = by_length({"one": said([*right, *wrong, (angle, "0.2 rad")])})
    assert found["in_range[0.5,2]"] == {
        "0 to 0.3 m": {"questions": 2, "one": 0.5},
        "0.3 to 0.6 m": {"questions": 1, "one": 1.0},
        "2 m and more": {"questions": 2, "one": 0.5},
    }
    assert found["in_range[0.9,1.1]"]["2 m and more"]["one"] == 0.0


def test_relations_are_counted_by_how_they_are_to_be_answered() -> None:
    def choice(name: str) -> Prediction:
        asked = item(name, Kind.CHOICE, Truth(choice=0), options=("the chair", "the desk"))
        return said([(asked, "A" if name == "letter" else "The desk.")])[0]

    yes = said([(item("yes", Kind.BOOL, Truth(yes=True)), "Yes.")])
    found = by_answer({"one": [*yes, choice("letter"), choice("name")], "two": [choice("name")]}, {"letter"})
    assert found == {
        "a letter": {"questions": 1, "one": 1.0},
        "a name": {"questions": 1, "one": 0.0, "two": 0.0},
        "yes or no": {"questions": 1, "one": 1.0},
    }


def test_what_is_no_number_is_counted_by_type_of_question() -> None:
    lengths = [(length(str(n), 1.0, type_id="N10"), "Yes.") for n in range(3)]
    assert no_number(
        {"one": said([*lengths, (length("n", 1.0), "1 m")]), "two": said([(length("n", 1.0), "1 m")])}
    ) == {"one": {"N10": 3}}


def test_a_study_tells_the_parts_of_all_runs_and_the_medians_of_its_lakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = write_lake(tmp_path / "lake")
    known = write_answers(tmp_path, seeds=1)
    (tmp_path / "lakes").mkdir()
    for name in ("sensor", "held_out", "few", "builtin"):
        (tmp_path / "lakes" / name).symlink_to(lake)
    monkeypatch.setattr("sys.argv", ["parts", "--work", str(tmp_path)])
    main()
    found = json.loads(capsys.readouterr().out)
    for part, kind in (("relations", "bool"), ("left and right", "side")):
        right = [is_right for _, is_right in known["spatial (image blanked)", 1, kind]]
        told = found[part]["yes or no"]
        assert told["questions"] == len(right)
        assert told["spatial-1 (image blanked)"] == pytest.approx(statistics.fmean(right), abs=1e-4)
    by_type: dict[str, list[float]] = {}
    for row in LakeReader(str(lake)).query("qa_pairs", "SELECT type_id, value_si FROM t WHERE unit_si = 'm'"):
        by_type.setdefault(row["type_id"], []).append(row["value_si"])
    assert found["median m"]["few"] == pytest.approx({k: statistics.median(v) for k, v in by_type.items()}, abs=6e-4)
