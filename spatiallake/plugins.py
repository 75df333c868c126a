"""Question types, experts, stages and file formats from modules of your own."""

import sys

from schemas.plugins import add_plugin


def register(*modules: str) -> None:
    """Let registries find what modules of these dotted names define, here and in Spark's workers.

    A module defines `QUESTION_TYPES`, `SLOTS` (a family of experts), `STAGE` or `FORMAT`. Register before anything
    else of spatiallake is used; workers must be able to import the modules too.

    Raises:
        schemas.plugins.PluginUnavailable: no such module, or a registry has been read without it.
    """
    for module in modules:
        add_plugin(module)
    if "pyspark" not in sys.modules:
        return
    from pyspark.sql import SparkSession

    from jobs.engine.session import share_plugins

    session = SparkSession.getActiveSession()
    if session is not None:
        share_plugins(session)
