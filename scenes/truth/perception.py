"""How good masks, names, depth and gravity are, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenes.truth.masks import Region, matches

LARGE_SHARE = 0.01


@dataclass
class Perception:
    """Counts over images; objects and regions below one percent of the image area are ignored."""

    true_objects: int = 0
    objects_found: int = 0
    regions: int = 0
    regions_right: int = 0
    names_right: int = 0
    depth_abs_rel: list[float] = field(default_factory=list)
    gravity_deg: list[float] = field(default_factory=list)

    def add_regions(
        self, found: Sequence[Region], true: Sequence[Region], overlap: NDArray[np.float64], pixels: int
    ) -> None:
        """Count one image's regions; `overlap` (n, m) is their intersection over union."""
        shown = matches(overlap)
        large = [region["area_px"] >= LARGE_SHARE * pixels for region in found]
        self.regions += sum(large)
        self.regions_right += sum(large[i] for i in shown)
        found_of = {j: i for i, j in shown.items()}
        for j, truth in enumerate(true):
            if truth["area_px"] < LARGE_SHARE * pixels:
                continue
            self.true_objects += 1
            if j in found_of:
                self.objects_found += 1
                self.names_right += same_name(found[found_of[j]], truth)

    def add_depth(self, found_m: NDArray[Any], true_m: NDArray[Any]) -> None:
        """Add the mean relative error of one depth map (h, w), where both have depth."""
        known = (found_m > 0) & (true_m > 0)
        if known.any():
            self.depth_abs_rel.append(float(np.mean(np.abs(found_m[known] / true_m[known] - 1.0))))

    def figures(self) -> dict[str, float | None]:
        """Return the shares and errors; None where nothing was counted."""
        return {
            "mask_recall_50": _share(self.objects_found, self.true_objects),
            "mask_precision_50": _share(self.regions_right, self.regions),
            "name_right": _share(self.names_right, self.objects_found),
            "depth_abs_rel": float(np.mean(self.depth_abs_rel)) if self.depth_abs_rel else None,
            "gravity_median_deg": float(np.median(self.gravity_deg)) if self.gravity_deg else None,
        }


def same_name(found: Region, truth: Region) -> bool:
    """Return whether the first caption, such as "red chair", is one of the true captions."""
    said = (found["captions"] or [found["label"] or ""])[0].casefold()
    return said in {caption.casefold() for caption in truth["captions"]} or said == (truth["label"] or "").casefold()


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
