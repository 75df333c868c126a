"""Do `schemas`, `udfs`, `jobs`, `scenes` and `vlm` come from this distribution, and is Spark there?"""

import os
from importlib.util import find_spec
from pathlib import Path

OWN_PACKAGES = ("schemas", "udfs", "jobs", "scenes", "vlm")
_ROOT = Path(__file__).resolve().parents[1]


class PackageShadowed(ImportError):
    """Another file or folder answers to the name of one of our packages; the message says which."""


class SparkMissing(ImportError):
    """Neither a platform nor the extra `spark` brings PySpark and Delta Lake; the message says what to install."""


def require_own_packages() -> None:
    """Check that every package of ours is the one beside this file, and that Spark and Delta Lake can be imported.

    Raises:
        PackageShadowed: another one comes first on the path, or ours is missing.
        SparkMissing: there is no PySpark, or no Delta Lake for it.
    """
    for name, what in (("pyspark", "PySpark"), ("delta", "Delta Lake's Python package")):
        if find_spec(name) is None:
            raise SparkMissing(
                f"{what} is not installed; a platform such as Databricks brings it, elsewhere run `pip install"
                " 'spatiallake[spark]'`."
            )
    for name in OWN_PACKAGES:
        spec = find_spec(name)
        if spec is None:
            raise PackageShadowed(f"The package {name!r} is missing from {_ROOT}; install spatiallake again.")
        places = list(spec.submodule_search_locations or ()) or [spec.origin or name]
        place = Path(places[0]).resolve()
        if place != _ROOT / name:
            raise PackageShadowed(f"{place} shadows spatiallake's own package {name!r}; {_remedy(place.parent)}.")


def _remedy(folder: Path) -> str:
    entries = [Path(entry or ".").resolve() for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    if "PYTHONPATH" in os.environ and folder in entries:
        return f"take {folder} out of PYTHONPATH"
    return "run the command from another folder" if folder == Path.cwd() else f"take {folder} off Python's path"
