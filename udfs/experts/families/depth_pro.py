"""The `depth_pro` family: metric depth and field of view by Depth Pro."""

from typing import Any

from udfs.experts.intrinsics import known_intrinsics
from udfs.experts.loading import ModelUnavailable
from udfs.experts.monocular import MonocularDepth, fov_deg_of
from udfs.experts.whole_image import Prepared, invalid_output

_FOV_RANGE_DEG = (1.0, 175.0)


class DepthPro(MonocularDepth):
    """Inverse depth per unit of focal length, converted to meters by a field of view.

    The field of view is that of the crawl or of EXIF, as in the paper, and else the model's own.
    """

    model_types = ("depth_pro",)

    def load_model(self) -> None:
        """Load model and image processor; raises ModelUnavailable for checkpoints without a field of view."""
        super().load_model()
        if not self.model.use_fov_model:
            raise ModelUnavailable(
                f"Model {self.spec.model} has no head for the field of view, without which its depth is not in meters; "
                "name a checkpoint with `use_fov_model: true`, such as apple/DepthPro-hf."
            )

    def fov_deg_of(self, outputs: Any, index: int, item: Prepared) -> float | None:
        """Return the angle of the upright image's width in degrees: the crawl's, EXIF's, or the model's.

        Raises:
            RowRejected: the model's angle is one that no lens has.
        """
        known = known_intrinsics(item.row, item.size)
        if known is not None:
            return fov_deg_of(item.size[0], known.camera["fx"])
        fov_deg = float(outputs.field_of_view[index])
        low, high = _FOV_RANGE_DEG
        if not low <= fov_deg <= high:
            raise invalid_output(self.spec, f"a field of view of {fov_deg:.4g} degrees")
        return fov_deg

    def depth_m_of(self, raw: Any, fov_deg: float | None, item: Prepared) -> Any:
        """Return depth in m (h, w)."""
        import torch
        from transformers.models.depth_pro.modeling_depth_pro import DepthProDepthEstimatorOutput

        width, height = item.size
        angle = torch.tensor([fov_deg], dtype=raw.dtype, device=raw.device)
        output: Any = DepthProDepthEstimatorOutput(predicted_depth=raw, field_of_view=angle)
        done = self.processor.post_process_depth_estimation(output, target_sizes=[(height, width)])
        return done[0]["predicted_depth"]


SLOTS = {"depth": DepthPro}
