"""Families of your own in a profile, and which settings of an expert belong to its recipe."""

import json

import pytest
from pydantic import ValidationError

from jobs.engine.errors import UsageError
from jobs.engine.settings import RunSettings
from jobs.stages.filter import STAGE as FILTER
from tests.runtime.brittle import BrittleFilter
from udfs.experts.expert import ExpertSpec, expert_class, is_isolated


def profile(tmp_path, family: str) -> RunSettings:
    rule = {"family": "sensor"}
    path = tmp_path / "profile.yaml"
    path.write_text(json.dumps({"filter": {"family": family}, "context": rule, "depth": rule}))
    return RunSettings(lake=str(tmp_path), experts=str(path))


def test_a_family_may_be_any_module(tmp_path):
    spec = profile(tmp_path, "tests.runtime.brittle").profile().filter
    assert expert_class("filter", spec) is BrittleFilter
    assert is_isolated("filter", spec)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("nothing", "The slot filter has no expert family 'nothing', which does not exist"),
        ("batching", "The slot filter has no expert family 'batching', which does not exist"),
        ("my_team.scorer", r"Expert family 'my_team\.scorer' cannot be imported \(No module named 'my_team'\)"),
    ],
)
def test_an_unknown_family_is_a_usage_error(tmp_path, family, words):
    with pytest.raises(UsageError, match=words):
        profile(tmp_path, family).profile()


def test_a_plugin_is_found_by_its_short_name(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="no expert family 'brittle'"):
        profile(tmp_path, "brittle").profile()
    monkeypatch.setenv("SPATIALLAKE_PLUGINS", "tests.runtime.brittle")
    spec = profile(tmp_path, "brittle").profile().filter
    assert expert_class("filter", spec) is BrittleFilter
    assert spec.options == {"seconds": 0.0, "log": None}
    with pytest.raises(UsageError, match=r"no expert family 'britle'.*did you mean brittle\?"):
        profile(tmp_path, "britle").profile()


def test_a_class_without_the_base_is_refused(tmp_path, monkeypatch):
    (tmp_path / "loose_family.py").write_text("class Loose:\n    pass\nSLOTS = {'filter': Loose}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SPATIALLAKE_PLUGINS", "loose_family")
    with pytest.raises(UsageError, match=r"Loose .*must derive from udfs\.experts\.expert\.Expert"):
        profile(tmp_path, "loose_family").profile()


@pytest.mark.parametrize("family", ["os; import x", "../x", "a..b", ".a", "A-b"])
def test_a_family_is_a_module_name(family):
    with pytest.raises(ValidationError):
        ExpertSpec(family=family)


def test_the_timeout_is_not_part_of_the_recipe():
    hasty, patient = (ExpertSpec(family="tests.runtime.brittle", timeout_s=seconds) for seconds in (1.0, 600.0))
    assert FILTER.made(expert=hasty).recipe == FILTER.made(expert=patient).recipe
    assert FILTER.made(expert=hasty).recipe != FILTER.made(expert=hasty.model_copy(update={"model": "another"})).recipe
    with pytest.raises(ValidationError):
        ExpertSpec(family="tests.runtime.brittle", timeout_s=0)
