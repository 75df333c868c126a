"""A family of experts: the depth that the crawl carries, under a name of its own."""

from collections.abc import Sequence
from typing import Any

from udfs.experts.families.sensor import SensorDepth


class LabeledDepth(SensorDepth):
    """The crawl's depth map, with this family as its source."""

    def predict(self, batch: Sequence[dict[str, Any]]) -> list[dict[str, Any] | Exception]:
        """Return the predictions of the family `sensor`, labeled."""
        found = super().predict(batch)
        return [one if isinstance(one, Exception) else {**one, "depth_src": "labeled_depth"} for one in found]


SLOTS = {"depth": LabeledDepth}
