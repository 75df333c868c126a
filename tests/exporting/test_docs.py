"""What docs/export.md lists and shows is what there is."""

from jobs.exporting.layouts import exports_table
from tests.checks.tracked import ROOT

PAGE = (ROOT / "docs" / "export.md").read_text()


def test_the_page_lists_every_format() -> None:
    assert "\n".join(exports_table()) in PAGE


def test_the_module_on_the_page_is_the_one_that_is_tested() -> None:
    toy = (ROOT / "tests" / "api" / "toys" / "spoken.py").read_text()
    assert f"```py\n{toy}```" in PAGE
