"""What docs/statistics.md prints runs: every query, the rules, and the list of views."""

import re
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.engine.rules import require_conditions
from jobs.engine.settings import load_settings
from jobs.views.embedded_sql import run_embedded
from jobs.views.reader import known_tables
from jobs.views.sql import run_sql
from schemas.views import VIEWS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: re.findall(r"FROM (\w+)", query)[0])
def test_a_documented_query_gives_rows(spark: SparkSession, lake: Path, query: str) -> None:
    assert run_sql(spark, str(lake), query, "json") == run_embedded(str(lake), query, "json") > 0


def test_every_view_is_on_the_page() -> None:
    listed = re.findall(r"^\| `(\w+)` \| an? ", PAGE, re.MULTILINE)
    assert set(listed) == set(VIEWS)


def test_the_documented_rules_are_taken(spark: SparkSession, tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    settings = load_settings({"lake": str(tmp_path)}, None, [f"rules={file}"])
    assert [rule.name for rule in settings.rules] == [one["name"] for one in yaml.safe_load(text)]
    require_conditions(spark, settings.rules, known_tables().values())
