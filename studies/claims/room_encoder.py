"""The built-in network as a vision tower: tokens of the picture's cells, and of the objects that it groups."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from udfs.experts.families.builtin.decoding import Thresholds, claimed, objects_of
from udfs.experts.families.builtin.network import (
    CENTRE_STRIDE,
    MASK_STRIDE,
    STRIDE,
    NetworkShape,
    RoomNetwork,
    level_means,
    means,
    positions,
    shares,
)
from udfs.experts.families.builtin.weights import load_network

_GEOMETRY = 12
# Of x, y and the log of distance: sines and cosines at each of these multiples of a quarter turn.
_WAVES = (1, 2, 4, 8)
_WAVE_FEATURES = 3 * 2 * len(_WAVES)
_MOST_STD = 6.0
# Hundreds of features of deviation 1 would move a projector by far more than a learning rate for words is meant to.
_SCALE = 0.05


class RoomTowerConfig(PreTrainedConfig):
    """A tower's network, how many objects it gives tokens of, and the side of the cells, a multiple of 16 px."""

    model_type = "spatiallake_room_tower"

    def __init__(
        self,
        shape: dict[str, Any] | None = None,
        thresholds: dict[str, float] | None = None,
        objects: int = 24,
        patch_size: int = 48,
        image_size: tuple[int, int] = (144, 192),
        **kwargs: Any,
    ) -> None:
        self.shape = shape or {"kinds": ["thing"], "colours": ["grey"]}
        self.thresholds = thresholds or {}
        self.objects = objects
        self.extra_tokens = objects
        self.image_size = list(image_size)
        self.patch_size = patch_size
        network = NetworkShape.model_validate(self.shape)
        names = len(network.kinds) + len(network.colours)
        self.cell_features = network.decoder[3] + 1 + names + 5
        self.object_features = network.decoder[1] + network.decoder[2] + network.decoder[3] + names + _GEOMETRY
        self.hidden_size = self.cell_features + self.object_features + _WAVE_FEATURES + 2
        super().__init__(**kwargs)

    @property
    def named_features(self) -> dict[int, str]:
        """Return features of objects that are chances of a kind or a colour by their place, with its name."""
        network = NetworkShape.model_validate(self.shape)
        first = self.cell_features + network.decoder[1] + network.decoder[2] + network.decoder[3]
        return {first + place: name for place, name in enumerate((*network.kinds, *network.colours))}

    @property
    def object_feature(self) -> int:
        """Return the place of the feature that is 1 in tokens of objects and 0 in all others."""
        return self.hidden_size - 2


class RoomTower(PreTrainedModel):
    """RGB [b, 3, h, w] in 0..1 to tokens [b, h/p * w/p + objects, hidden_size], p the patch size.

    Cells come first, by row, then objects, best first.
    A token is either of a cell or of an object, and zero where the other's features are; objects that are not there are
    all zero. Masks of objects come from the network's own grouping, and no gradient flows through which pixel is whose.
    Batch normalisation always uses the statistics of the network's own training.
    """

    config_class = RoomTowerConfig
    main_input_name = "pixel_values"
    base_model_prefix = "room_tower"
    _supports_sdpa = True

    def __init__(self, config: RoomTowerConfig) -> None:
        super().__init__(config)
        self.network = RoomNetwork(NetworkShape.model_validate(config.shape))
        self.limits = Thresholds(**config.thresholds)
        self.cell_mean = nn.Buffer(torch.zeros(config.cell_features))
        self.cell_std = nn.Buffer(torch.ones(config.cell_features))
        self.object_mean = nn.Buffer(torch.zeros(config.object_features))
        self.object_std = nn.Buffer(torch.ones(config.object_features))
        self.post_init()
        self.train()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave the network as it was made: its weights are loaded, or trained elsewhere."""

    def train(self, mode: bool = True) -> "RoomTower":
        """Set the mode of everything but batch normalisation."""
        super().train(mode)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutput:
        """Return the tokens as the only hidden state; in full precision, for places and lengths need it."""
        with torch.autocast(pixel_values.device.type, enabled=False):
            cells, objects, there = self.features(pixel_values)
        cells = _scaled(cells, self.cell_mean, self.cell_std)
        known = torch.cat([_scaled(objects, self.object_mean, self.object_std), _waves(objects)], -1)
        known = torch.cat([known, torch.ones_like(known[..., :1])], -1) * there[..., None]
        of_cells = torch.cat([F.pad(cells, (0, known.shape[-1])), torch.ones_like(cells[..., :1])], -1)
        of_objects = F.pad(known, (cells.shape[-1], 1))
        tokens = torch.cat([of_cells, of_objects], 1)
        return BaseModelOutput(last_hidden_state=tokens, hidden_states=(tokens,))

    def middles(self, tokens: Tensor) -> Tensor:
        """Return where tokens of objects are [.., objects, 2], x and y from the picture's middle in half diagonals.

        Infinite where there is no object; for tokens [.., t, hidden_size].
        """
        own = tokens[..., -self.config.objects :, :]
        last = self.config.cell_features + self.config.object_features
        scaled = own[..., last - 4 : last - 2] / _SCALE
        found = scaled * self.object_std[-4:-2] + self.object_mean[-4:-2]
        return found.masked_fill(own[..., self.config.object_feature, None] == 0, torch.inf)

    def features(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return unscaled features of cells [b, c, f] and of objects [b, n, g], and which objects are there [b, n]."""
        out = self.network(rgb.contiguous(memory_format=torch.channels_last))
        found = objects_of(self.network, out, rgb, self.limits)
        masks = rgb.new_zeros(len(rgb), self.config.objects, *out["mask"].shape[-2:])
        for place, one in enumerate(found):
            own = (one.soft * claimed(one.soft, self.limits.pixel))[: self.config.objects]
            masks[place, : len(own)] = own
        there = (masks.flatten(2).amax(-1) > 0).to(rgb.dtype)
        return self._cells(out), self._objects(out, rgb, masks), there

    def _cells(self, out: dict[str, Tensor]) -> Tensor:
        size = (out["d16"].shape[2], out["d16"].shape[3])
        names = F.adaptive_max_pool2d(_chances(out["names"], len(self.network.shape.kinds)), size)
        log_depth = out["depth"][:, :1] + out["focal"][:, :1, None, None]
        planes = [
            out["d16"].float(),
            names,
            F.adaptive_avg_pool2d(log_depth, size),
            F.adaptive_avg_pool2d(out["mask"][:, :1].sigmoid(), size),
            F.adaptive_max_pool2d(out["centre"][:, :1].sigmoid(), size),
            positions(out["d16"]),
        ]
        cells = F.avg_pool2d(torch.cat(planes, 1), self.config.patch_size // STRIDE)
        return cells.flatten(2).transpose(1, 2)

    def _objects(self, out: dict[str, Tensor], rgb: Tensor, masks: Tensor) -> Tensor:
        coarse = F.avg_pool2d(masks, CENTRE_STRIDE // MASK_STRIDE)
        kinds, colours = self.network.objects(out, rgb, coarse)
        dense = means(_chances(out["names"], len(self.network.shape.kinds))[:, 1:], shares(coarse))
        whole = torch.cat([kinds.softmax(-1), colours.softmax(-1)], -1)
        return torch.cat([*level_means(out, coarse), (whole + dense) / 2, _geometry(out, masks)], -1)


def _geometry(out: dict[str, Tensor], masks: Tensor) -> Tensor:
    """Return where objects are and how large [b, n, 12].

    In m and level with the ground: right, up and ahead of the middle, and their spreads; the logs of distance in m and
    of the share of the picture; in half diagonals of the picture: x, y and their spreads.
    """
    grid = positions(masks)
    over_focal = out["depth"][:, :1].clamp(-6, 6).exp()
    points = torch.cat([grid * over_focal, over_focal * out["focal"][:, :1, None, None].exp()], 1)
    down = out["gravity"]
    ahead = F.normalize(down.new_tensor([0.0, 0.0, 1.0]) - down[:, 2:] * down, dim=1)
    frame = torch.stack([torch.linalg.cross(down, ahead), -down, ahead], 1)
    levelled = torch.einsum("bij,bjhw->bihw", frame, points)
    share, planes = shares(masks), torch.cat([levelled, grid], 1)
    middle = means(planes, share)
    spread = (means(planes**2, share) - middle**2).clamp(min=1e-6).sqrt()
    range_m = middle[..., :3].norm(dim=-1, keepdim=True)
    area = masks.flatten(2).mean(-1, keepdim=True)
    logs = [(range_m + 1e-2).log(), (area + 1e-5).log()]
    return torch.cat([middle[..., :3], spread[..., :3], *logs, middle[..., 3:], spread[..., 3:]], -1)


def _waves(objects: Tensor) -> Tensor:
    """Return x, y and the log of distance of objects [b, n, g] as waves [b, n, 24], all of them in -1..1.

    A column of the picture or a decimetre is a narrow part of a feature's range; a wave tells it from its neighbours.
    """
    x, y, log_range = objects[..., -4] / 0.8, objects[..., -3] / 0.6, objects[..., -6] / 2
    turns = torch.stack([x, y, log_range], -1) * (torch.pi / 2)
    return torch.cat([wave(turns * many) for many in _WAVES for wave in (torch.sin, torch.cos)], -1)


def _chances(names: Tensor, kinds: int) -> Tensor:
    """Return chances of background and kinds, and of colours, of a `names` map."""
    return torch.cat([names[:, : kinds + 1].softmax(1), names[:, kinds + 1 :].softmax(1)], 1)


def _scaled(features: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return _SCALE * ((features - mean) / std).clamp(-_MOST_STD, _MOST_STD)


def room_tower(weights: Path, rooms: list[Tensor], objects: int = 24) -> RoomTower:
    """Return the tower of a built-in network, its features scaled to mean 0 and deviation 0.05 over `rooms`.

    `rooms` are batches of pictures [b, 3, 144, 192], RGB in 0..1.

    Raises:
        ModelUnavailable: `weights` is no file of such a network.
    """
    network, calibration = load_network(weights)
    limits = {name: getattr(calibration.thresholds, name) for name in Thresholds.__dataclass_fields__}
    tower = RoomTower(RoomTowerConfig(shape=network.shape.model_dump(), thresholds=limits, objects=objects))
    tower.network.load_state_dict(network.state_dict())
    tower.eval()
    with torch.inference_mode():
        found = [tower.features(batch) for batch in rooms]
    cells = torch.cat([one[0].flatten(0, 1) for one in found])
    things = torch.cat([one[1][one[2] > 0] for one in found])
    for name, seen in (("cell", cells), ("object", things)):
        getattr(tower, f"{name}_mean").copy_(seen.mean(0))
        getattr(tower, f"{name}_std").copy_(seen.std(0).clamp(min=1e-3))
    return tower
