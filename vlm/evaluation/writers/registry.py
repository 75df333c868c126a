"""Every layout that items can be written in, by name."""

from collections.abc import Callable, Iterable
from pathlib import Path

from vlm.evaluation.formats.rows import Unreadable
from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.writers import hf_messages, llava, lmms_eval, native, vlmevalkit, webdataset

WRITERS: dict[str, Callable[[Iterable[Item], Path], list[Rejected]]] = {
    "llava": llava.write,
    "hf_messages": hf_messages.write,
    "webdataset": webdataset.write,
    "lmms_eval": lmms_eval.write,
    "vlmevalkit": vlmevalkit.write,
    "spatiallake": native.write,
}


def write_items(name: str, items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write items in the layout called `name`; return those that were left out.

    Raises:
        Unreadable: there is no such layout.
    """
    if name not in WRITERS:
        raise Unreadable(f"There is no layout {name!r} to write items in; the layouts are {', '.join(WRITERS)}.")
    return WRITERS[name](items, path)
