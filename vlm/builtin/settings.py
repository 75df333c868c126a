"""Settings of `spatiallake train-experts`."""

from pydantic import BaseModel, ConfigDict, Field

from vlm.loop.optimizer import schedule


class TrainSettings(BaseModel):
    """Settings of a training; equal settings give equal weights on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str = Field(description="folder for packed examples, checkpoints, weights and the MLflow database")
    crawls: tuple[str, ...] = Field(default=(), description="rendered crawls to train on")
    lakes: tuple[str, ...] = Field(default=(), description="lakes whose images, depth and objects to train on")
    held_out: str | None = Field(
        default=None, description="rendered crawl for calibration and metrics, never trained on"
    )
    start: str | None = Field(
        default=None, description="checkpoint or weights file to start from; none: random weights"
    )
    steps: int = Field(default=6000, ge=0, description="optimizer steps; 0: the network of `start`, as it is")
    batch: int = Field(default=16, ge=2, description="images per step")
    seed: int = Field(default=0, ge=0)
    width: int = Field(default=192, ge=32, multiple_of=16, description="width of the training images, px")
    height: int = Field(default=144, ge=32, multiple_of=16, description="height of the training images, px")
    rate: float = Field(default=1.5e-3, gt=0, description="largest learning rate")
    weight_decay: float = Field(default=0.02, ge=0)
    warm_up: int = Field(default=300, ge=0, description="steps until the largest learning rate")
    cooldown: float = Field(
        default=0.35, gt=0, le=1, description="fraction of the steps over which the learning rate decays to 0"
    )
    average: float = Field(default=0.999, ge=0, lt=1, description="decay of the running mean of weights")
    replicas: int = Field(default=2, ge=1, le=64, description="threads that share each batch")
    half: bool = Field(default=True, description="compute in bfloat16 where that is lossless")
    checkpoint_every: int = Field(default=50, ge=1, description="steps")
    measure_every: int = Field(default=400, ge=1, description="steps")
    negatives: int = Field(default=200, ge=1, description="images of each kind of non-room for the filter")
    novelty: int = Field(default=600, ge=0, description="rooms that the novelty test is fitted to; 0: no test")
    refit_filter: bool = Field(default=False, description="fit filter and novelty test anew also without steps")
    names_steps: int = Field(default=3000, ge=0, description="optimizer steps of the namer; 0: no namer")
    names_batch: int = Field(default=128, ge=2, description="crops per step of the namer")
    crop_pixels: int = Field(default=48, ge=16, multiple_of=16, description="side of the namer's crops, px")
    measured: int = Field(default=200, ge=1, description="held-out images evaluated during training")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0: warm-up, constant, and a cosine down to zero."""
        return self.rate * schedule(step + 1, self.steps + 1, self.warm_up, max(self.steps * self.cooldown, 1.0))
