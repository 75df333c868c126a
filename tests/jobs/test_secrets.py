"""Secrets reach Spark, and no sentence, process list or table."""

import io
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engine.errors import UsageError
from jobs.engine.settings import load_settings
from jobs.engine.spark_options import options_file, properties
from schemas.secrets import is_secret, masked
from udfs.storage.locations import UnservedLocation, normalized

HERE = {"lake": "here"}
SECRET = "TOPSECRET"


@pytest.mark.parametrize(
    "name",
    [
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.s3a.session.token",
        "spark.hadoop.fs.azure.account.key.store.dfs.core.windows.net",
        "spark.hadoop.fs.azure.sas.container.store",
        "spark.ssl.keyStorePassword",
        "spark.hadoop.javax.jdo.option.ConnectionPassword",
        "spark.executorEnv.AWS_SECRET_ACCESS_KEY",
        "spark.executorEnv.HF_TOKEN",
        "api_key",
        "endpoint.apiKey",
    ],
)
def test_names_that_tell_of_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["lift.min_points", "train.max_new_tokens", "spark.executor.memory", "keys", "monkey"])
def test_names_that_tell_of_none(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    "override",
    [
        "spark.spark.hadoop.fs.s3a.secret.key=wanted",
        "spark.hadoop.fs.s3a.secret.key=wanted",
        "spark={spark.hadoop.fs.s3a.secret.key: wanted}",
        "spark={hadoop: {fs: {s3a: {secret: {key: wanted}}}}}",
    ],
)
def test_dotted_names_of_spark_are_its_own(override: str) -> None:
    assert load_settings(HERE, None, [override]).spark == {"spark.hadoop.fs.s3a.secret.key": "wanted"}


@pytest.mark.parametrize(
    "overrides",
    [
        [f"spark.spark.hadoop.fs.s3a.secret.key=[{SECRET}]"],
        [f"spark.hadoop.fs.s3a.access.key={{a: [{SECRET}]}}"],
        [f"spark={{secret: [{SECRET}], plain: [1]}}"],
        [f"spark.hadoop.fs.s3a.secret.key: {SECRET}"],
        [f"spark.hadoop.fs.s3a.secret.key={SECRET}: {{"],
        [f"unknown.secret={SECRET}"],
        [f"lift={{password: {SECRET}}}"],
        [f"lift.min_points={{secret: {SECRET}}}"],
        [f"crawl=s3://AKIA:{SECRET}@bucket/crawl"],
        [f"crawl=s3a://{SECRET}@bucket/crawl"],
        [f"crawl=https://me:{SECRET}@host/crawl"],
        [f"checkpoints=gs://me:{SECRET}@host/crawl"],
        [f"ingest.allowed_roots=['s3://AKIA:{SECRET}@bucket/crawl']"],
        [f"shard_size=https://me:{SECRET}@host"],
    ],
)
def test_no_sentence_holds_a_secret(overrides: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        load_settings(HERE, None, overrides)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_and_variables_with_secrets_are_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"spark:\n  spark.hadoop.fs.s3a.secret.key: {SECRET}: {{\n")
    with pytest.raises(UsageError, match=r"is not valid YAML: .* in line 2, column \d+\.$") as refused:
        load_settings(HERE, str(file), [])
    assert SECRET not in str(refused.value)
    monkeypatch.setenv("SPATIALLAKE_SPARK", f"{{spark.secret: {SECRET}")
    with pytest.raises(UsageError, match="is not valid YAML") as refused:
        load_settings(HERE, None, [])
    assert SECRET not in str(refused.value)


def test_credentials_in_uris_are_hidden_and_other_signs_stay() -> None:
    assert masked("http://me:pa:ss@host:5000/a?b=c@d") == "http://(hidden)@host:5000/a?b=c@d"
    assert (
        masked(f"postgresql://u:{SECRET}@db/x and ftp://{SECRET}@h")
        == "postgresql://(hidden)@db/x and ftp://(hidden)@h"
    )
    for text in (
        "abfss://container@account.net/x",
        "http://host/me@home",
        "s3://bucket/a@b",
        "mail me@home.org",
        "a:b@c",
    ):
        assert masked(text) == text
    with pytest.raises(UnservedLocation, match="holds credentials") as refused:
        normalized(f"s3://AKIA:{SECRET}@bucket/lake")
    assert SECRET not in str(refused.value)


def loaded(text: str) -> dict[str, str]:
    """Read properties by the grammar of Java's `Properties.load`."""
    found: dict[str, str] = {}
    for line in io.StringIO(text, newline="\n").read().split("\n"):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        parts, at, signs = ["", ""], 0, iter(line.lstrip(" \t\f"))
        for sign in signs:
            if sign == "\\":
                escaped = next(signs)
                parts[at] += {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}.get(escaped, escaped)
            elif at == 0 and sign in "=:":
                at = 1
            else:
                parts[at] += sign
        found[parts[0]] = parts[1]
    return found


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029"), min_size=1)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"))))
def test_options_survive_the_file(options: dict[str, str]) -> None:
    assert loaded(properties(options)) == options


def test_the_file_is_its_owners_and_goes() -> None:
    with options_file({"spark.secret": SECRET}) as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert SECRET in Path(path).read_text()
    assert not os.path.exists(path)
