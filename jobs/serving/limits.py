"""What one request may take, and how many there may be."""

from pydantic import BaseModel, ConfigDict, Field


class ServeLimits(BaseModel):
    """Limits of the server; what exceeds one is refused in one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=2, ge=1, le=64, description="processes that measure and answer")
    seconds: float = Field(default=60.0, gt=0, le=3600, description="time to measure an image, and to answer, s each")
    body_mb: float = Field(default=16.0, gt=0, le=1024, description="largest request, MB")
    pixels: int = Field(default=16_000_000, ge=1, description="largest image, width x height, px")
    requests: int = Field(default=64, ge=1, le=10_000, description="requests at once; the rest is told to come back")
    scenes: int = Field(default=64, ge=1, le=100_000, description="measured images kept in memory")
    read_seconds: float = Field(default=30.0, gt=0, description="time in which a request has to arrive, s")

    @property
    def body_bytes(self) -> int:
        """Return the largest request in bytes."""
        return round(self.body_mb * 2**20)

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes all requests together may hold."""
        return max(256 * 2**20, 2 * self.body_bytes)
