"""Build what a platform is given to run the engine: a wheel, an archive of its environment, and a script to submit.

    python -m infra.package --out build/package

writes into the folder

- `spatiallake-VERSION-py3-none-any.whl`, for Databricks and for environments that are already there,
- `environment.tar.gz`, for `spark-submit --archives environment.tar.gz#environment`: the wheel and what it needs, in
  the versions of uv.lock. Spark, which platforms bring, is not in it; the Python half of Delta Lake is.
- `spatiallake_main.py`, the file to submit, and the expert profiles of docs/profiles.

The archive holds no Python interpreter, as no virtual environment does. Machines need the same version of Python as the
one that builds it, at the place that `--node-python` names.

With `--cpu`, learned experts that work on CPUs run from the archive, and what only a GPU needs is left out of it. The
PyTorch of uv.lock is linked to CUDA's libraries, so about half of them stay: without them it cannot be imported.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BROUGHT = ("pyspark", "py4j")
# Works on the CPU and prints the libraries that this took; all others of CUDA are for GPUs.
_CPU_WORK = """
import torch, torchvision
torch.nn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 8, 8)).flatten() @ torch.zeros(288)
print(*{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}, sep="\\n")
"""
_MAX_TOLD = 500


class PackageError(Exception):
    """A step of the build failed; the message is one sentence."""


def package(
    out: Path, extras: Sequence[str] = (), node_python: Path | None = None, for_cpus: bool = False
) -> list[Path]:
    """Write the package to `out`, with the dependencies of `extras`, and return its files.

    `node_python` is the interpreter of the machines that will run it; without it, that of this process. `for_cpus`
    leaves out what only GPUs need.

    Raises:
        PackageError: uv is missing, or a step failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    wheel = _wheel(out)
    with tempfile.TemporaryDirectory(prefix="spatiallake-package-") as folder:
        environment = _environment(Path(folder), wheel, extras)
        if for_cpus:
            _leave_out_gpus(environment)
        _point_to(environment, node_python or Path(sys.executable).resolve())
        archive = out / "environment.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
            tar.add(environment, arcname=".")
    copied = [ROOT / "infra/spatiallake_main.py", *sorted((ROOT / "docs/profiles").glob("*.yaml"))]
    return [wheel, archive, *(Path(shutil.copy(file, out)) for file in copied)]


def uv_program() -> str | None:
    """Return where uv is: named by the variable UV, on the path, or in .tools, where `make` puts it."""
    return os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools/bin"))


def _wheel(out: Path) -> Path:
    for old in out.glob("spatiallake-*.whl"):
        old.unlink()
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out.resolve())])
    (wheel,) = out.glob("spatiallake-*.whl")
    return wheel


def _environment(folder: Path, wheel: Path, extras: Sequence[str]) -> Path:
    uv = uv_program()
    if uv is None:
        raise PackageError("uv is not installed; run `make setup`, or name it by the variable UV.")
    environment, requirements = folder / "environment", folder / "requirements.txt"
    left_out = [word for name in _BROUGHT for word in ("--no-emit-package", name)]
    chosen = [word for extra in ("spark", *extras) for word in ("--extra", extra)]
    locked = ["--frozen", "--no-dev", "--no-emit-project", *chosen, *left_out]
    _run([uv, "export", "--quiet", *locked, "--output-file", str(requirements)])
    _run([uv, "venv", "--quiet", "--no-project", "--relocatable", "--python", sys.executable, str(environment)])
    # Linked files would be links in the archive as well.
    install = [uv, "pip", "install", "--quiet", "--python", str(environment), "--no-deps", "--link-mode", "copy"]
    _run([*install, "--compile-bytecode", "--require-hashes", "--requirement", str(requirements)])
    _run([*install, "--compile-bytecode", str(wheel.resolve())])
    return environment


def _leave_out_gpus(environment: Path) -> None:
    """Remove the compiler for GPUs, and those libraries of CUDA that work on the CPU does not load."""
    (packages,) = environment.resolve().glob("lib/python*/site-packages")
    if not (packages / "torch").is_dir():
        return
    python = environment / "bin" / "python"
    _run([str(uv_program()), "pip", "uninstall", "--quiet", "--python", str(python), "triton"])
    loaded = set(_run([str(python), "-c", _CPU_WORK]).splitlines())
    for file in [*packages.glob("nvidia/**/*"), *packages.glob("triton/**/*")]:
        if file.is_file() and str(file) not in loaded:
            file.unlink()
    _run([str(python), "-c", _CPU_WORK])


def _point_to(environment: Path, interpreter: Path) -> None:
    """Let an environment use the interpreter that its machines have."""
    python = environment / "bin" / "python"
    python.unlink()
    python.symlink_to(interpreter)
    file = environment / "pyvenv.cfg"
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = [f"home = {interpreter.parent}" if line.startswith("home =") else line for line in lines]
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")


def _run(command: list[str]) -> str:
    """Run a command and return its standard output."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=kept)
    if done.returncode != 0:
        told = " ".join((done.stderr.strip() or done.stdout.strip() or "no output").split())
        raise PackageError(f"`{' '.join(command[:4])} ...` failed: {told[-_MAX_TOLD:]}")
    return done.stdout


def main() -> None:
    """Build the package that the command line asks for, and print its files with their sizes."""
    parser = argparse.ArgumentParser(description="Build the wheel, the environment archive and the script to submit.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to, such as build/package")
    parser.add_argument("--extra", action="append", default=[], help="extra to include, such as experts; repeatable")
    parser.add_argument("--node-python", type=Path, help="Python of the machines, such as /usr/bin/python3.11")
    parser.add_argument("--cpu", action="store_true", help="leave out what only GPUs need")
    options = parser.parse_args()
    try:
        files = package(options.out, options.extra, options.node_python, options.cpu)
    except PackageError as error:
        sys.exit(f"spatiallake: {error}")
    for file in files:
        print(f"{file} ({file.stat().st_size / 1e6:,.1f} MB)")


if __name__ == "__main__":
    main()
