"""The novelty test: how unlike an image is to the rooms that the network was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from udfs.experts.families.builtin.statistics import coarse_statistics, fine_statistics

# Squares of a distance beneath this say nothing.
_LEAST = 1e-9
# Standard scores beyond these say no more, so that no part outvotes the others.
_RANGE = (-1.0, 6.0)
_DEVIATION = 8.0


class NoveltyNotes(BaseModel):
    """How a test was fitted; it is stored with the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: float = Field(description="score above which an image is refused")
    rejected: float = Field(description="share of held-out rooms above the limit")
    rooms: int = Field(description="rooms that it was fitted on")
    held_out: int = Field(description="rooms that the limit was chosen on")


@dataclass(frozen=True, eq=False)
class NoveltyTest:
    """Four views of an image's features, each a standard score on held-out rooms, summed up.

    A linear score of all features tells rooms from rooms that were spoiled (`outlier_weight`). The other three are
    distances from rooms: of the coarse and of the fine statistics from their mean, and of the deepest level's features
    from the subspace that rooms span. `standard` [4, 2] holds median and spread of each on held-out rooms.
    """

    mean: Tensor
    scale: Tensor
    outlier_weight: Tensor
    coarse_axes: Tensor
    fine_axes: Tensor
    deep_axes: Tensor
    standard: Tensor

    def parts(self, found: "Features") -> Tensor:
        """Return the four scores of images [n, 4], not yet standard."""
        features = found.joined.to(self.mean)
        x = ((features - self.mean) / self.scale).clamp(-_DEVIATION, _DEVIATION)
        far = (features - self.mean) / self.scale
        coarse, fine, deep = (far[:, part] for part in (found.coarse_part, found.fine_part, found.deep_part))
        inside = ((deep @ self.deep_axes) ** 2).sum(1)
        rest = ((deep**2).sum(1) - inside).clamp(min=_LEAST)
        return torch.stack(
            [
                x @ self.outlier_weight,
                ((coarse @ self.coarse_axes) ** 2).mean(1).clamp(min=_LEAST).log(),
                ((fine @ self.fine_axes) ** 2).mean(1).clamp(min=_LEAST).log(),
                rest.log(),
            ],
            1,
        )

    def scores(self, found: "Features") -> Tensor:
        """Return how unlike rooms images are [n]."""
        standard = (self.parts(found) - self.standard[:, 0]) / self.standard[:, 1]
        clipped = standard.clamp(*_RANGE)
        # What was told apart from spoiled rooms counts twice.
        return clipped.sum(1) + clipped[:, 0]

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> "NoveltyTest":
        """Return the test with these tensors."""
        return cls(**tensors)


@dataclass(frozen=True, eq=False)
class Features:
    """Features of images: of the network's levels [n, c], `deep` of them the deepest of the encoder, and of pixels."""

    levels: Tensor
    coarse: Tensor
    fine: Tensor
    deep: slice

    @property
    def joined(self) -> Tensor:
        """Return all features in one row per image."""
        return torch.cat([self.levels, self.coarse, self.fine], 1)

    @property
    def deep_part(self) -> slice:
        """Return where the deepest encoder level's features are in `joined`."""
        return self.deep

    @property
    def coarse_part(self) -> slice:
        """Return where the coarse statistics are in `joined`."""
        return slice(self.levels.shape[1], self.levels.shape[1] + self.coarse.shape[1])

    @property
    def fine_part(self) -> slice:
        """Return where the fine statistics are in `joined`."""
        return slice(self.levels.shape[1] + self.coarse.shape[1], None)


def features_of(out: Mapping[str, Tensor], rgb: Tensor, full: NDArray[np.uint8], deep: slice) -> Features:
    """Return the features of one image: the network's outputs, its input [1, 3, h, w] in 0..1, and the full pixels."""
    small = rgb[0].permute(1, 2, 0).cpu().numpy()
    return Features(
        levels=out["statistics"].float().cpu(),
        coarse=torch.from_numpy(coarse_statistics(np.ascontiguousarray(small, np.float32)))[None],
        fine=torch.from_numpy(fine_statistics(full))[None],
        deep=deep,
    )


def stacked(found: list[Features]) -> Features:
    """Return the features of several images as one."""
    return Features(
        levels=torch.cat([one.levels for one in found]),
        coarse=torch.cat([one.coarse for one in found]),
        fine=torch.cat([one.fine for one in found]),
        deep=found[0].deep,
    )
