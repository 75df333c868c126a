"""What docs/experts.md shows works: the example profile, and the family of one's own."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

from tests.experts.image_rows import named, upright
from udfs.experts.expert import ExpertSpec, Profile
from udfs.experts.pinning import pinned

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("slot", ["filter", "context", "depth"])
def test_the_example_profile_is_pinned_and_its_options_are_known(slot: str) -> None:
    profile = Profile.model_validate({"name": "hub", **yaml.safe_load((DOCS / "profiles" / "hub.yaml").read_text())})
    spec = getattr(profile, slot)
    done = pinned(slot, spec)
    assert done.revision == spec.revision and set(spec.options) <= set(done.options)


def test_the_family_in_the_docs_runs(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", (DOCS / "experts.md").read_text(encoding="utf-8"), re.DOTALL)
    family: dict[str, Any] = {}
    exec(compile(source, "classifier.py", "exec"), family)
    torch.manual_seed(8)
    names = {0: "room", 1: "street", 2: "page"}
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8,
        id2label=names, label2id={name: index for index, name in names.items()}, initializer_range=0.3,
    )  # fmt: skip
    model = ViTForImageClassification(config).eval()
    processor = ViTImageProcessor(size={"height": 32, "width": 32})
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    expert_type = family["SLOTS"]["filter"]
    spec = ExpertSpec(family="classifier", model=str(tmp_path), options={"wanted": ["room", "street"]})
    expert = expert_type(expert_type.resolved(spec))
    expert.load("cpu")
    rows = [named("odd"), named("portrait"), {**named("odd"), "bytes": b""}]
    results = expert.predict(rows)
    assert isinstance(results.pop(), Exception)
    for done, row in zip(results, rows[:2], strict=True):
        with torch.no_grad():
            wanted = model(**processor(images=upright(row), return_tensors="pt")).logits[0].softmax(-1).tolist()
        assert [done["scores"][name] for name in names.values()] == pytest.approx(wanted, abs=1e-6)
        assert done["scores"]["spatial"] == pytest.approx(wanted[0] + wanted[1], abs=1e-6)
