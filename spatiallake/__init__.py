"""Turn images into metric spatial questions and answers, and learn from them.

Open a lake, run its stages, compare crawls, measure one image in memory, register types and stages of your own,
feed a training loop, train, export and evaluate; docs/api.md shows each with an example. Nothing heavy is
imported before it is used: no Spark, PyTorch or NumPy comes with `import spatiallake` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spatiallake.shadowing import require_own_packages

if TYPE_CHECKING:
    from jobs.engine.errors import SpatialLakeError as SpatialLakeError
    from jobs.one_image.measured import Measured as Measured
    from jobs.one_image.measuring import ImageRejected as ImageRejected
    from jobs.one_image.measuring import measure as measure
    from jobs.views.drift import Drift as Drift
    from jobs.views.drift import drift as drift
    from spatiallake import rewards as rewards
    from spatiallake.lakes import OpenLake as OpenLake
    from spatiallake.lakes import open_lake as open_lake
    from spatiallake.learning import evaluate as evaluate
    from spatiallake.learning import export as export
    from spatiallake.learning import feed as feed
    from spatiallake.learning import train as train
    from spatiallake.plugins import register as register
    from spatiallake.running import backfill as backfill
    from spatiallake.running import retry as retry
    from spatiallake.running import run as run
    from spatiallake.running import use_recipe as use_recipe
    from udfs.questions.answer import Answer as Answer

    __version__: str

__all__ = [
    "Answer",
    "Drift",
    "ImageRejected",
    "Measured",
    "OpenLake",
    "SpatialLakeError",
    "__version__",
    "backfill",
    "drift",
    "evaluate",
    "export",
    "feed",
    "measure",
    "open_lake",
    "register",
    "retry",
    "rewards",
    "run",
    "train",
    "use_recipe",
]

_HOMES = {
    "Answer": "udfs.questions.answer",
    "Drift": "jobs.views.drift",
    "ImageRejected": "jobs.one_image.measuring",
    "Measured": "jobs.one_image.measured",
    "OpenLake": "spatiallake.lakes",
    "SpatialLakeError": "jobs.engine.errors",
    "backfill": "spatiallake.running",
    "drift": "jobs.views.drift",
    "evaluate": "spatiallake.learning",
    "export": "spatiallake.learning",
    "feed": "spatiallake.learning",
    "measure": "jobs.one_image.measuring",
    "open_lake": "spatiallake.lakes",
    "register": "spatiallake.plugins",
    "retry": "spatiallake.running",
    "run": "spatiallake.running",
    "train": "spatiallake.learning",
    "use_recipe": "spatiallake.running",
}
_MODULES = ("rewards",)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'spatiallake' has no attribute {name!r}")
    require_own_packages()
    if name == "__version__":
        from schemas.version import ENGINE_VERSION

        return ENGINE_VERSION
    if name in _MODULES:
        return import_module(f"spatiallake.{name}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
