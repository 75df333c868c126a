"""Figures of a run: its loss curves and sample answers."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from vlm.examples import decoded


class Sample(NamedTuple):
    """A question with its target answer and the model's prediction."""

    images: tuple[bytes, ...]
    question: str
    target: str
    prediction: str


def loss_figure(losses: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """Plot losses by name, each as (step, nats per answer token), with running means."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (name, points) in enumerate(sorted(losses.items())):
        steps, values = [step for step, _ in points], [value for _, value in points]
        mean, means = values[0] if values else 0.0, []
        for value in values:
            mean += (value - mean) * 0.1
            means.append(mean)
        axes.plot(steps, values, color=f"C{number}", alpha=0.25, linewidth=0.8)
        axes.plot(steps, means, color=f"C{number}", label=name)
    axes.set_xlabel("step")
    axes.set_ylabel("nats per answer token")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _beside(images: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return images side by side, at the height of the lowest."""
    opened = [Image.fromarray(decoded(one)) for one in images]
    height = min(one.height for one in opened)
    return np.hstack([np.asarray(one.resize((max(1, one.width * height // one.height), height))) for one in opened])


def sample_figure(samples: Sequence[Sample]) -> Figure:
    """Plot the images with question, target and prediction above each; `samples` must not be empty."""
    columns = min(3, len(samples))
    rows = -(-len(samples) // columns)
    figure = Figure(figsize=(4 * columns, 4 * rows), layout="constrained")
    for place, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.axis("off")
        if place < len(samples):
            sample = samples[place]
            if sample.images:
                axes.imshow(_beside(sample.images))
            rows_of_text = (
                f"question: {sample.question}",
                f"target: {sample.target}",
                f"prediction: {sample.prediction or '(nothing)'}",
            )
            # Escaped, so that matplotlib does not parse it as mathematics.
            lines = (textwrap.fill(one, 48).replace("$", r"\$") for one in rows_of_text)
            axes.set_title("\n".join(lines), fontsize=8, loc="left")
    return figure
