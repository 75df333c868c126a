"""Fits the novelty test on rendered rooms alone; the share of held-out rooms to reject sets its limit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from scenes.varied import varied_room
from udfs.experts.families.builtin.inference import outputs_of
from udfs.experts.families.builtin.network import RoomNetwork
from udfs.experts.families.builtin.novelty import Features, NoveltyNotes, NoveltyTest, features_of, stacked
from udfs.experts.images import UprightImage
from vlm.builtin.outliers import outlier

REJECTED = 0.01
_AXES = (25, 13, 60)
_DECAY = 0.1
_AT_ONCE = 8
_FOURTH = 4
_VARIED_PX = ((320, 240), (384, 288), (512, 384))
# The luma and the two color axes of YIQ.
_YIQ = np.array([[0.299, 0.596, 0.211], [0.587, -0.274, -0.523], [0.114, -0.322, 0.312]], np.float32)

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Rooms:
    """Images [h, w, 3] of rendered rooms at full size: of the usual rendering, kept aside, and `varied` ones."""

    usual: Iterable[Image]
    held_out: Iterable[Image] | None
    varied: Sequence[Image]


def fit_novelty(
    network: RoomNetwork, pixels: int, images: Rooms, count: int, seed: int
) -> tuple[NoveltyTest, NoveltyNotes]:
    """Fit the test to the first `count` of the usual rooms, each also changed, to varied rooms, and to spoiled rooms.

    `pixels` is the size that the network sees. The limit is chosen on at most `count` rooms kept aside, or without any
    on every fourth of the usual ones, which is then not fitted to.
    """
    rng = np.random.default_rng([seed, 2])
    network.eval()
    known = list(islice(images.usual, count))
    aside = list(islice(images.held_out, count)) if images.held_out is not None else known[::_FOURTH]
    if images.held_out is None and len(known) >= _FOURTH:
        known = [room for place, room in enumerate(known) if place % _FOURTH]
    changed = [_changed(room, rng) for room in known]
    twice = [_changed(room, rng) for room in images.varied]
    usual = _features(network, pixels, [*known, *changed])
    # As many of other renderings as of the usual one, which is all that a crawl shows.
    other = _features(network, pixels, [*images.varied, *twice])
    spoiled = _features(network, pixels, list(_spoiled(known, 2 * len(known), rng)))
    inliers = stacked([usual, other, other])
    test = _rounded(_fitted(inliers, spoiled, network.deep_statistics))
    held = _features(network, pixels, aside)
    test = _rounded(_standardized(test, held))
    scores = np.sort(test.scores(held).numpy())
    limit = float(np.quantile(scores, 1 - REJECTED))
    notes = NoveltyNotes(
        limit=limit,
        rejected=float((scores > limit).mean()),
        rooms=len(known) + len(images.varied),
        held_out=len(scores),
    )
    return test, notes


def _features(network: RoomNetwork, pixels: int, images: list[Image]) -> Features:
    found: list[Features] = []
    for start in range(0, len(images), _AT_ONCE):
        some = images[start : start + _AT_ONCE]
        upright = [UprightImage(PIL.Image.fromarray(image)) for image in some]
        for outputs, image in zip(outputs_of(network, upright, pixels), some, strict=True):
            found.append(features_of(outputs.out, outputs.rgb, image, network.deep_statistics))
    return stacked(found)


def _fitted(inliers: Features, spoiled: Features, deep: slice) -> NoveltyTest:
    joined = inliers.joined
    mean, scale = joined.mean(0), joined.std(0, correction=0) + 1e-3
    far = (joined - mean) / scale
    coarse, fine, rest = (far[:, part] for part in (inliers.coarse_part, inliers.fine_part, deep))
    other = (spoiled.joined - mean) / scale
    return NoveltyTest(
        mean=mean,
        scale=scale,
        outlier_weight=_separating(far.clamp(-8, 8), other.clamp(-8, 8)),
        coarse_axes=_axes(coarse, _AXES[0], whitened=True),
        fine_axes=_axes(fine, _AXES[1], whitened=True),
        deep_axes=_axes(rest, _AXES[2], whitened=False),
        standard=torch.tensor([[0.0, 1.0]] * 4),
    )


def _axes(x: Tensor, count: int, whitened: bool) -> Tensor:
    """Return the `count` main axes [c, k] of features [n, c], each divided by its spread if `whitened`."""
    values, vectors = torch.linalg.eigh((x.T @ x).double() / len(x))
    kept = min(count, max(x.shape[1] - 1, 1))
    values, vectors = values.flip(0)[:kept].float(), vectors.flip(1)[:, :kept].float()
    return vectors / (values + 0.02).sqrt() if whitened else vectors


def _separating(inliers: Tensor, outliers: Tensor) -> Tensor:
    """Return the weights [c] of a logistic regression in which both classes count alike."""
    x = torch.cat([inliers, outliers])
    y = torch.cat([torch.zeros(len(inliers)), torch.ones(len(outliers))])
    each = torch.where(y > 0, len(inliers) / len(outliers), 1.0)
    weight = torch.zeros(x.shape[1] + 1, requires_grad=True)
    solver = torch.optim.LBFGS([weight], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = F.binary_cross_entropy_with_logits(x @ weight[:-1] + weight[-1], y, weight=each)
        loss = loss + _DECAY * (weight[:-1] ** 2).sum()
        loss.backward()
        return loss

    solver.step(closure)
    return weight.detach()[:-1]


def _standardized(test: NoveltyTest, held: Features) -> NoveltyTest:
    parts = test.parts(held)
    spread = parts.std(0, correction=0).clamp(min=1e-3)
    return NoveltyTest(**{**test.tensors(), "standard": torch.stack([parts.median(0).values, spread], 1)})


def _rounded(test: NoveltyTest) -> NoveltyTest:
    """Return the test as the file of weights holds it, in half precision."""
    return NoveltyTest(**{name: value.half().float() for name, value in test.tensors().items()})


def varied_image(seed: int) -> Image:
    """Return a varied room of any size and tone as its file shows it; equal seeds give equal pixels."""
    rng = np.random.default_rng(seed)
    size = _VARIED_PX[int(rng.integers(len(_VARIED_PX)))]
    toned = (varied_room(size, seed) / np.float32(255)) ** np.float32(np.exp(rng.normal(0, 0.2)))
    pixels = (255 * toned).astype(np.uint8)
    return _compressed(pixels, rng) if rng.random() < 0.75 else pixels


def _spoiled(rooms: list[Image], count: int, rng: np.random.Generator) -> Iterator[Image]:
    for number in range(count):
        spoiled = outlier(rooms[number % len(rooms)], rooms[int(rng.integers(len(rooms)))], rng)
        yield _changed(spoiled, rng) if rng.random() < 0.5 else spoiled


def _changed(rgb: Image, rng: np.random.Generator) -> Image:
    """Return a room as it may be cut, scaled, toned, blurred and compressed on its way into a crawl."""
    if rng.random() < 0.6:
        share = rng.uniform(0.55, 1)
        height, width = int(rgb.shape[0] * share), int(rgb.shape[1] * share)
        y, x = int(rng.integers(rgb.shape[0] - height + 1)), int(rng.integers(rgb.shape[1] - width + 1))
        rgb = rgb[y : y + height, x : x + width]
    if rng.random() < 0.5:
        rgb = rgb[:, ::-1]
    width = int(rng.integers(192, 641))
    size = (width, max(1, round(width * rgb.shape[0] / rgb.shape[1])))
    interpolation = cv2.INTER_AREA if width < rgb.shape[1] else cv2.INTER_LINEAR
    image = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=interpolation), np.float32) / 255
    if rng.random() < 0.5:
        turn = rng.uniform(-np.pi, np.pi) if rng.random() < 0.5 else 0.0
        strength = np.exp(rng.normal(0, 0.25))
        cosine, sine = strength * np.cos(turn), strength * np.sin(turn)
        turned = np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]], np.float32)
        image = np.clip(image @ _YIQ @ turned @ np.linalg.inv(_YIQ), 0, 1)
    gains = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3))
    image = np.clip(image * gains, 0, 1).astype(np.float32) ** np.float32(np.exp(rng.normal(0, 0.2)))
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 1.0)))
    if rng.random() < 0.5:
        image = image + rng.normal(0, rng.uniform(0, 0.02), image.shape)
    pixels = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    return _compressed(pixels, rng) if rng.random() < 0.8 else pixels


def _compressed(rgb: Image, rng: np.random.Generator) -> Image:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 99))))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
