"""Which things a vision encoder has, against its objects and boxes in pixels; and the shares of made answers."""

from pathlib import Path

from jobs.views.reader import LakeReader
from studies.claims.grow import load_base
from studies.claims.seen import all_seen, shares
from studies.claims.study import BASE
from tests.evaluation.made import item, said
from tests.pages.small_lake import write_lake
from tests.studies.encoders import centers_px
from vlm.evaluation.items import Kind, Truth
from vlm.examples import decoded


def test_a_thing_is_seen_where_an_object_of_the_vision_encoder_is_in_its_box(tmp_path: Path) -> None:
    lake, base = LakeReader(str(write_lake(tmp_path / "lake"))), load_base(BASE)
    found = all_seen(lake, base)
    rows = lake.query("qa_pairs", "SELECT qa_id, image_id, object_ids FROM t")
    assert found.keys() == {row["qa_id"] for row in rows}
    assert len(set(found.values())) == 2
    images = {row["image_id"]: decoded(row["bytes"]) for row in lake.query("images", "SELECT * FROM t")}
    regions = {row["image_id"]: row["regions"] for row in lake.query("regions", "SELECT * FROM t")}
    for row in rows:
        centers = centers_px(base, images[row["image_id"]])
        boxes = [one["bbox_px"] for one in regions[row["image_id"]] if one["region_id"] in row["object_ids"]]
        assert found[row["qa_id"]] == all(
            any(left <= x <= right and top <= y <= bottom for x, y in centers) for left, top, right, bottom in boxes
        )


def test_shares_are_of_relations_alone_and_left_and_right_also_by_themselves() -> None:
    def asked(name: str, kind: str) -> tuple:
        return item(name, Kind.BOOL, Truth(yes=True), answer="Yes", type_id=kind), "Yes." if name < "c" else "No."

    pairs = [asked("a", "Q01"), asked("b", "Q04"), asked("c", "Q02"), asked("d", "Q03")]
    length = item("n", Kind.NUMBER, Truth(value_si=1.0, unit_si="m"))
    seen = {"a": True, "b": True, "c": True, "d": False}
    assert shares(seen, {"one": said([*pairs, (length, "1 m")]), "two": said(pairs[3:])}) == {
        "qualitative": {"both seen": {"questions": 3, "one": 0.6667}, "not both": {"questions": 1, "one": 0, "two": 0}},
        "left and right": {
            "both seen": {"questions": 2, "one": 0.5},
            "not both": {"questions": 1, "one": 0, "two": 0},
        },
    }
