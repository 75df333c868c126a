"""The processes that train together, as their launcher started them."""

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from vlm.errors import SettingsUnusable
from vlm.loop.settings import LoopSettings

# Set by `accelerate launch`, and what each asks for.
_SHARDED = {
    "ACCELERATE_USE_FSDP": "FSDP",
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed ZeRO",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "a parallelism configuration",
}
_SHARDED_TYPES = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)
# Set by torchrun and by launchers of MPI: the number of processes, and that of this process.
_WORLD_SIZES = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


def open_world(settings: LoopSettings) -> Accelerator:
    """Return the accelerator of this process, which knows all processes of the launcher.

    Raises:
        SettingsUnusable: the launcher asks for a sharded model, or started processes that do not fit.
    """
    for name, strategy in _SHARDED.items():
        if os.environ.get(name, "").lower() in ("1", "true", "yes", "on"):
            raise _sharded(strategy)
    launched = max(_number(name) for name in _WORLD_SIZES)
    if launched > 1 and not any(name in os.environ for name in _RANKS):
        # It would wait for the others forever.
        raise SettingsUnusable(
            f"The environment names {launched} processes (WORLD_SIZE), but not which one this is (RANK); unset "
            "WORLD_SIZE, or start the processes with torchrun."
        )
    has_gpu = torch.accelerator.is_available()
    local = _number("LOCAL_WORLD_SIZE")
    if settings.device == "auto" and has_gpu and local > torch.accelerator.device_count():
        raise SettingsUnusable(
            f"The launcher started {local} processes on a machine with {torch.accelerator.device_count()} GPUs; start "
            "one process per GPU at most, or set loop.device=cpu."
        )
    # An earlier run in this process may have used another precision.
    AcceleratorState._reset_state()
    # Without `cpu`, the processes of a machine without a GPU would not know of each other.
    accelerator = Accelerator(cpu=settings.device == "cpu" or not has_gpu, mixed_precision=settings.mixed_precision)
    if accelerator.distributed_type in _SHARDED_TYPES:
        raise _sharded(accelerator.distributed_type.value)
    if launched != accelerator.num_processes:
        raise SettingsUnusable(
            f"The launcher started {launched} processes, but they form worlds of {accelerator.num_processes}, each of "
            "which would train a copy of its own; start them with torchrun, and with loop.device=cpu on CPUs."
        )
    return accelerator


def _number(name: str) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else 1


def _sharded(strategy: str) -> SettingsUnusable:
    return SettingsUnusable(
        f"The launcher asks for {strategy}, but training does not support models that are sharded over processes; "
        "start it with torchrun or without that strategy, and train larger models with model.lora and "
        "model.weights=bfloat16."
    )
