"""Vision towers of one's own, made known to the Auto classes; import this before anything is loaded."""

from typing import Any

from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    CLIPImageProcessor,
    PretrainedConfig,
    PreTrainedModel,
)

from studies.claims.room_encoder import RoomTower, RoomTowerConfig


def register_tower(
    config: type[PretrainedConfig], model: type[PreTrainedModel], image_processor: type[Any] | None = None
) -> None:
    """Make a tower loadable by its `model_type`, alone and as the tower of a model.

    The configuration has to name `hidden_size` and `patch_size` in pixels of the processed picture, and `extra_tokens`
    where the tower gives more tokens than one for every patch; the model returns
    `last_hidden_state` (b, tokens, hidden) and `hidden_states`, whose last is taken, and sets `_supports_sdpa`, be it
    that it has no attention at all.
    """
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModel.register(config, model, exist_ok=True)
    if image_processor is not None:
        AutoImageProcessor.register(config, image_processor, exist_ok=True)


register_tower(RoomTowerConfig, RoomTower, CLIPImageProcessor)
