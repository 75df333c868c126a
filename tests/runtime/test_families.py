"""Families of one's own in a profile, and which settings of an expert belong to its recipe."""

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


def test_a_family_may_be_a_module_of_ones_own(tmp_path):
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
def test_a_family_that_there_is_not_is_a_bad_setting(tmp_path, family, words):
    with pytest.raises(UsageError, match=words):
        profile(tmp_path, family).profile()


@pytest.mark.parametrize("family", ["os; import x", "../x", "a..b", ".a", "A-b"])
def test_a_family_is_a_module_name(family):
    with pytest.raises(ValidationError):
        ExpertSpec(family=family)


def test_patience_is_no_part_of_the_recipe():
    hasty, patient = (ExpertSpec(family="tests.runtime.brittle", timeout_s=seconds) for seconds in (1.0, 600.0))
    assert FILTER.made(expert=hasty).recipe == FILTER.made(expert=patient).recipe
    assert FILTER.made(expert=hasty).recipe != FILTER.made(expert=hasty.model_copy(update={"model": "another"})).recipe
    with pytest.raises(ValidationError):
        ExpertSpec(family="tests.runtime.brittle", timeout_s=0)
