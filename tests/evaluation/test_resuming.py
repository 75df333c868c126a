"""Answers that are kept: an evaluation that was killed goes on, and no answer is taken for one to something else."""

import subprocess
import sys
import time
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluation.chat_questions import COUNT, looks, number_of, question, run, write_questions
from tests.evaluation.chat_server import serving


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    return write_questions(tmp_path_factory.mktemp("items") / "items.parquet")


def test_an_evaluation_that_was_killed_goes_on_where_it_was(items, tmp_path):
    def slow(request, before):
        return replace(looks(request, before), wait_s=0.1)

    file = tmp_path / "a" / "predictions.jsonl"
    with serving(slow) as (url, requests):
        command = [
            sys.executable,
            "-m",
            "spatiallake",
            "evaluate",
            "--items",
            f"spatiallake:{items}",
            "--out",
            file.parent,
        ]
        asked = ["--endpoint", url, "--endpoint-model", "tiny", "--concurrency", "1"]
        process = subprocess.Popen([*map(str, command), *asked], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not file.exists() or file.read_bytes().count(b"\n") < COUNT + 3:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        kept = file.read_bytes()
        file.write_bytes(kept + b'{"model": "tiny (image bl')
        time.sleep(0.3)  # what was under way when the process died ends at the server
        told, before_kill = kept.count(b"\n"), len(requests)
        result = run(items, url, file.parent)
        assert result.exit_code == 0, result.output
        assert told < 2 * COUNT
        assert len(requests) - before_kill == 3 * COUNT - told
        assert run(items, url, tmp_path / "b").exit_code == 0
        assert run(items, url, file.parent).exit_code == 0
    assert len(requests) == before_kill + 3 * COUNT - told + 3 * COUNT
    rows = [pq.read_table(tmp_path / name / "predictions.parquet").to_pylist() for name in "ab"]
    assert rows[0] == rows[1]
    assert file.read_bytes().startswith(kept)
    assert file.read_bytes().count(b"\n") == 3 * COUNT


def test_answers_to_other_words_or_images_are_not_taken_for_answers_to_these(items, tmp_path):
    with serving(looks) as (url, requests):
        assert run(items, url, tmp_path, "--no-blind").exit_code == 0
        rows = pq.read_table(items).to_pylist()
        rows[0]["prompt"] = rows[0]["question"] = question(1)
        rows[2]["images"] = rows[3]["images"]
        pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(items)), tmp_path / "changed.parquet")
        assert run(tmp_path / "changed.parquet", url, tmp_path, "--no-blind").exit_code == 0
    assert sorted(map(number_of, requests[COUNT:])) == [1, 2]
