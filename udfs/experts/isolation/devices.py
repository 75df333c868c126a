"""The device that a task's model runs on: the GPU that Spark gave the task, else the CPU."""

from pyspark import TaskContext


def task_device() -> str:
    """Return `cuda:N`, N being the address of the task's GPU, or `cpu` when Spark gave it none."""
    context = TaskContext.get()
    gpu = context.resources().get("gpu") if context else None
    return f"cuda:{gpu.addresses[0]}" if gpu else "cpu"
