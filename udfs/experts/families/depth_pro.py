"""The `depth_pro` family: metric depth and field of view by Depth Pro."""

from typing import Any

from udfs.experts.intrinsics import fov_deg_of
from udfs.experts.loading import ModelUnavailable
from udfs.experts.monocular import MonocularDepth
from udfs.experts.pictures import TURNED_BY_A_QUARTER
from udfs.experts.whole_image import Prepared, invalid_output

_FOV_RANGE_DEG = (1.0, 175.0)


class DepthPro(MonocularDepth):
    """Inverse depth per unit of focal length, which becomes metres with a field of view.

    That is the crawl's where the photograph carries intrinsics, as the paper has it, and else the model's own.
    """

    model_types = ("depth_pro",)

    def load_model(self) -> None:
        """Load model and image processor; raises ModelUnavailable for checkpoints without a field of view."""
        super().load_model()
        if not self.model.use_fov_model:
            raise ModelUnavailable(
                f"Model {self.spec.model} has no head for the field of view, without which its depth has no metres; "
                "name a checkpoint with `use_fov_model: true`, such as apple/DepthPro-hf."
            )

    def fov_deg_of(self, outputs: Any, index: int, item: Prepared) -> float | None:
        """Return the angle of the upright picture's width in degrees: the crawl's, or the model's.

        Raises:
            RowRejected: the model's is no angle that a lens has.
        """
        carried = item.photograph.get("camera")
        if carried is not None:
            focal_px = float(carried["fy" if item.orientation in TURNED_BY_A_QUARTER else "fx"])
            return fov_deg_of(item.size[0], focal_px)
        fov_deg = float(outputs.field_of_view[index])
        least, most = _FOV_RANGE_DEG
        if not least <= fov_deg <= most:
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
