"""Degrades depth and masks to simulate real sensors."""

import cv2
import numpy as np


def with_depth_noise(depth_m: np.ndarray, sigma_rel: float, seed: int) -> np.ndarray:
    """Add independent Gaussian noise of `sigma_rel` times the depth to each pixel [h, w], m; 0 stays 0."""
    rng = np.random.default_rng(seed)
    factor = 1 + sigma_rel * rng.standard_normal(depth_m.shape, dtype=np.float32)
    return (depth_m * np.maximum(factor, 0.05)).astype(depth_m.dtype)


def with_mask_bleed(instances: np.ndarray, bleed_px: int, seed: int) -> np.ndarray:
    """Grow each mask of `instances` [h, w] by `bleed_px` into its surroundings, in a seeded order."""
    if bleed_px <= 0:
        return instances.copy()
    ids = np.unique(instances[instances > 0])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * bleed_px + 1,) * 2)
    grown = instances.copy()
    for value in np.random.default_rng(seed).permutation(ids):
        mask = (instances == value).astype(np.uint8)
        edge = (cv2.dilate(mask, kernel) > 0) & (mask == 0)
        grown[edge] = value
    return grown
