"""What the monocular depth experts share: metres to the stored PNG, intrinsics, and the error that is declared."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import Prediction
from udfs.experts.intrinsics import Camera, centred_camera, focal_px_of, focal_sigma_rel
from udfs.experts.loading import pretrained, pretrained_model
from udfs.experts.pictures import Picture, to_stored
from udfs.experts.whole_image import Prepared, WholeImageExpert, WholeImageOptions, each, invalid_output
from udfs.stages.rows import RowRejected

_MOST_MM = np.iinfo(np.uint16).max


class MonocularOptions(WholeImageOptions):
    """Declared errors, and the field of view of photographs whose intrinsics nothing gives.

    A monocular model declares no error. 10 % is what good ones reach on pictures like their training data: of the one
    scale that the whole picture shares, and of what is left between its places. Whoever has true depths of such
    photographs sets both.
    """

    batch_size: int = Field(default=8, gt=0, description="pictures at once; halved when memory runs out")
    sigma_rel: float = Field(default=0.1, gt=0, description="depth error over range, from object to object")
    scale_sigma_rel: float = Field(default=0.1, ge=0, description="error of the scale that the whole map shares")
    fov_deg: float = Field(default=60.0, ge=10, le=150, description="of the long side, where nothing gives it")
    fov_sigma_deg: float = Field(default=10.0, ge=0, description="standard error of a field of view that nothing gives")
    gravity_sigma_deg: float = Field(default=1.0, gt=0, description="of gravity that the crawl carries")


class MonocularDepth(WholeImageExpert):
    """Metric depth from the picture alone; intrinsics and gravity of the crawl where it carries them.

    A family says how metres come out of the model's output (`depth_m_of`), and overrides `fov_deg_of` if they depend
    on a field of view, which its model then estimates.
    """

    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation", "camera", "gravity")
    options_type: ClassVar[type[WholeImageOptions]] = MonocularOptions
    model_types: ClassVar[tuple[str, ...]] = ()

    def load_model(self) -> None:
        """Load model and image processor."""
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation

        auto = AutoModelForDepthEstimation.from_pretrained
        self.model = pretrained_model(auto, self.spec, self.device, self.model_types)
        self.processor = pretrained(AutoImageProcessor.from_pretrained, self.spec)

    def inputs_of(self, picture: Picture) -> Mapping[str, Any]:
        """Return the image processor's tensors."""
        return self.processor(images=[picture.image], return_tensors="pt")

    def predictions_of(self, inputs: Mapping[str, Any], items: Sequence[Prepared]) -> list[Prediction | Exception]:
        """Return the columns of `depths`."""
        outputs = self.model(**inputs)
        return each(items, lambda index, item: self._prediction(outputs, index, item))

    def _prediction(self, outputs: Any, index: int, item: Prepared) -> Prediction:
        import torch

        raw = outputs.predicted_depth[index : index + 1].float()
        if not torch.isfinite(raw).all():
            raise invalid_output(self.spec, "depths that are no numbers")
        fov_deg = self.fov_deg_of(outputs, index, item)
        width, height = item.size
        depth_m = self.depth_m_of(raw, fov_deg, item).reshape(height, width).cpu().numpy()
        if not np.isfinite(depth_m).all():
            raise invalid_output(self.spec, "depths that are no numbers")
        stored = to_stored(depth_m, item.orientation)
        gravity = item.photograph.get("gravity")
        return {
            "depth": _png(stored, self.spec.model),
            "depth_src": self.spec.model,
            "scale_ok": True,
            **self._intrinsics(item, stored.shape, fov_deg),
            "gravity": gravity,
            "gravity_src": "imu" if gravity else "none",
            "gravity_sigma_deg": self.options.gravity_sigma_deg if gravity else None,
        }

    def fov_deg_of(self, outputs: Any, index: int, item: Prepared) -> float | None:
        """Return the angle in degrees that the upright picture's width spans, None if depth does not depend on it."""
        return None

    @abstractmethod
    def depth_m_of(self, raw: Any, fov_deg: float | None, item: Prepared) -> Any:
        """Return depth in m of the upright picture's size.

        `raw` is `predicted_depth` (1, h, w) in single precision, `fov_deg` what `fov_deg_of` returned. A side of one
        pixel may be missing from the result's axes.
        """

    def _intrinsics(self, item: Prepared, stored: tuple[int, ...], fov_deg: float | None) -> dict[str, Any]:
        """Return `camera` of the stored picture (height, width), `camera_src` and the declared errors.

        A field of view that nothing gives makes lengths across the picture wrong by as much as the focal length is;
        its share is added to the scale's, in quadrature.
        """
        height, width = stored
        carried: Camera | None = item.photograph.get("camera")
        if carried is not None:
            return {"camera": carried, "camera_src": "crawl", **self._errors(0.0)}
        if fov_deg is not None:
            camera = centred_camera(width, height, focal_px_of(item.size[0], fov_deg))
            return {"camera": camera, "camera_src": "model", **self._errors(0.0)}
        camera = centred_camera(width, height, focal_px_of(max(width, height), self.options.fov_deg))
        across = focal_sigma_rel(self.options.fov_deg, self.options.fov_sigma_deg)
        return {"camera": camera, "camera_src": "prior", **self._errors(across)}

    def _errors(self, focal: float) -> dict[str, float]:
        return {
            "sigma_rel": self.options.sigma_rel,
            "scale_sigma_rel": math.hypot(self.options.scale_sigma_rel, focal),
            "focal_sigma_rel": focal,
        }


def _png(depth_m: NDArray[Any], model: str) -> bytes:
    """Return depth as a uint16 PNG in mm; what is nearer than the lens or beyond 65.535 m becomes 0, none."""
    depth_mm = np.rint(depth_m.astype(np.float64) * 1000.0)
    inside = (depth_mm >= 1) & (depth_mm <= _MOST_MM)
    if not inside.any():
        error = f"All depths by {model} lie outside 0.001 to 65.535 m, such as {float(depth_m.flat[0]):.4g} m."
        raise RowRejected(Outcome.FILTERED, Reason.NO_DEPTH, error)
    done, png = cv2.imencode(".png", np.where(inside, depth_mm, 0).astype(np.uint16))
    if not done:
        raise ValueError(f"a depth map of {depth_m.shape[1]} x {depth_m.shape[0]} px could not be written as PNG")
    return png.tobytes()
