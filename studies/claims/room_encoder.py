"""The built-in network as a vision encoder: tokens for the cells of an image and for the objects found in it.

Importing this module registers the encoder with transformers, so that models that hold it can be loaded.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    CLIPImageProcessor,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutput

from studies.claims.feature_cache import active_cache
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
# Frequencies of the sine and cosine features of x, y and log distance, in quarter turns.
_WAVES = (1, 2, 4, 8)
_WAVE_FEATURES = 3 * 2 * len(_WAVES)
_MAX_STD = 6.0
# With unit deviation, hundreds of features would make the projector's steps far too large for the decoder's rate.
_SCALE = 0.05


class RoomEncoderConfig(PreTrainedConfig):
    """The shape of the network, the number of object tokens, and the side of a cell (px, a multiple of 16)."""

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
        """Return the indices of object features that are probabilities of a kind or color, with its name."""
        network = NetworkShape.model_validate(self.shape)
        first = self.cell_features + network.decoder[1] + network.decoder[2] + network.decoder[3]
        return {first + place: name for place, name in enumerate((*network.kinds, *network.colours))}

    @property
    def object_feature(self) -> int:
        """Return the index of the feature that is 1 in object tokens and 0 in all others."""
        return self.hidden_size - 2


class RoomEncoder(PreTrainedModel):
    """Maps RGB [b, 3, h, w] in 0..1 to tokens [b, h/p * w/p + objects, hidden_size]; p is the patch size.

    Cell tokens come first, row by row, then object tokens, best first. Each kind of token is zero in the features of
    the other, and missing objects are all zero. Object masks come from the network's own grouping, through which no
    gradient flows. Batch normalization always uses the statistics of the network's own training.
    """

    config_class = RoomEncoderConfig
    main_input_name = "pixel_values"
    base_model_prefix = "room_encoder"
    _supports_sdpa = True

    def __init__(self, config: RoomEncoderConfig) -> None:
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
        """Leave the network as it is: its weights are loaded."""

    def train(self, mode: bool = True) -> "RoomEncoder":
        """Set the mode of everything except batch normalization."""
        super().train(mode)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutput:
        """Return the tokens as the only hidden state, from the active feature cache where there is one."""
        cache = active_cache()
        tokens = cache.features(self, pixel_values, self.tokens) if cache else self.tokens(pixel_values)
        return BaseModelOutput(last_hidden_state=tokens, hidden_states=(tokens,))

    def tokens(self, pixel_values: Tensor) -> Tensor:
        """Return the tokens, in full precision, which positions and lengths need."""
        with torch.autocast(pixel_values.device.type, enabled=False):
            cells, objects, there = self.features(pixel_values)
        cells = _scaled(cells, self.cell_mean, self.cell_std)
        known = torch.cat([_scaled(objects, self.object_mean, self.object_std), _waves(objects)], -1)
        known = torch.cat([known, torch.ones_like(known[..., :1])], -1) * there[..., None]
        of_cells = torch.cat([F.pad(cells, (0, known.shape[-1])), torch.ones_like(cells[..., :1])], -1)
        of_objects = F.pad(known, (cells.shape[-1], 1))
        return torch.cat([of_cells, of_objects], 1)

    def centers(self, tokens: Tensor) -> Tensor:
        """Return the image positions [.., objects, 2] of object tokens, for tokens [.., t, hidden_size].

        x and y are relative to the image center, in half diagonals; infinite where there is no object.
        """
        own = tokens[..., -self.config.objects :, :]
        last = self.config.cell_features + self.config.object_features
        scaled = own[..., last - 4 : last - 2] / _SCALE
        found = scaled * self.object_std[-4:-2] + self.object_mean[-4:-2]
        return found.masked_fill(own[..., self.config.object_feature, None] == 0, torch.inf)

    def features(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return unscaled features of cells [b, c, f] and objects [b, n, g], and which objects exist [b, n]."""
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
        names = F.adaptive_max_pool2d(_probabilities(out["names"], len(self.network.shape.kinds)), size)
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
        dense = means(_probabilities(out["names"], len(self.network.shape.kinds))[:, 1:], shares(coarse))
        whole = torch.cat([kinds.softmax(-1), colours.softmax(-1)], -1)
        return torch.cat([*level_means(out, coarse), (whole + dense) / 2, _geometry(out, masks)], -1)


def _geometry(out: dict[str, Tensor], masks: Tensor) -> Tensor:
    """Return positions and sizes of objects [b, n, 12].

    In m and level with the ground: right, up and ahead of the center, and their deviations; the logs of distance (m)
    and of the fraction of the image; in half diagonals of the image: x, y and their deviations.
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
    """Return x, y and log distance of objects [b, n, g] as sine and cosine features [b, n, 24].

    An image column or a decimeter is a small part of the feature's range, which the higher frequencies resolve.
    """
    x, y, log_range = objects[..., -4] / 0.8, objects[..., -3] / 0.6, objects[..., -6] / 2
    turns = torch.stack([x, y, log_range], -1) * (torch.pi / 2)
    return torch.cat([wave(turns * many) for many in _WAVES for wave in (torch.sin, torch.cos)], -1)


def _probabilities(names: Tensor, kinds: int) -> Tensor:
    """Return the probabilities of background and kinds, and of colors, of a `names` map."""
    return torch.cat([names[:, : kinds + 1].softmax(1), names[:, kinds + 1 :].softmax(1)], 1)


def _scaled(features: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return _SCALE * ((features - mean) / std).clamp(-_MAX_STD, _MAX_STD)


def room_encoder(weights: Path, rooms: list[Tensor], objects: int = 24) -> RoomEncoder:
    """Return the encoder of a built-in network, with features scaled to mean 0 and deviation 0.05 over `rooms`.

    `rooms` are batches of images [b, 3, 144, 192], RGB in 0..1.

    Raises:
        ModelUnavailable: `weights` is not a weights file of the network.
    """
    network, calibration = load_network(weights)
    limits = {name: getattr(calibration.thresholds, name) for name in Thresholds.__dataclass_fields__}
    encoder = RoomEncoder(RoomEncoderConfig(shape=network.shape.model_dump(), thresholds=limits, objects=objects))
    encoder.network.load_state_dict(network.state_dict())
    encoder.eval()
    with torch.inference_mode():
        found = [encoder.features(batch) for batch in rooms]
    cells = torch.cat([one[0].flatten(0, 1) for one in found])
    things = torch.cat([one[1][one[2] > 0] for one in found])
    for name, seen in (("cell", cells), ("object", things)):
        getattr(encoder, f"{name}_mean").copy_(seen.mean(0))
        getattr(encoder, f"{name}_std").copy_(seen.std(0).clamp(min=1e-3))
    return encoder


AutoConfig.register(RoomEncoderConfig.model_type, RoomEncoderConfig, exist_ok=True)
AutoModel.register(RoomEncoderConfig, RoomEncoder, exist_ok=True)
AutoImageProcessor.register(RoomEncoderConfig, CLIPImageProcessor, exist_ok=True)
