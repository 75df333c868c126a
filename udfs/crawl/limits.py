"""The settings of ingest: the limits that every entry of a crawl is checked against."""

from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.settings import Settings
from udfs.storage.locations import normalized

LicenceName = Annotated[str, Field(min_length=1)]


class IngestSettings(Settings):
    """Limits of a crawl's files and texts; what exceeds one is rejected alone, with a reason."""

    max_file_bytes: int = Field(default=64 * 2**20, ge=1, description="largest image, depth or instance file, bytes")
    max_pixels: int = Field(default=100_000_000, ge=1, description="largest image, width x height, px")
    max_map_pixels: int = Field(
        default=36_000_000, ge=1, description="largest depth or instance map, width x height, px"
    )
    max_objects: int = Field(default=1_000, ge=1, description="objects of one image; those listed later are left out")
    max_text_chars: int = Field(default=10_000, ge=1, description="longest text of a row, characters")
    allowed_roots: tuple[Annotated[str, AfterValidator(normalized)], ...] = Field(
        default=(),
        description="folders and prefixes besides the crawl's own that its rows may name files in",
    )
    licences_allowed: tuple[LicenceName, ...] = Field(
        default=(),
        description="licenses that an image must have, such as [CC0-1.0, CC-BY]; none: any, also an unknown one",
    )
    licences_denied: tuple[LicenceName, ...] = Field(
        default=(), description="licenses that refuse an image; CC-BY-NC stands for all its versions"
    )
    refused_robots: tuple[str, ...] = Field(
        default=("noai", "noimageai", "noindex", "noimageindex", "tdm-reservation"),
        description="opt-out directives that refuse an image",
    )
