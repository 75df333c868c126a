"""Base of the monocular depth experts: meters to the stored PNG, intrinsics, and declared errors."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from schemas.reasons import Outcome, Reason
from udfs.experts.depth_fit import DepthFit
from udfs.experts.expert import Options, Prediction
from udfs.experts.images import UprightImage
from udfs.experts.intrinsics import INTRINSICS, centered_camera, known_intrinsics
from udfs.experts.loading import pretrained, pretrained_model
from udfs.experts.whole_image import Prepared, WholeImageExpert, WholeImageOptions, each, invalid_output
from udfs.pixels.maps import encoded_map
from udfs.stages.rows import RowRejected

_MAX_MM = np.iinfo(np.uint16).max


class MonocularOptions(WholeImageOptions):
    """Declared errors, and the field of view of images without known intrinsics.

    Monocular models declare no error. 10 % is what good ones reach on images like their training data, both for the
    scale that the whole image shares and for what remains between objects. `spatiallake calibrate` measures both on
    images with true depth.
    """

    batch_size: int = Field(default=8, gt=0, description="images at once; halved when memory runs out")
    depth_scale: float = Field(default=1.0, gt=0, description="factor on the model's depth")
    sigma_rel: float = Field(default=0.1, gt=0, description="relative depth error from object to object")
    scale_sigma_rel: float = Field(default=0.1, ge=0, description="relative error of the scale of the whole map")
    fov_deg: float = Field(default=60.0, ge=10, le=150, description="of the long side, where it is unknown")
    fov_sigma_deg: float = Field(default=10.0, ge=0, description="standard error of an unknown field of view")
    gravity_sigma_deg: float = Field(default=1.0, gt=0, description="standard error of the crawl's gravity")


class MonocularDepth(WholeImageExpert):
    """Metric depth from the image alone; intrinsics from the crawl or EXIF, and gravity from the crawl, if carried.

    A family converts the model's output to meters (`depth_m_of`), and overrides `fov_deg_of` if they depend on a field
    of view, which its model then estimates.
    """

    columns: ClassVar[tuple[str, ...]] = ("bytes", *INTRINSICS, "gravity")
    options_type: ClassVar[type[Options]] = MonocularOptions
    model_types: ClassVar[tuple[str, ...]] = ()
    calibrated_options: ClassVar[frozenset[str]] = frozenset(
        ("depth_scale", "sigma_rel", "scale_sigma_rel", "fov_deg", "fov_sigma_deg")
    )

    @classmethod
    def options_of_fit(cls, fit: DepthFit) -> dict[str, Any]:
        """Return the options that make the expert agree with true depth."""
        found = {"depth_scale": fit.depth_scale, "sigma_rel": fit.sigma_rel, "scale_sigma_rel": fit.scale_sigma_rel}
        if fit.fov_deg is not None and fit.fov_sigma_deg is not None:
            found |= {"fov_deg": min(max(fit.fov_deg, 10.0), 150.0), "fov_sigma_deg": fit.fov_sigma_deg}
        return found

    def load_model(self) -> None:
        """Load model and image processor."""
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation

        auto = AutoModelForDepthEstimation.from_pretrained
        self.model = pretrained_model(auto, self.spec, self.device, self.model_types)
        self.processor = pretrained(AutoImageProcessor.from_pretrained, self.spec)

    def inputs_of(self, image: UprightImage) -> Mapping[str, Any]:
        """Return the image processor's tensors."""
        return self.processor(images=[image.image], return_tensors="pt")

    def predictions_of(self, inputs: Mapping[str, Any], items: Sequence[Prepared]) -> list[Prediction | Exception]:
        """Return the columns of `depths`."""
        outputs = self.model(**inputs)
        return each(items, lambda index, item: self._prediction(outputs, index, item))

    def _prediction(self, outputs: Any, index: int, item: Prepared) -> Prediction:
        import torch

        raw = outputs.predicted_depth[index : index + 1].float()
        if not torch.isfinite(raw).all():
            raise invalid_output(self.spec, "NaN or infinite depths")
        fov_deg = self.fov_deg_of(outputs, index, item)
        width, height = item.size
        depth_m = self.depth_m_of(raw, fov_deg, item).reshape(height, width).cpu().numpy()
        if not np.isfinite(depth_m).all():
            raise invalid_output(self.spec, "NaN or infinite depths")
        gravity = item.row.get("gravity")
        return {
            "depth": _png(depth_m * self.options.depth_scale, self.spec.model),
            "depth_src": self.spec.model,
            "scale_ok": True,
            **self._intrinsics(item, fov_deg),
            "gravity": gravity,
            "gravity_src": "imu" if gravity else "none",
            "gravity_sigma_deg": self.options.gravity_sigma_deg if gravity else None,
        }

    def fov_deg_of(self, outputs: Any, index: int, item: Prepared) -> float | None:
        """Return the angle in degrees that the upright image's width spans, None if depth does not depend on it."""
        return None

    @abstractmethod
    def depth_m_of(self, raw: Any, fov_deg: float | None, item: Prepared) -> Any:
        """Return depth in m of the upright image's size.

        `raw` is `predicted_depth` (1, h, w) in single precision, `fov_deg` the result of `fov_deg_of`. A side of one
        pixel may be missing from the result's axes.
        """

    def _intrinsics(self, item: Prepared, fov_deg: float | None) -> dict[str, Any]:
        """Return `camera`, `camera_src` and the declared errors.

        With a field of view from EXIF or the prior, lengths across the image are as wrong as the focal length; that
        error is added to the scale's in quadrature.
        """
        width, height = item.size
        known = known_intrinsics(item.row, item.size)
        if known is not None:
            return {"camera": known.camera, "camera_src": known.source, **self._errors(known.focal_sigma_rel)}
        if fov_deg is not None:
            camera = centered_camera(width, height, focal_px_of(width, fov_deg))
            return {"camera": camera, "camera_src": "model", **self._errors(0.0)}
        camera = centered_camera(width, height, focal_px_of(max(width, height), self.options.fov_deg))
        across = _focal_sigma_rel(self.options.fov_deg, self.options.fov_sigma_deg)
        return {"camera": camera, "camera_src": "prior", **self._errors(across)}

    def _errors(self, focal: float) -> dict[str, float]:
        return {
            "sigma_rel": self.options.sigma_rel,
            "scale_sigma_rel": math.hypot(self.options.scale_sigma_rel, focal),
            "focal_sigma_rel": focal,
        }


def focal_px_of(side_px: int, fov_deg: float) -> float:
    """Return the focal length in px at which a side of this length spans the angle."""
    return 0.5 * side_px / math.tan(0.5 * math.radians(fov_deg))


def fov_deg_of(side_px: int, focal_px: float) -> float:
    """Return the angle in degrees that a side of this length spans."""
    return math.degrees(2.0 * math.atan(0.5 * side_px / focal_px))


def _focal_sigma_rel(fov_deg: float, fov_sigma_deg: float) -> float:
    """Return the relative standard error of the focal length: d ln f = d fov / sin fov."""
    return math.radians(fov_sigma_deg) / math.sin(math.radians(fov_deg))


def _png(depth_m: NDArray[Any], model: str) -> bytes:
    """Return depth as a uint16 PNG in mm; values below 0.001 or above 65.535 m become 0, none."""
    depth_mm = np.rint(depth_m.astype(np.float64) * 1000.0)
    inside = (depth_mm >= 1) & (depth_mm <= _MAX_MM)
    if not inside.any():
        error = f"All depths by {model} lie outside 0.001 to 65.535 m, such as {float(depth_m.flat[0]):.4g} m."
        raise RowRejected(Outcome.FILTERED, Reason.NO_DEPTH, error)
    return encoded_map(np.where(inside, depth_mm, 0).astype(np.uint16))
