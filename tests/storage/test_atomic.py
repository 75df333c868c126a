"""A reader sees either the old file or the complete new one."""

from pathlib import Path

import pytest

from udfs.storage.atomic import written_whole


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    with written_whole(path) as draft:
        draft.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_keeps_the_old_file_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(KeyError), written_whole(path) as draft:
        draft.write_text("half")
        raise KeyError("stopped")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
