"""How a registry finds its members: one module each, in a package of spatiallake or in a plugin.

A plugin is any importable module. It is found in one of two ways: an installed distribution names it under an entry
point of the registry's group (`[project.entry-points."spatiallake.stages"]`), or the environment variable
SPATIALLAKE_PLUGINS lists it (comma-separated dotted names), which Spark's Python workers inherit too.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

PLUGINS_VARIABLE = "SPATIALLAKE_PLUGINS"
_LISTED: set[str] = set()


class PluginUnavailable(ImportError):
    """A plugin that is named but cannot be imported; the message says which and why."""


def modules_with(attribute: str, package: ModuleType, group: str) -> Iterator[ModuleType]:
    """Yield every module of `package`, then every plugin, that defines `attribute`.

    Modules of the package come in order of their names, plugins after them in the order in which
    they are named, each once.

    Raises:
        PluginUnavailable: a plugin cannot be imported.
    """
    _LISTED.add(group)
    own = [f"{package.__name__}.{module.name}" for module in iter_modules(package.__path__)]
    modules = [*map(import_module, own), *map(_plugin, plugin_names(group))]
    yield from (module for module in dict.fromkeys(modules) if hasattr(module, attribute))


def add_plugin(name: str) -> None:
    """Add a dotted module name to SPATIALLAKE_PLUGINS of this process and of those that it starts.

    Raises:
        PluginUnavailable: no such module, or a registry has been read without it.
    """
    named = [plugin for plugin in os.environ.get(PLUGINS_VARIABLE, "").split(",") if plugin.strip()]
    if name in named:
        return
    if _LISTED:
        raise PluginUnavailable(
            f"Plugin {name!r} is registered too late, after {', '.join(sorted(_LISTED))} were read; register it before "
            f"anything else, or start Python with {PLUGINS_VARIABLE}={name}."
        )
    try:
        found = find_spec(name)
    except ImportError:
        found = None
    if found is None:
        raise PluginUnavailable(
            f"No module {name!r} to register; install its package, or put its folder on PYTHONPATH, where workers "
            "find it too."
        )
    os.environ[PLUGINS_VARIABLE] = ",".join([*named, name])


def plugin_names(group: str) -> list[str]:
    """Return the dotted names of the plugins of one entry point group and of SPATIALLAKE_PLUGINS."""
    # A tenth of a second, which commands that read no registry do not wait for.
    from importlib.metadata import entry_points

    installed = sorted(point.module for point in entry_points(group=group))
    named = [name.strip() for name in os.environ.get(PLUGINS_VARIABLE, "").split(",")]
    return list(dict.fromkeys(name for name in (*installed, *named) if name))


def _plugin(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise PluginUnavailable(
            f"Plugin {name!r} cannot be imported ({error}); install its package where the driver "
            f"and the workers find it, or remove it from {PLUGINS_VARIABLE}."
        ) from error
