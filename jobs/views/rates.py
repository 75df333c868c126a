"""Measured costs of stages by the engine that does the work: Spark, or a command without it; and prices of machines."""

from datetime import date
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from schemas.settings import Settings

_RATES = Path(__file__).with_name("rates.yaml")


class Instance(Settings):
    """A machine to rent."""

    vcpus: int = Field(gt=0)
    gpus: int = Field(ge=0)
    usd_per_hour: float = Field(ge=0)


class EngineRates(Settings):
    """Processor time of a run in one engine: of its start, and per image that reaches a stage; of experts by family."""

    measured_on: date
    machine: str
    start_cpu_s: float
    cpu_ms_per_image: dict[str, float]
    expert_cpu_ms_per_image: dict[str, dict[str, float]]


class Rates(Settings):
    """Measured costs, as `rates.yaml` explains them."""

    spark: EngineRates
    without_spark: EngineRates
    bytes_per_image: dict[str, float]
    instances: dict[str, Instance]

    def of(self, without_spark: bool) -> EngineRates:
        """Return the rates of the engine that does the work."""
        return self.without_spark if without_spark else self.spark


@cache
def measured_rates() -> Rates:
    """Return the rates that are part of the package."""
    return Rates.model_validate(yaml.safe_load(_RATES.read_text()))
