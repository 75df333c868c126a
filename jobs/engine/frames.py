"""Tells lakes whose images are upright from those of earlier versions, which kept them as stored."""

from jobs.engine.delta_log import opened
from jobs.engine.errors import LakeUnreadable
from schemas.images import FRAME, IMAGES
from udfs.storage.locations import UnservedLocation, normalized


def require_upright(uri: str) -> None:
    """Refuse to mix frames: a lake of an earlier version may hold depth, masks and sizes of stored pixels.

    Raises:
        LakeUnreadable: an image of such a lake has an EXIF orientation; the message says how many have.
    """
    try:
        location = f"{normalized(uri)}/{IMAGES.name}"
    except UnservedLocation:
        return
    table = opened(location)
    if table is None or FRAME in table.metadata().configuration:
        return
    turned = table.to_pyarrow_table(columns=["image_id"], filters=[("exif_orientation", ">", 1)])["image_id"]
    if len(turned):
        raise LakeUnreadable(
            f"{uri} holds {len(turned):,} images with an EXIF orientation, such as {turned[0].as_py()[:12]}, that an "
            "earlier version ingested without turning them upright; ingest the crawl into a new lake."
        )
