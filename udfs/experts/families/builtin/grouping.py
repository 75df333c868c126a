"""Which pixels belong to which object: center votes and an embedding, compared with each object's own."""

from dataclasses import dataclass

import torch
from torch import Tensor

# At this vote distance an untrained network gives a pixel an affinity of one half: 0.08 half diagonals.
_LOG_BANDWIDTH = 4.7
_LOG_LIMIT = 4.0


@dataclass(frozen=True, eq=False)
class Queries:
    """Objects to group pixels to: `center` [b, n, 2] half diagonals, `embedding` [b, n, e], `bandwidth` [b, n, 2]."""

    centre: Tensor
    embedding: Tensor
    bandwidth: Tensor


def object_queries(maps: Tensor, cells: Tensor, centres: Tensor) -> Queries:
    """Return the queries at the objects' cells of the network's `center` maps [b, 3 + e, h, w].

    `cells` [b, n, 2] are columns and rows of the maps, `centres` [b, n, 2] the same positions in half diagonals.
    """
    places = cells[..., 1] * maps.shape[-1] + cells[..., 0]
    picked = maps.flatten(2).gather(2, places[:, None].expand(-1, maps.shape[1], -1)).transpose(1, 2)
    log_bandwidth = _LOG_LIMIT * torch.tanh(picked[..., -2:] / _LOG_LIMIT)
    bandwidth = torch.exp(log_bandwidth + log_bandwidth.new_tensor([_LOG_BANDWIDTH, -1.0]))
    return Queries(centres, picked[..., 1:-2], bandwidth)


def affinity(mask: Tensor, grid: Tensor, queries: Queries) -> Tensor:
    """Return the affinity of each pixel to each object [b, n, h, w], 0..1 (arXiv 1906.11109, with free dimensions).

    `mask` [b, 3 + e, h, w] are the network's `mask` maps and `grid` [b, 2, h, w] the pixels' positions.
    """
    votes = (mask[:, 1:3] + grid).flatten(2)
    near = _squares(votes, queries.centre) * queries.bandwidth[..., :1]
    alike = _squares(mask[:, 3:].flatten(2), queries.embedding) * queries.bandwidth[..., 1:]
    solid = mask[:, :1].flatten(2).sigmoid()
    return (torch.exp(-(near + alike)) * solid).unflatten(2, mask.shape[-2:])


def _squares(pixels: Tensor, objects: Tensor) -> Tensor:
    """Return squared distances [b, n, p] between pixels [b, d, p] and objects [b, n, d]."""
    return ((pixels[:, None] - objects[..., None]) ** 2).sum(2)
