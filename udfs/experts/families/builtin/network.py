"""One small convolutional network for all built-in experts; plain 3x3 convolutions, fast on CPUs."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 16
MASK_STRIDE = 2
CENTRE_STRIDE = 4
# RGB and the pixel's position: x and y from the middle in half diagonals
_INPUTS = 5
_MEASURED = 20
_FEW_CENTRES = 4.0


class NetworkShape(BaseModel):
    """Shape of the network; it is stored with the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[str, ...]
    colours: tuple[str, ...]
    likenesses: tuple[str, ...] = Field(default=("room", "other"), description="classes of images; rooms first")
    widths: tuple[int, int, int, int, int] = (32, 64, 128, 224, 320)
    blocks: tuple[int, int, int, int, int] = (0, 1, 2, 3, 2)
    decoder: tuple[int, int, int, int] = (32, 64, 128, 192)
    embedding: int = Field(default=4, description="free dimensions of the grouping, besides the two of the image")
    hidden: int = Field(default=256, description="of the classifier of one object")


def feature_count(shape: NetworkShape) -> int:
    """Return how many features `RoomNetwork.records` returns of an object."""
    return sum(shape.decoder[1:]) + _MEASURED


class _Unit(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )


class _Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _Unit(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class _Stage(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__(_Unit(inputs, outputs, 2), *(_Block(outputs) for _ in range(blocks)))


class _Context(nn.Module):
    """Adds the image's mean features to every position of the deepest level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(x.mean((2, 3)))[:, :, None, None]


class _Up(nn.Module):
    """Doubles the resolution and merges the encoder's level of that size."""

    def __init__(self, deep: int, skip: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(deep, outputs, 1, bias=False)
        self.skip = nn.Conv2d(skip, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.blocks = nn.Sequential(*(_Block(outputs) for _ in range(blocks)))

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        raised = F.interpolate(self.narrow(deep), skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.blocks(F.relu(self.norm(raised + self.skip(skip))))


class RoomNetwork(nn.Module):
    """RGB [b, 3, h, w] in 0..1, sides multiples of 16, to dense and global estimates (see `forward`)."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        w, d, n = shape.widths, shape.decoder, shape.blocks
        self.stages = nn.ModuleList(_Stage(i, o, k) for i, o, k in zip((_INPUTS, *w[:-1]), w, n, strict=True))
        self.context = _Context(w[4])
        self.ups = nn.ModuleList(
            (_Up(w[4], w[3], d[3], 1), _Up(d[3], w[2], d[2], 1), _Up(d[2], w[1], d[1], 1), _Up(d[1], w[0], d[0], 1))
        )
        # foreground, offset to the center (2), free embedding
        self.mask = nn.Conv2d(d[0], 3 + shape.embedding, 1)
        self.depth = nn.Conv2d(d[0], 2, 1)
        # center, free embedding, two log bandwidths
        self.centre = nn.Sequential(_Unit(d[1], d[1]), nn.Conv2d(d[1], 3 + shape.embedding, 1))
        self.names = nn.Sequential(_Unit(d[1], d[1]), nn.Conv2d(d[1], 1 + len(shape.kinds) + len(shape.colours), 1))
        # gravity (3) with its log concentration, log focal length with its log sigma, and their weight
        self.attitude = nn.Sequential(_Unit(d[3], d[3]), nn.Conv2d(d[3], 8, 1))
        self.likeness = nn.Linear(w[4] + w[3], len(shape.likenesses))
        self.object = nn.Sequential(
            nn.Linear(feature_count(shape), shape.hidden),
            nn.LayerNorm(shape.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(shape.hidden, shape.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(shape.hidden, len(shape.kinds) + len(shape.colours)),
        )

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        """Return float32 maps and estimates.

        `mask` [b, 3 + e, h/2, w/2]: foreground logit, offset to the object's center in half diagonals, embedding;
        `depth` [b, 2, h/2, w/2]: log of depth over focal length (m, focal length in half diagonals), log of its scale;
        `center` [b, 3 + e, h/4, w/4]: center logit, embedding, log bandwidths of image and embedding;
        `names` [b, 1 + kinds + colors, h/4, w/4] logits, background first; `gravity` [b, 3] unit, camera frame;
        `gravity_scale` [b] log of the expected angle in rad; `focal` [b, 2] log focal length in half diagonals and log
        scale; `gravity_cells` [b, 3, h/16, w/16]; `pooled` [b, c] for the filter; the levels for `objects`; and, but in
        training, `statistics` [b, s], mean and spread of every feature of the encoder, then of the decoder.
        """
        x = torch.cat([(rgb - 0.45) / 0.25, positions(rgb)], 1)
        levels: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        deep = self.context(levels[4])
        d16 = self.ups[0](deep, levels[3])
        d8 = self.ups[1](d16, levels[2])
        d4 = self.ups[2](d8, levels[1])
        d2 = self.ups[3](d4, levels[0])
        attitude = self.attitude(d16).float()
        return {
            "mask": self.mask(d2).float(),
            "depth": self.depth(d2).float(),
            "centre": self.centre(d4).float() - _rare(d4, 3 + self.shape.embedding),
            "names": self.names(d4).float(),
            **_attitude(attitude),
            "pooled": torch.cat([levels[4].mean((2, 3)), levels[3].mean((2, 3))], 1).float(),
            "d4": d4,
            "d8": d8,
            "d16": d16,
            **({} if self.training else {"statistics": _statistics([*levels, d16, d8, d4, d2])}),
        }

    @property
    def deep_statistics(self) -> slice:
        """Return where the deepest encoder level is in `statistics`."""
        first = 2 * sum(self.shape.widths[:-1])
        return slice(first, first + 2 * self.shape.widths[-1])

    def objects(self, out: dict[str, Tensor], rgb: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return kind logits [b, n, kinds] and color logits [b, n, colors] of objects by their masks.

        `masks` [b, n, h/4, w/4] in 0..1, soft; images with fewer objects than `n` are padded with empty masks.
        """
        return self.names_of(self.records(out, rgb, masks))

    def records(self, out: dict[str, Tensor], rgb: Tensor, masks: Tensor) -> Tensor:
        """Return what `names_of` needs of objects [b, n, r]: measured features and means over `masks`."""
        return torch.cat([_extras(out, rgb, masks, shares(masks)), *level_means(out, masks)], -1)

    def names_of(self, records: Tensor) -> tuple[Tensor, Tensor]:
        """Return kind logits [b, n, kinds] and color logits [b, n, colors] of objects by their records."""
        kinds, colours = self.object(records).float().split([len(self.shape.kinds), len(self.shape.colours)], -1)
        return kinds, colours


def _statistics(levels: list[Tensor]) -> Tensor:
    """Return mean and spread of the features of levels [b, c, h, w] as rows [b, s]."""
    found: list[Tensor] = []
    for level in levels:
        flat = level.float().flatten(2)
        found += [flat.mean(2), flat.std(2, correction=0)]
    return torch.cat(found, 1)


def _rare(level: Tensor, maps: int) -> Tensor:
    """Return an offset for the first of `maps` maps with which an untrained network expects few centers."""
    return torch.tensor([_FEW_CENTRES] + [0.0] * (maps - 1), device=level.device)[None, :, None, None]


def positions(image: Tensor) -> Tensor:
    """Return x and y of the pixel centers from the middle, in half diagonals [b, 2, h, w]."""
    height, width = image.shape[-2:]
    half = 0.5 * (height**2 + width**2) ** 0.5
    y = (torch.arange(height, device=image.device, dtype=torch.float32) + 0.5 - height / 2) / half
    x = (torch.arange(width, device=image.device, dtype=torch.float32) + 0.5 - width / 2) / half
    grid = torch.stack([x[None].expand(height, width), y[:, None].expand(height, width)])
    return grid[None].expand(len(image), -1, -1, -1)


def _attitude(cells: Tensor) -> dict[str, Tensor]:
    """Return the weighted means of the cells' gravity and focal length."""
    weights = cells[:, 6:8].flatten(2).softmax(-1)
    gravity = F.normalize(cells[:, :3] + cells.new_tensor([0.0, 1.0, 0.3])[None, :, None, None], dim=1)
    mean = (gravity.flatten(2) * weights[:, :1]).sum(-1)
    scalars = (cells[:, 3:6].flatten(2) * weights[:, [0, 1, 1]]).sum(-1)
    return {
        "gravity": F.normalize(mean, dim=1),
        "gravity_cells": gravity,
        "gravity_scale": scalars[:, 0] - 2.5,
        "focal": scalars[:, 1:3] + scalars.new_tensor([0.4, -1.5]),
    }


def shares(masks: Tensor) -> Tensor:
    """Return each mask [b, n, h, w] as shares [b, n, h * w] of its area."""
    flat = masks.flatten(2)
    return flat / flat.sum(-1, keepdim=True).clamp(min=1e-4)


def means(level: Tensor, share: Tensor) -> Tensor:
    """Return the mean features [b, n, c] of a level [b, c, h, w] by shares [b, n, h * w]."""
    return torch.bmm(share, level.float().flatten(2).transpose(1, 2))


def level_means(out: dict[str, Tensor], masks: Tensor) -> list[Tensor]:
    """Return the mean features [b, n, c] of the levels d4, d8 and d16 over masks [b, n, h/4, w/4]."""
    found = [means(out["d4"], shares(masks))]
    for name, factor in (("d8", 2), ("d16", 4)):
        found.append(means(out[name], shares(F.avg_pool2d(masks, factor, ceil_mode=True))))
    return found


def _extras(out: dict[str, Tensor], rgb: Tensor, masks: Tensor, share: Tensor) -> Tensor:
    """Return measured features [b, n, 20]: colors, position, extent and metric size."""
    small = F.avg_pool2d(rgb.float(), CENTRE_STRIDE)
    depth = F.avg_pool2d(out["depth"][:, :1].detach(), CENTRE_STRIDE // MASK_STRIDE)
    planes = torch.cat([small, positions(small), depth], 1)
    mean = means(planes, share)
    spread = (means(planes**2, share) - mean**2).clamp(min=1e-5).sqrt()
    # a square root of the area, and with the depth a length in m up to the focal length
    extent = ((masks.flatten(2).mean(-1, keepdim=True) + 1e-5).log() / 2).clamp(min=-5)
    log_depth = mean[..., 5:6]
    sizes = torch.cat([extent, spread[..., 3:5].log()], -1)
    tints = torch.stack([mean[..., 0] - mean[..., 1], mean[..., 1] - mean[..., 2], mean[..., :3].amax(-1)], -1)
    return torch.cat(
        [
            4 * mean[..., :3] - 2,
            8 * spread[..., :3],
            mean[..., 3:5],
            log_depth,
            spread[..., 5:6],
            sizes + 2,
            sizes + log_depth + 2,
            8 * tints[..., :2],
            2 * tints[..., 2:],
            mean[..., 4:5] * log_depth,
        ],
        -1,
    )
