"""What a deployed job does: the stages one by one, by the commands of the plan, equal one `run` row for row."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.same_rows import differences
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.infra.conftest import BUCKET, CRAWL
from tests.infra.terraform import ROOT
from tests.jobs.engine import table

_QUERY = re.compile(r"SELECT family, .*?GROUP BY family", re.DOTALL)


def queries() -> list[str]:
    """Return the queries that the page on deployment ends in, for a lake whose tables have their own names."""
    found = _QUERY.findall((ROOT / "docs/deploy.md").read_text())
    return [" ".join(query.split()).replace("CATALOG.spatiallake_dev.", "") for query in found]


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_the_commands_of_the_plan_fill_a_lake_as_run_does(plans: dict[str, Any], tmp_path: Path) -> None:
    crawl, lake = tmp_path / "crawl", tmp_path / "by-stage"
    write_crawl(str(crawl), count=3, seed=4, width=160, height=120)
    here = {CRAWL: str(crawl), f"s3://{BUCKET}/lake": str(lake)}
    for command in plans["dev/emr"]["planned_values"]["outputs"]["commands"]["value"]:
        invoke(*(here.get(word, word) for word in command.split()[1:]))
    invoke("run", "--crawl", crawl, "--lake", tmp_path / "by-run", "--experts", "sensor")
    assert table(lake, "qa_statistics").num_rows > 10
    assert differences(tmp_path / "by-run", lake) == []
    answers = [row["family"] for row in table(lake, "qa_pairs").to_pylist()]
    assert len(queries()) == 2
    for query in queries():
        rows = [json.loads(line) for line in invoke("sql", query, "--lake", lake, "--format", "json").splitlines()]
        assert {row["family"]: row["answers"] for row in rows} == {name: answers.count(name) for name in set(answers)}
