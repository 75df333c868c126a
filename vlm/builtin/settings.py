"""Settings of `spatiallake train-experts`."""

from pydantic import BaseModel, ConfigDict, Field

from vlm.loop.optimizer import schedule


class TrainSettings(BaseModel):
    """What to train on, how long, and what decides the result: equal settings give equal weights on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str = Field(description="folder of the packed examples, checkpoints, weights and MLflow's database")
    crawls: tuple[str, ...] = Field(default=(), description="rendered crawls to learn from")
    lakes: tuple[str, ...] = Field(default=(), description="lakes whose images, depth and objects to learn from")
    held_out: str | None = Field(default=None, description="rendered crawl to measure on, never learned from")
    start: str | None = Field(default=None, description="checkpoint or weights file to start from, else from nothing")
    steps: int = Field(default=6000, ge=1, description="updates of the weights")
    batch: int = Field(default=16, ge=2, description="images per update")
    seed: int = Field(default=0, ge=0)
    width: int = Field(default=192, ge=32, multiple_of=16, description="px of the images learned from")
    height: int = Field(default=144, ge=32, multiple_of=16, description="px")
    rate: float = Field(default=1.5e-3, gt=0, description="largest learning rate")
    weight_decay: float = Field(default=0.02, ge=0)
    warm_up: int = Field(default=300, ge=0, description="updates until the largest learning rate")
    cooldown: float = Field(default=0.35, gt=0, le=1, description="share of the updates over which the rate falls to 0")
    average: float = Field(default=0.999, ge=0, lt=1, description="of the running mean of weights that is kept")
    replicas: int = Field(default=2, ge=1, le=64, description="parts of a batch that are worked on at the same time")
    half: bool = Field(default=True, description="bfloat16 where that loses nothing")
    checkpoint_every: int = Field(default=50, ge=1, description="updates")
    measure_every: int = Field(default=400, ge=1, description="updates")
    negatives: int = Field(default=200, ge=1, description="images of each kind of non-room for the filter")
    measured: int = Field(default=200, ge=1, description="held-out images measured while training")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0: warm-up, constant, and a cosine down to zero."""
        return self.rate * schedule(step + 1, self.steps + 1, self.warm_up, max(self.steps * self.cooldown, 1.0))
