"""What each expert stage requests for its tasks: GPUs, images per Arrow batch, files per micro-batch."""

from dataclasses import dataclass, replace

from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession

from jobs.engine.errors import UsageError
from udfs.experts.expert import ExpertSpec, is_isolated


@dataclass(frozen=True)
class StageResources:
    """Resources of one stage's tasks; `gpus_per_task` None means one GPU if the executors have GPUs, else none."""

    arrow_rows: int
    files_per_batch: int
    gpus_per_task: float | None = 0.0


# Rule-based experts only copy what the crawl carries: scores read no maps, regions and depth do.
_RULES = {
    "filter": StageResources(arrow_rows=64, files_per_batch=64),
    "context": StageResources(arrow_rows=64, files_per_batch=2),
    "depth": StageResources(arrow_rows=64, files_per_batch=8),
}
# Models take far longer than Spark, so micro-batches are large; Arrow batches are small, since a model that dies gets
# the images of its batch again, one at a time.
_LEARNED = StageResources(arrow_rows=32, files_per_batch=16, gpus_per_task=None)


def resources_of(slot: str, spec: ExpertSpec, gpus_per_task: float | None = None) -> StageResources:
    """Return what a stage with this expert asks for; `gpus_per_task` is the user's setting, if any."""
    if not is_isolated(slot, spec):
        return _RULES[slot]
    return _LEARNED if gpus_per_task is None else replace(_LEARNED, gpus_per_task=gpus_per_task)


def task_profile(session: SparkSession, gpus_per_task: float | None) -> ResourceProfile | None:
    """Return the profile of tasks with a GPU, or None where tasks need none or Spark gives every task one already.

    Only these tasks wait for GPUs: all other stages keep every core busy.

    Raises:
        UsageError: GPUs are asked for and the executors have none.
    """
    conf = session.sparkContext.getConf()
    held = float(conf.get("spark.executor.resource.gpu.amount", "0") or 0)
    if not held:
        if gpus_per_task:
            raise UsageError(
                f"gpus_per_task={gpus_per_task:g} needs executors with GPUs, but spark.executor.resource.gpu.amount is"
                " not set; see docs/gpus.md, or leave gpus_per_task out to run on CPUs."
            )
        return None
    if gpus_per_task == 0 or conf.get("spark.task.resource.gpu.amount") is not None:
        return None
    requests = TaskResourceRequests().cpus(1).resource("gpu", gpus_per_task or 1.0)
    return ResourceProfileBuilder().require(requests).build
