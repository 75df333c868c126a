"""Settings and profiles in an object store, on a real server of the loopback device."""

from pathlib import Path

import pytest

from jobs.engine.errors import UsageError
from jobs.engine.settings import load_settings
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.jobs.engine import table
from tests.object_store import upload
from udfs.storage.clients import s3_client

PROFILE = "filter: &sensor {family: sensor}\ncontext: *sensor\ndepth: {family: sensor, options: {sigma_rel: 0.2}}\n"


@pytest.fixture(scope="module")
def prefix(s3: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("package")
    (folder / "settings.yaml").write_text("shard_size: 1\nlift: {min_points: 31}\n")
    (folder / "mine.yaml").write_text(PROFILE)
    (folder / "list.yaml").write_text("- 1\n")
    (folder / "broken.yaml").write_text("lift: {min_points")
    (folder / "image.yaml").write_bytes(b"\x89PNG\xff")
    (folder / "long.yaml").write_bytes(b"#" * (2**20 + 1))
    upload(folder, "package")
    return f"{s3}/package"


@pytest.mark.parametrize("scheme", ["s3://", "s3a://"])
def test_a_file_of_settings_is_read(prefix: str, scheme: str) -> None:
    settings = load_settings(
        {"lake": "here"}, f"{prefix}/settings.yaml".replace("s3://", scheme), ["lift.min_points_sparse=9"]
    )
    assert (settings.shard_size, settings.lift.min_points, settings.lift.min_points_sparse) == (1, 31, 9)


def test_a_profile_is_read_and_named_for_its_file(prefix: str) -> None:
    settings = load_settings({"lake": "here", "experts": f"{prefix}/mine.yaml"}, None, [])
    profile = settings.profile()
    assert (profile.name, profile.depth.options["sigma_rel"]) == ("mine", 0.2)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.yaml", r"No settings file 's3://crawls/package/none.yaml'; give --settings a YAML file that exists"),
        ("list.yaml", r"package/list.yaml holds list; it must hold a mapping"),
        ("broken.yaml", r"package/broken.yaml is not valid YAML: .* in line 1"),
        ("image.yaml", r"package/image.yaml is not valid YAML: it is no UTF-8 text"),
        ("long.yaml", r"package/long.yaml has 1,048,577 bytes. Settings and profiles are YAML files of at most 1 MiB."),
    ],
)
def test_a_file_that_cannot_be_used_is_told(prefix: str, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_settings({"lake": "here"}, f"{prefix}/{name}", [])


def test_a_profile_that_is_not_there_is_told(prefix: str) -> None:
    with pytest.raises(UsageError, match=r"No expert profile 's3://crawls/package/hub.yaml'; name one of builtin"):
        load_settings({"lake": "here", "experts": f"{prefix}/hub.yaml"}, None, []).profile()
    with pytest.raises(UsageError, match=r"the scheme gs://, which is not served"):
        load_settings({"lake": "here"}, "gs://bucket/settings.yaml", [])


def test_a_store_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3_client.cache_clear()
    try:
        with pytest.raises(UsageError, match=r"s3://b/settings.yaml cannot be read \(Could not .*\); check the"):
            load_settings({"lake": "here"}, "s3://b/settings.yaml", [])
    finally:
        s3_client.cache_clear()


@pytest.mark.usefixtures("spark")
def test_commands_take_both_from_the_store(prefix: str, tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "crawl"), count=2, seed=4, width=160, height=120)
    lake = tmp_path / "lake"
    settings = ("--settings", f"{prefix}/settings.yaml")
    invoke("ingest", "--crawl", tmp_path / "crawl", "--lake", lake, *settings)
    invoke("filter", "--experts", f"{prefix}/mine.yaml", "--lake", lake, *settings)
    assert len(set(table(lake, "images")["ingest_shard"].to_pylist())) == 2
    assert table(lake, "image_scores").num_rows == 2
