"""The `zoedepth` family: metric depth by ZoeDepth."""

from typing import Any

from udfs.experts.monocular import MonocularDepth
from udfs.experts.whole_image import Prepared


class ZoeDepth(MonocularDepth):
    """Depth of the padded, resized image, scaled back to the image's size by the model's own processor."""

    model_types = ("zoedepth",)

    def depth_m_of(self, raw: Any, fov_deg: float | None, item: Prepared) -> Any:
        """Return depth in m (h, w), without the reflected margin that the processor added."""
        from transformers.modeling_outputs import DepthEstimatorOutput

        width, height = item.size
        output = DepthEstimatorOutput(predicted_depth=raw)
        done = self.processor.post_process_depth_estimation(output, source_sizes=[(height, width)])
        return done[0]["predicted_depth"]


SLOTS = {"depth": ZoeDepth}
