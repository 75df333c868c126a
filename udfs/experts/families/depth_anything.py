"""The `depth_anything` family: metric depth by the metric checkpoints of Depth Anything V2."""

from typing import Any

from udfs.experts.loading import ModelUnavailable
from udfs.experts.monocular import MonocularDepth
from udfs.experts.whole_image import Prepared


class DepthAnything(MonocularDepth):
    """Depth of the resized image, scaled back to the image's size by the model's own processor."""

    model_types = ("depth_anything",)

    def load_model(self) -> None:
        """Load model and image processor; raises ModelUnavailable for checkpoints of relative depth."""
        super().load_model()
        kind = self.model.config.depth_estimation_type
        if kind != "metric":
            raise ModelUnavailable(
                f"Model {self.spec.model} estimates {kind} depth, not meters; name a metric checkpoint, such "
                "as depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf."
            )

    def depth_m_of(self, raw: Any, fov_deg: float | None, item: Prepared) -> Any:
        """Return depth in m (h, w)."""
        from transformers.modeling_outputs import DepthEstimatorOutput

        width, height = item.size
        output = DepthEstimatorOutput(predicted_depth=raw)
        done = self.processor.post_process_depth_estimation(output, target_sizes=[(height, width)])
        return done[0]["predicted_depth"]


SLOTS = {"depth": DepthAnything}
