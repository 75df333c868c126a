"""Every link of a page leads somewhere, and every file that a text names is there."""

from pathlib import Path

import pytest

from tests.checks import links
from tests.checks.tracked import ROOT, cases, name_of

PENDING: tuple[str, ...] = ()


@pytest.mark.parametrize("page", cases(PENDING), ids=name_of)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert not list(links.broken_links(page))


def test_files_that_pages_and_docstrings_name_exist() -> None:
    assert not list(links.missing_paths())


def test_a_broken_link_and_a_missing_heading_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "name_of", lambda path: path.name)
    (tmp_path / "other.md").write_text("# A `b` of C-d\n\n# Twice\n# Twice\n```bash\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Own\n[a](other.md#a-b-of-c-d) [b](other.md#twice-1) [c](#own) [d](https://example.org/x)\n"
        "[e](gone.md) [f](other.md#no-heading) [g](#other)\n"
    )
    assert list(links.broken_links(page)) == [
        "page.md:3: no file gone.md",
        "page.md:3: other.md has no heading #no-heading",
        "page.md:3: page.md has no heading #other",
    ]


def test_anchors_are_those_of_the_page_itself() -> None:
    assert "contributing" in links.anchors(ROOT / "CONTRIBUTING.md")
