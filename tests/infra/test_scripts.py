"""The two scripts that machines of a platform run: the one that is submitted, and the one that finds GPUs."""

import json
import runpy
import subprocess
from pathlib import Path

import pytest

from tests.infra.terraform import INFRA

ENTRY = str(INFRA / "spatiallake_main.py")
GPU_NODE = INFRA / "terraform/modules/emr/gpu-node.sh"


def test_a_command_that_ended_well_does_not_exit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [ENTRY, "--version"])
    runpy.run_path(ENTRY, run_name="__main__")
    assert capsys.readouterr().out.startswith("spatiallake ")


@pytest.mark.parametrize(("words", "code"), [(["lift", "--no-such-option"], 2), (["recipes", "--lake", "gs://b/l"], 2)])
def test_a_failed_command_exits_with_its_code(
    words: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [ENTRY, *words])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(ENTRY, run_name="__main__")
    assert ended.value.code == code and capsys.readouterr().err


def test_gpus_are_listed_as_spark_reads_them(tmp_path: Path) -> None:
    assert subprocess.run(["bash", "-n", GPU_NODE], check=False).returncode == 0
    body = GPU_NODE.read_text().partition("<<'SCRIPT'\n")[2].partition("SCRIPT\n")[0]
    for name, text in (("find-gpus.sh", body), ("nvidia-smi", "#!/bin/sh\nprintf '0\\n1\\n'\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    told = subprocess.run([tmp_path / "find-gpus.sh"], capture_output=True, text=True, check=True, env=path)
    assert json.loads(told.stdout) == {"name": "gpu", "addresses": ["0", "1"]}
