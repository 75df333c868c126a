"""A registered model as MLflow loads it."""

from typing import Any

import pandas as pd

from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel, load_model


class Answering:
    """Predicts the column `answer` from `question` and `image`, the bytes of an image file or None."""

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self.vlm = vlm

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the answers; `params` may set `batch_size` and `max_new_tokens`."""
        options = {"batch_size": 8, "max_new_tokens": 64, **(params or {})}
        size, predictions = int(options["batch_size"]), []
        for start in range(0, len(model_input), size):
            some = model_input.iloc[start : start + size]
            images = [bytes(image) if image is not None else None for image in some["image"]]
            predictions += answers(self.vlm, images, some["question"].tolist(), int(options["max_new_tokens"]))
        return pd.DataFrame({"answer": predictions}, index=model_input.index)


def _load_pyfunc(path: str) -> Answering:
    return Answering(load_model(path))
