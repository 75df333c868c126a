"""Licenses as crawls write them, and which of them the lists of `ingest` refuse."""

from pathlib import Path

import pytest

from schemas.reasons import Outcome, Reason
from tests.ingest.conftest import ingest
from tests.ingest.crawls import sensor_row, write_manifest
from udfs.crawl.licences import licence_id, licence_names, require_licence
from udfs.crawl.limits import IngestSettings
from udfs.stages.rows import RowRejected

SAME = {
    "cc-by-nc-4.0": (
        "CC-BY-NC-4.0",
        "CC BY-NC 4.0",
        "cc_by_nc_4.0",
        "Creative Commons Attribution-NonCommercial 4.0 International",
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "http://www.creativecommons.org/licenses/by-nc/4.0/deed.en",
        "BY-NC 4.0",
    ),
    "cc0-1.0": ("CC0-1.0", "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/legalcode"),
    "cc0": ("CC0", "CC-0", "CC Zero"),
    "cc-pdm-1.0": ("https://creativecommons.org/publicdomain/mark/1.0/",),
    "cc-by-sa-3.0-de": ("CC BY-SA 3.0 DE",),
    "cc-by-2.0": ("Creative Commons Attribution 2.0 Generic", "Attribution 2.0"),
    "mit": ("MIT", " mit "),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in SAME.items() for text in texts])
def test_a_license_has_one_form_however_it_is_written(name: str, text: str) -> None:
    assert licence_id(text) == name


def test_a_license_answers_to_its_name_without_version_and_country() -> None:
    assert licence_names("CC BY-SA 3.0 DE") == ("cc-by-sa-3.0-de", "cc-by-sa-3.0", "cc-by-sa")
    assert licence_names("") == licence_names(None) == ()


@pytest.mark.parametrize(
    ("text", "lists", "reason"),
    [
        ("CC-BY-NC-4.0", {"licences_denied": ["cc by-nc"]}, Reason.LICENCE_DENIED),
        ("CC-BY-4.0", {"licences_denied": ["CC-BY-NC"]}, None),
        (None, {"licences_denied": ["CC-BY-NC"]}, None),
        ("CC-BY-4.0", {"licences_allowed": ["CC-BY"]}, None),
        (
            "https://creativecommons.org/licenses/by/3.0/",
            {"licences_allowed": ["CC-BY-4.0"]},
            Reason.LICENCE_NOT_ALLOWED,
        ),
        ("CC-BY-NC-4.0", {"licences_allowed": ["CC-BY"]}, Reason.LICENCE_NOT_ALLOWED),
        (None, {"licences_allowed": ["CC-BY"]}, Reason.LICENCE_UNKNOWN),
        ("CC-BY-4.0", {"licences_allowed": ["CC-BY"], "licences_denied": ["CC-BY-4.0"]}, Reason.LICENCE_DENIED),
        ("CC0-1.0, CC-BY-NC-4.0", {"licences_denied": ["CC-BY-NC"]}, Reason.LICENCE_DENIED),
        ("CC0-1.0 OR MIT", {"licences_allowed": ["CC0"]}, Reason.LICENCE_NOT_ALLOWED),
        (None, {}, None),
    ],
)
def test_the_lists_refuse_each_with_its_own_reason(text: str | None, lists: dict, reason: Reason | None) -> None:
    limits = IngestSettings(**lists)
    if reason is None:
        require_licence(text, limits)
        return
    with pytest.raises(RowRejected, match=r"ingest\.licences_") as refused:
        require_licence(text, limits)
    assert (refused.value.outcome, refused.value.reason) == (Outcome.REFUSED, reason)


def test_each_refused_image_is_in_quarantine_unread(tmp_path: Path) -> None:
    licences = {"a": "CC BY 4.0", "b": "CC-BY-NC-4.0", "c": None, "d": "CC-BY-ND-4.0"}
    # Files that are not there would fail otherwise.
    rows = [sensor_row(f"{name}.jpg", licence=licence) for name, licence in licences.items()]
    limits = IngestSettings(licences_allowed=("CC-BY", "CC-BY-ND"), licences_denied=("CC-BY-ND-4.0",))
    result = ingest(write_manifest(tmp_path, [*rows]), limits)
    assert result.reasons() == {
        "a.jpg": {"missing_file"},
        "b.jpg": {"licence_not_allowed"},
        "c.jpg": {"licence_unknown"},
        "d.jpg": {"licence_denied"},
    }
    assert {row["outcome"] for row in result.quarantine if row["reason"] != "missing_file"} == {"refused"}
