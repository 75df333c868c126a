"""An image that holds an expert of the worker itself is rejected alone."""

import threading
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from udfs.stages import rows
from udfs.stages.perceive import _predicted_here
from udfs.stages.time_limit import OverTime, within


def endless() -> None:
    while True:
        try:
            sum(range(1_000))
        except Exception:  # as experts do, so that one image costs no other
            continue


class Held:
    """Never ends on an image that says so, and survives every exception."""

    def predict(self, batch: Sequence[dict[str, Any]]) -> list[Any]:
        for row in batch:
            if row["endless"]:
                endless()
        return [{"number": row["number"]} for row in batch]


def test_an_endless_image_is_rejected_and_its_neighbors_are_predicted() -> None:
    batch = [{"number": number, "endless": number == 2} for number in range(4)]
    outcomes: list[Any] = _predicted_here(Held(), batch, 0.2, "context")
    assert [outcome["number"] for outcome in outcomes if isinstance(outcome, dict)] == [0, 1, 3]
    assert str(outcomes[2].reason) == "model_timed_out"
    assert "raise its timeout_s, then `spatiallake retry --stage context`" in str(outcomes[2])


def test_an_endless_row_of_a_stage_is_rejected_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_ROW_LIMIT_S", 0.2)
    batch = pa.RecordBatch.from_pylist([{"image_id": str(number), "ingest_shard": 0} for number in range(3)])
    reject = pa.struct([("outcome", pa.string()), ("reason", pa.string()), ("error", pa.string())])
    columns = [("image_id", pa.string()), ("ingest_shard", pa.int64()), ("recipe", pa.string())]
    schema = pa.schema([*columns, ("engine_version", pa.string()), ("rejects", pa.list_(reject))])
    (out,) = rows.map_rows(iter([batch]), lambda row: endless() or {} if row["image_id"] == "1" else {}, schema, "r")
    assert [[one["reason"] for one in row["rejects"]] for row in out.to_pylist()] == [[], ["timed_out"], []]


def test_the_limit_ends_with_its_block_and_threads_have_none() -> None:
    with within(0.05):
        pass
    threading.Event().wait(0.1)
    with pytest.raises(OverTime), within(0.05):
        endless()
    done: list[bool] = []

    def work() -> None:
        with within(0.01):
            threading.Event().wait(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
