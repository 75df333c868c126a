"""Loading a base, and adding decoder layers to a model that a base may continue."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

import studies.claims.room_encoder  # noqa: F401  registers the encoder with transformers
from jobs.engine.errors import UsageError
from vlm.model.loading import VisionLanguageModel, load_model

# The weights through which a layer adds to the residual stream.
_WRITES = ("self_attn.o_proj.weight", "mlp.down_proj.weight")


def load_base(folder: Path) -> VisionLanguageModel:
    """Return a saved base, whose vision encoder is a `RoomEncoder`."""
    return load_model(str(folder))


def write_grown(folder: Path, source: Path, layers: int) -> None:
    """Write the model of `source` extended to `layers` layers, which initially change nothing.

    Raises:
        UsageError: the model has more layers already.
    """
    vlm = load_base(source)
    model: Any = vlm.model
    config, decoder = model.config.text_config, model.model.language_model
    held = config.num_hidden_layers
    if held > layers:
        raise UsageError(f"The model in {source} has {held} layers, more than {layers}; name another one.")
    torch.manual_seed(0)
    for number in range(held, layers):
        decoder.layers.append(_new_layer(type(decoder.layers[0])(config, number), config.initializer_range))
    config.num_hidden_layers = layers
    vlm.save(folder)


def _new_layer(layer: nn.Module, std: float) -> nn.Module:
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            if name in _WRITES:
                weight.zero_()
            elif weight.ndim > 1:
                weight.normal_(0, std)
    return layer
