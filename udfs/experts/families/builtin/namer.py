"""The namer: a small network that names one object from its crop and from what the room network says of it."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

_INPUTS = 4
# The log probability that the room network is taken to give to a mask that shows no single object.
NOTHING = -4.0
# Rooms are far fewer than objects, and records tell rooms apart.
_DROPPED = 0.5


class NamerShape(BaseModel):
    """Shape of a namer; it is stored with the weights.

    There is one more kind than names: a mask that shows no single object.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: int = Field(ge=1, description="names, without the one for no single object")
    colors: int = Field(ge=1)
    record: int = Field(ge=1, description="numbers from the room network, the log probabilities of its names first")
    size_px: int = Field(default=64, ge=16, multiple_of=16, description="side of a crop")
    widths: tuple[int, int, int, int] = (24, 48, 96, 192)
    blocks: tuple[int, int, int] = (1, 2, 2)
    hidden: int = 256


class _Block(nn.Module):
    """A residual block that is narrow in the middle."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = width // 2
        self.layers = nn.Sequential(*_unit(width, narrow, 1), *_unit(narrow, narrow, 3), *_unit(narrow, width, 1)[:2])

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


class ObjectNamer(nn.Module):
    """Crops and records to logits of kinds and of colors (see `forward`)."""

    def __init__(self, shape: NamerShape) -> None:
        super().__init__()
        self.shape = shape
        w = shape.widths
        stages: list[nn.Module] = [*_unit(_INPUTS, w[0], 3, 2)]
        for inputs, outputs, blocks in zip(w, w[1:], shape.blocks, strict=False):
            stages += [*_unit(inputs, outputs, 3, 2), *(_Block(outputs) for _ in range(blocks))]
        self.body = nn.Sequential(*stages)
        self.standard = nn.BatchNorm1d(shape.record, affine=False)
        self.mix = nn.Sequential(
            nn.Linear(3 * w[3] + shape.record, shape.hidden),
            nn.BatchNorm1d(shape.hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(_DROPPED),
            nn.Linear(shape.hidden, shape.kinds + 1 + shape.colors),
        )
        # trust in the kinds and in the colors of the room network
        self.trust = nn.Parameter(torch.ones(2))

    def forward(self, crops: Tensor, records: Tensor) -> tuple[Tensor, Tensor]:
        """Return kind logits [n, kinds + 1], no single object last, and color logits [n, colors].

        `crops` [n, 4, size, size] in 0..1, RGB and mask; `records` [n, record] (`decoding.records_of`).
        """
        level = self.body((crops - 0.45) / 0.25)
        inside = F.adaptive_avg_pool2d(crops[:, 3:], level.shape[-2:])
        share = inside / inside.sum((2, 3), keepdim=True).clamp(min=1e-4)
        known = F.dropout(self.standard(records), _DROPPED, self.training)
        seen = [level.mean((2, 3)), (level * share).sum((2, 3)), level.amax((2, 3)), known]
        logits = self.mix(torch.cat(seen, 1))
        kinds, colors = logits.split([self.shape.kinds + 1, self.shape.colors], 1)
        named = self.trust[0] * F.pad(records[:, : self.shape.kinds], (0, 1), value=NOTHING)
        tinted = self.trust[1] * records[:, self.shape.kinds : self.shape.kinds + self.shape.colors]
        return kinds + named, colors + tinted
