"""Data-parallel threads: replicas share weights but not batch statistics."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from udfs.experts.families.builtin.network import RoomNetwork
from vlm.builtin.batches import batch_of, drawn
from vlm.builtin.losses import losses, total
from vlm.builtin.pack import Pack
from vlm.builtin.settings import TrainSettings


class Replicas:
    """Copies of a network that share its parameters, each in a thread.

    PyTorch's own threads spin while they wait, which costs a shared machine more than half of its throughput.
    """

    def __init__(self, network: RoomNetwork, settings: TrainSettings) -> None:
        self.settings = settings
        self.parameters = list(network.parameters())
        self.networks = [network, *(_sharing(network) for _ in range(settings.replicas - 1))]
        self.pool = ThreadPoolExecutor(settings.replicas)
        self.sums = [torch.zeros_like(parameter) for parameter in self.parameters]
        for parameter, gradient in zip(self.parameters, self.sums, strict=True):
            parameter.grad = gradient

    def gradients(self, pack: Pack, step: int) -> dict[str, float]:
        """Set the gradients of a step and return its losses, both averaged over the replicas."""
        examples = drawn(pack.count, self.settings.batch, self.settings.seed, step)
        parts = np.array_split(examples, len(self.networks))
        jobs = [self.pool.submit(self._part, i, pack, part, step) for i, part in enumerate(parts)]
        results = [job.result() for job in jobs]
        # Summed in place, since new tensors would cost as much as the optimizer step.
        for place, own in enumerate(self.sums):
            own.zero_()
            for gradients, _ in results:
                own.add_(gradients[place], alpha=1 / len(results))
        names = sorted({name for _, values in results for name in values})
        return {name: float(np.mean([v[name] for _, v in results if name in v])) for name in names}

    def _part(self, place: int, pack: Pack, part: np.ndarray, step: int) -> tuple[tuple[Tensor, ...], dict[str, float]]:
        torch.set_num_threads(1)
        rng = np.random.default_rng([self.settings.seed, step, place])
        batch = batch_of(pack, part, rng)
        phase = (int(rng.integers(2)), int(rng.integers(2)))
        found = losses(self.networks[place], batch, phase, self.settings.half)
        loss = total(found)
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True, materialize_grads=True)
        return gradients, {
            **{name: float(value.detach()) for name, value in found.items()},
            "loss": float(loss.detach()),
        }


def _sharing(network: RoomNetwork) -> RoomNetwork:
    twin = copy.deepcopy(network)
    own = dict(network.named_parameters())
    for name, _ in list(twin.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        setattr(twin.get_submodule(owner), leaf, own[name])
    return twin
