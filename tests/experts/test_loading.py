"""Models that are there, missing, unpinned, changed or of another kind: what is loaded, and what is said."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, CLIPProcessor

from jobs.engine.errors import UsageError
from jobs.engine.pipeline import stages_of
from jobs.engine.settings import load_settings
from tests.experts.image_rows import image_row
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.loading import ModelUnavailable, dtype_of
from udfs.experts.pinning import folder_digest, pinned

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LABELS = {"wanted": {"room": ["a room"]}, "unwanted": {"text": ["a page of text"]}}


def clip(model: Path | str, **fields: Any) -> ExpertSpec:
    return ExpertSpec(family="clip", model=str(model), options={"labels": LABELS}, **fields)


def profile(tmp_path: Path, *, filter_: str) -> Any:
    file = tmp_path / "mine.yaml"
    file.write_text(f"filter: {filter_}\ncontext: {{family: sensor}}\ndepth: {{family: sensor}}\n")
    return load_settings({"lake": "here", "experts": str(file)}, None, [])


IN_ANOTHER_PROCESS = """
import json, sys
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.loading import ModelUnavailable
from udfs.experts.pinning import pinned

said = {}
def attempt(name, function, *arguments):
    try:
        said[name] = function(*arguments)
    except (ModelUnavailable, ValueError) as error:
        said[name] = f"{type(error).__name__}: {error}"

commit, labels = sys.argv[1], json.loads(sys.argv[2])
def spec(model, revision):
    return ExpertSpec(family="clip", model=model, revision=revision, options={"labels": labels})
attempt("cached", lambda: loaded_expert("filter", pinned("filter", spec("org/clip", commit))).model.config.model_type)
attempt("other commit", lambda: loaded_expert("filter", spec("org/clip", commit[::-1])))
attempt("unpinned", lambda: pinned("filter", spec("org/clip", "none")))
attempt("branch", lambda: pinned("filter", spec("org/other", "main")))
print(json.dumps(said))
"""


def test_the_cache_serves_offline_and_what_it_lacks_is_named_with_the_command(models: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--clip"
    shutil.copytree(models / "clip", repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_CACHE"}
    environment |= {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, COMMIT, json.dumps(LABELS)],
        capture_output=True, text=True, check=True, env=environment, timeout=900,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["cached"] == "clip"
    other = said["other commit"]
    assert other.startswith(f"ModelUnavailable: Model org/clip at {COMMIT[::-1]} (clip)"), other
    assert f"{tmp_path / 'hub'} and HF_HUB_OFFLINE forbids" in other
    assert f"`hf download org/clip --revision {COMMIT[::-1]}`" in other
    assert f"set `revision` to {COMMIT}, which is 'main' in the cache" in said["unpinned"]
    assert "revision 'main' is not a commit" in said["branch"] and "`hf models info org/other`" in said["branch"]


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=f"The folder {tmp_path} holds no clip model"):
        loaded_expert("filter", clip(tmp_path))


def test_a_model_of_another_family_is_refused(models: Path) -> None:
    with pytest.raises(ModelUnavailable, match="is a siglip and the family clip accepts clip"):
        loaded_expert("filter", clip(models / "siglip"))


def test_weights_that_lack_a_part_are_refused(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "clip", tmp_path / "clip")
    file = tmp_path / "clip" / "model.safetensors"
    weights = load_file(file)
    del weights["visual_projection.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"lack 1 parameters of a clip, such as visual_projection\.weight"):
        loaded_expert("filter", clip(tmp_path / "clip"))


def test_a_folder_is_pinned_by_its_content_and_changed_weights_change_the_recipe(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    shutil.copytree(models / "clip", folder)
    settings = profile(tmp_path, filter_=f"{{family: clip, model: {folder}, options: {{batch_size: 2}}}}")
    before = stages_of(settings)["filter"]
    assert before.settings["expert"]["revision"] == folder_digest(folder)
    assert before.settings["expert"]["options"]["labels"]["wanted"].keys() == {"indoor_scene", "outdoor_scene"}
    shutil.copytree(folder, tmp_path / "twin")
    assert folder_digest(tmp_path / "twin") == folder_digest(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "download.lock").write_text("of the downloader")
    faster = profile(tmp_path, filter_=f"{{family: clip, model: {folder}, options: {{batch_size: 64}}}}")
    assert stages_of(faster)["filter"].recipe == before.recipe
    weights = load_file(folder / "model.safetensors")
    weights["logit_scale"] += 1.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    after = stages_of(settings)["filter"]
    assert after.recipe != before.recipe


def test_a_worker_with_other_files_than_the_recipe_does_not_use_them(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "clip", tmp_path / "clip")
    spec = pinned("filter", clip(tmp_path / "clip"))
    (tmp_path / "clip" / "README.md").write_text("changed")
    with pytest.raises(ModelUnavailable, match="differs from the recipe's"):
        loaded_expert("filter", spec)
    with pytest.raises(ValueError, match="leave `revision` out"):
        pinned("filter", spec)


def test_an_expert_is_loaded_once_per_process(models: Path) -> None:
    spec = pinned("filter", clip(models / "clip"))
    assert loaded_expert("filter", spec) is loaded_expert("filter", spec.model_copy())


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ("{family: clip, model: nobody/has-this}", "set `revision` to the 40 hex digits"),
        ("{family: clip}", "Family clip needs a `model`"),
        ("{family: nothing}", "slot filter has no expert family 'nothing', which does not exist"),
        ("{family: zoedepth, model: none}", "slot filter has no expert family 'zoedepth', which fills depth"),
        (
            "{family: clip, model: MODELS/clip, options: {batch: 3}}",
            "batch is not a setting; did you mean batch_size",
        ),
        ("{family: clip, model: MODELS/clip, options: {batch_size: 0}}", "batch_size = 0: .*greater than 0"),
        ("{family: clip, model: MODELS/clip, options: {labels: nowhere}}", "no label set 'nowhere'"),
        ("{family: clp, model: x}", r"no expert family 'clp'.*did you mean clip\?"),
        ("{family: sensor, parts: {detector: {family: owlv2}}}", "sensor takes no part 'detector'"),
        ("{family: cascade, parts: {frist: {family: sensor}}}", r"no part 'frist'; did you mean first\?"),
        ("{family: cascade, modl: x}", r"filter.modl is not a setting; did you mean filter.model\?"),
        ("{family: cascade}", "lacks its part 'first'; it needs first and second"),
    ],
)
def test_a_profile_that_cannot_work_is_refused_before_spark_starts(
    models: Path, tmp_path: Path, filter_: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        stages_of(profile(tmp_path, filter_=filter_.replace("MODELS", str(models))))


@pytest.mark.parametrize(
    ("device", "saved", "runs_in"),
    [
        ("cpu", torch.bfloat16, torch.float32),
        ("cuda:1", torch.float32, torch.float16),
        ("cuda:0", torch.float16, torch.float16),
        ("cuda:0", torch.bfloat16, torch.bfloat16),
    ],
)
def test_half_precision_is_that_of_the_checkpoint(device: str, saved: Any, runs_in: Any) -> None:
    assert dtype_of(device, saved) == runs_in


def test_weights_saved_in_half_precision_run_in_single_precision_on_a_cpu(models: Path, tmp_path: Path) -> None:
    CLIPModel.from_pretrained(models / "clip", dtype=torch.bfloat16).save_pretrained(tmp_path)
    CLIPProcessor.from_pretrained(models / "clip").save_pretrained(tmp_path)
    expert = loaded_expert("filter", clip(tmp_path))
    assert expert.model.dtype == torch.float32
    (done,) = expert.predict([image_row(45, 31)])
    assert 0.0 < done["scores"]["room"] < 1.0


def test_predictions_do_not_depend_on_who_is_in_the_batch(models: Path) -> None:
    expert = loaded_expert("filter", clip(models / "clip"))
    good = [image_row(45, 31, seed) for seed in range(4)]
    bad = {**good[0], "bytes": b"no image"}
    alone = [expert.predict([row])[0]["scores"]["room"] for row in good]
    mixed = expert.predict([good[0], bad, *good[1:]])
    assert isinstance(mixed.pop(1), Exception)
    assert [done["scores"]["room"] for done in mixed] == pytest.approx(alone, abs=1e-6)
