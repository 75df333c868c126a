"""Models on an object store: fetched once per machine, pinned by their content, and refused once it changed."""

from pathlib import Path

import boto3
import pytest

from tests.experts import small_models
from tests.object_store import BUCKET, upload
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.loading import ModelUnavailable
from udfs.experts.pinning import folder_digest, pinned
from udfs.experts.stored_weights import local_copy

LABELS = {"wanted": {"room": ["a room"]}, "unwanted": {"text": ["a page of text"]}}


@pytest.fixture
def stored(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ExpertSpec, Path]:
    """A CLIP model on the store, as a profile names it, and the folder that it was uploaded from."""
    monkeypatch.setenv("SPATIALLAKE_HOME", str(tmp_path / "home"))
    folder, prefix = tmp_path / "clip", tmp_path.name
    folder.mkdir()
    small_models.clip(folder)
    upload(folder, prefix)
    return ExpertSpec(family="clip", model=f"{s3}/{prefix}", options={"labels": LABELS}), folder


def requests_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from udfs.experts import stored_weights

    asked: list[str] = []
    listed = stored_weights.list_files
    monkeypatch.setattr(stored_weights, "list_files", lambda uri: asked.append(uri) or listed(uri))
    return asked


def test_a_model_is_pinned_by_its_content_and_fetched_once(
    stored: tuple[ExpertSpec, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, folder = stored
    fixed = pinned("filter", spec)
    assert fixed.revision == folder_digest(folder)
    asked = requests_of(monkeypatch)
    assert loaded_expert("filter", fixed).model.config.model_type == "clip"
    assert not asked
    copy = local_copy(spec.model, fixed.revision)
    assert folder_digest(copy) == fixed.revision
    assert pinned("filter", spec) == fixed
    assert asked == [spec.model] and local_copy(spec.model) == copy


def test_a_model_that_changed_is_another_one(stored: tuple[ExpertSpec, Path], tmp_path: Path) -> None:
    spec, folder = stored
    fixed = pinned("filter", spec)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{tmp_path.name}/note.txt", Body=b"another")
    changed = pinned("filter", spec)
    assert changed.revision != fixed.revision
    # This machine still has the first one; another has to fetch it, and finds that it is gone.
    assert local_copy(spec.model, fixed.revision).is_dir()
    with pytest.raises(ModelUnavailable, match="differs from the recipe's"):
        loaded_expert("filter", fixed.model_copy(update={"revision": "sha256:" + "0" * 64}))
    with pytest.raises(ValueError, match="no model at"):
        pinned("filter", spec.model_copy(update={"model": f"{spec.model}/nowhere"}))
    (folder / "note.txt").write_bytes(b"another")
    assert changed.revision == folder_digest(folder)
