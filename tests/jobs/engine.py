"""Run the real `spatiallake` command, and read what it wrote without any of the product's code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

# Where there is no Java, nothing can start Spark.
NO_JAVA = {"JAVA_HOME": "/nowhere", "PATH": str(Path(sys.executable).parent)}
TABLES = (
    *("crawl", "images", "provenance", "near_duplicates", "image_scores", "regions", "depths", "scenes"),
    *("references", "qa_pairs", "qa_statistics", "object_statistics", "quarantine", "stage_runs", "recipes"),
)


def started(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    command, variables = [sys.executable, "-m", "spatiallake", *arguments], {**os.environ, **(environment or {})}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    # pytest's own timeout ends a run that hangs; how long one takes is no part of any test.
    stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def spatiallake(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = ended(started(*arguments, environment=environment))
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def table(lake: Path, name: str) -> pa.Table:
    return DeltaTable(str(lake / name)).to_pyarrow_table()


def versions(lake: Path) -> dict[str, int]:
    return {name: DeltaTable(str(lake / name)).version() for name in TABLES}
