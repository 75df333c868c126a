"""Two commands on one lake of an object store: one writes, and one that was killed is forgotten."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobs.engine.errors import LakeBusy
from jobs.engine.locks import creating, writing
from tests.object_store import BUCKET
from udfs.storage import leases
from udfs.storage.clients import s3_client

HOLD = """
import sys, time
from jobs.engine.locks import writing
with writing(sys.argv[1], ["lift"]):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def other_command(lake: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, lake], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_one_command_at_a_time_writes_to_a_lake_of_a_store(s3: str) -> None:
    lake = f"{s3}/one"
    with other_command(lake) as process:
        with pytest.raises(LakeBusy, match=rf"process {process.pid} on .*writing to {lake}"), writing(lake, ["lift"]):
            pytest.fail("both hold it")
        with pytest.raises(LakeBusy), writing(lake, ["synthesize"]):
            pytest.fail("Delta's log has one writer")
        with writing(f"{s3}/another", ["lift"]):
            pass


def test_the_lease_ends_with_the_command_and_is_shared_within_it(s3: str) -> None:
    lake = f"{s3}/two"
    with writing(lake, ["lift"]), creating(lake), creating(lake):
        keys = [one["Key"] for one in s3_client().list_objects_v2(Bucket=BUCKET, Prefix="two/")["Contents"]]
        assert keys == ["two/_locks/lake"]
    assert "Contents" not in s3_client().list_objects_v2(Bucket=BUCKET, Prefix="two/")
    with writing(lake, ["lift"]):
        pass


def test_a_killed_command_is_forgotten_and_a_paused_one_ends(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = f"{s3}/three"
    with other_command(lake) as process:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(LakeBusy), writing(lake, ["lift"]):
            pytest.fail("it was not gone for long")
        monkeypatch.setattr(leases, "LOST_AFTER_S", 1.0)
        time.sleep(2.5)
        with writing(lake, ["lift"]):
            process.send_signal(signal.SIGCONT)
        os.kill(process.pid, signal.SIGKILL)
    with writing(lake, ["lift"]):
        pass


@pytest.mark.parametrize("interrupts", [signal.default_int_handler, signal.SIG_IGN], ids=["terminal", "background"])
def test_a_lease_that_someone_took_over_ends_its_command(s3: str, interrupts: Any) -> None:
    lake = f"{s3}/four"
    program = HOLD.replace("from jobs", "from udfs.storage import leases\nleases.RENEWED_EVERY_S = 0.2\nfrom jobs", 1)
    command = [sys.executable, "-c", program, lake]
    before = signal.signal(signal.SIGINT, interrupts)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "held\n"
        s3_client().put_object(Bucket=BUCKET, Key="four/_locks/lake", Body=b"{}")
        assert "Another command has taken over" in process.stderr.read()
        assert process.wait() != 0
    found = s3_client().get_object(Bucket=BUCKET, Key="four/_locks/lake")
    assert found["Body"].read() == b"{}"
    s3_client().delete_object(Bucket=BUCKET, Key="four/_locks/lake")
