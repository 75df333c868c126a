"""The wheel works in an environment that has the dependencies and no source tree."""

import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from scenes.crawl import write_crawl

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spatiallake", "schemas", "udfs", "jobs", "scenes", "vlm")
MEASURE = """
import spatiallake
from pathlib import Path
image = min(Path("rooms/images").rglob("*.jpg"))
for answer in spatiallake.measure(image).answers:
    print(answer["question"], answer["answer"])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; dependencies come from this one's folder, whose own .pth files are not read."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=True, symlinks=True)
    install = [place / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel]
    subprocess.run(install, check=True, capture_output=True, env=plain_environment(), timeout=300)
    (packages,) = (place / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return place


def plain_environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SPATIALLAKE", "COV"))}
    return {**kept, **variables}


def run(*command: str | Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=plain_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tree = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == tree
    assert {Path(name).suffix for name in held} >= {".yaml", ".html", ".safetensors", ".properties", ".typed"}


def test_the_package_and_both_commands_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    told = run(installed / "bin/python", "-c", "import spatiallake; print(spatiallake.__file__)", folder=tmp_path)
    assert Path(told.stdout.strip()).is_relative_to(installed)
    for command in ((installed / "bin/spatiallake",), (installed / "bin/python", "-m", "spatiallake")):
        assert run(*command, "--version", folder=tmp_path).stdout == f"spatiallake {version('spatiallake')}\n"
    shown = run(installed / "bin/spatiallake", "--help", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    for name in ("run", "synthesize", "preview", "train", "evaluate"):
        assert f" {name} " in shown.stdout


def test_one_image_is_measured_by_the_networks_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "rooms"), 1, 7, width=320, height=240)
    done = run(installed / "bin/python", "-c", MEASURE, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 5


def test_the_wheel_brings_no_spark_of_its_own_and_says_what_is_missing(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = [line for line in archive.read(name).decode().splitlines() if line.startswith("Requires-Dist")]
    assert all("extra == 'spark'" in line for line in required if "pyspark" in line or "delta-spark" in line)
    assert any("pyspark" in line for line in required)
    venv.create(tmp_path / "bare", with_pip=True, symlinks=True)
    install = [tmp_path / "bare/bin/python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel]
    subprocess.run(install, check=True, capture_output=True, env=plain_environment(), timeout=300)
    done = run(tmp_path / "bare/bin/spatiallake", "--help", folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("spatiallake: PySpark is not installed;") and "spatiallake[spark]" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_project_with_a_package_of_the_same_name_is_told_so(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    done = run(installed / "bin/spatiallake", "--help", folder=tmp_path, PYTHONPATH=".")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert f"{tmp_path / 'jobs'} shadows spatiallake's own package 'jobs'" in done.stderr
