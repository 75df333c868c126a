"""The entry: it names what shadows our packages, and imports nothing heavy before it is needed."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "pyspark",
    "torch",
    "numpy",
    "boto3",
    "pyarrow",
    "pandas",
    "deltalake",
    "cv2",
    "scipy",
    "duckdb",
    "transformers",
)
LISTING = f"print('heavy:', *(name for name in {HEAVY} if name in sys.modules))"


def python(*arguments: str, folder: Path, path: str = str(ROOT)) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def heavy_after(folder: Path, *arguments: str) -> str:
    code = (
        f"import runpy, sys; sys.argv = ['spatiallake', *{arguments!r}]\n"
        f"try:\n    runpy.run_module('spatiallake', run_name='__main__')\nexcept SystemExit:\n    {LISTING}"
    )
    return python("-c", code, folder=folder).stdout.splitlines()[-1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a package `jobs` of its own."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    return tmp_path


def test_a_foreign_package_on_the_path_is_named_with_the_remedy(project: Path) -> None:
    done = python("-P", "-m", "spatiallake", "--help", folder=project, path=f".{os.pathsep}{ROOT}")
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        f"spatiallake: {project / 'jobs'} shadows spatiallake's own package 'jobs'; take {project} out of PYTHONPATH."
    ]


def test_a_foreign_package_in_the_current_folder_is_named_with_the_remedy(project: Path) -> None:
    done = python("-m", "spatiallake", "--help", folder=project)
    assert done.returncode == 3
    sentence = f"{project / 'jobs'} shadows spatiallake's own package 'jobs'; run the command from another folder."
    assert done.stderr.splitlines() == [f"spatiallake: {sentence}"]


def test_a_foreign_module_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "schemas.py").touch()
    done = python("-m", "spatiallake", "--version", folder=tmp_path)
    assert done.returncode == 3
    assert f"{tmp_path / 'schemas.py'} shadows spatiallake's own package 'schemas'" in done.stderr


def test_a_folder_that_is_no_package_shadows_nothing(tmp_path: Path) -> None:
    for name in ("jobs", "schemas", "vlm"):
        (tmp_path / name).mkdir()
    done = python("-m", "spatiallake", "--version", folder=tmp_path, path=f".{os.pathsep}{ROOT}")
    assert (done.returncode, done.stdout) == (0, f"spatiallake {version('spatiallake')}\n")


def test_the_python_package_names_a_foreign_package_too(project: Path) -> None:
    done = python("-c", "import spatiallake; spatiallake.measure", folder=project)
    assert "PackageShadowed" in done.stderr
    assert f"{project / 'jobs'} shadows" in done.stderr


def test_importing_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    done = python(
        "-c", f"import spatiallake, sys; dir(spatiallake); spatiallake.__version__; {LISTING}", folder=tmp_path
    )
    assert done.stdout == "heavy:\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--version",),
        ("--help",),
        ("preview", "--help"),
        ("run", "--help"),
        ("recipes", "use", "--help"),
        ("no-such-command",),
        ("evaluate", "--no-such-option"),
        ("lift", "--no-such-option"),
        ("train", "--steps", "many"),
        ("ask", "missing.jpg", "How tall is the lamp?"),
        ("reason", "missing.jpg", "How tall is the lamp?"),
        ("preview", "--lake", "missing"),
        ("sql", "SELECT 1", "--lake", "missing"),
    ],
)
def test_help_and_mistakes_import_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert heavy_after(tmp_path, *arguments) == "heavy:"


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = python("-m", "spatiallake", "--plugin", "no.such.module", "sql", "SELECT 1", folder=tmp_path)
    assert done.returncode == 3
    assert "No module 'no.such.module' to register" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_version_of_the_metadata_is_the_only_one(tmp_path: Path) -> None:
    code = (
        "import spatiallake; from schemas.table import ENGINE_VERSION; print(spatiallake.__version__, ENGINE_VERSION)"
    )
    assert python("-c", code, folder=tmp_path).stdout.split() == [version("spatiallake")] * 2
