"""Files that were made from a lake and lie outside it, noted in the lake so that a takedown can name them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pyarrow import fs

from schemas.table import ENGINE_VERSION
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import absolute, is_s3, normalized

_FOLDER = "_exports"


@dataclass(frozen=True)
class Export:
    """What was written where and when; `image_ids` None stands for any image of the lake."""

    kind: str
    path: str
    made_at: str
    image_ids: tuple[str, ...] | None = None
    engine_version: str = ENGINE_VERSION


def note_export(lake_uri: str, kind: str, path: str, image_ids: Iterable[str] | None = None) -> bool:
    """Note an export in its lake; return False where the lake cannot be written, as one that is only read."""
    ids = None if image_ids is None else tuple(sorted(set(image_ids)))
    export = Export(kind, absolute(path), datetime.now(UTC).isoformat(" ", "seconds"), ids)
    root = normalized(lake_uri)
    # What is written to the same place again takes the place of its note.
    name = hashlib.sha256(f"{kind} {export.path}".encode()).hexdigest()[:32]
    try:
        files = filesystem_of(root)
        if not is_s3(root) and files.get_file_info(root).type != fs.FileType.Directory:
            return False
        files.create_dir(f"{path_of(root)}/{_FOLDER}")
        with files.open_output_stream(f"{path_of(root)}/{_FOLDER}/{name}.json", compression=None) as stream:
            stream.write(json.dumps(asdict(export)).encode())
    except OSError:
        return False
    return True


def noted_exports(lake_uri: str) -> list[Export]:
    """Return the exports that a lake knows of, oldest first; a note that cannot be read is left out."""
    root = normalized(lake_uri)
    files = filesystem_of(root)
    listed = files.get_file_info(fs.FileSelector(f"{path_of(root)}/{_FOLDER}", allow_not_found=True))
    read = [_read(files, one.path) for one in listed if one.base_name.endswith(".json")]
    return sorted((one for one in read if one is not None), key=lambda one: (one.made_at, one.path))


def _read(files: fs.FileSystem, path: str) -> Export | None:
    try:
        with files.open_input_stream(path, compression=None) as stream:
            fields = json.loads(stream.read())
        ids = fields.pop("image_ids")
        return Export(**fields, image_ids=None if ids is None else tuple(ids))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
