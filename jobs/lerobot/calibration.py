"""What a LeRobot dataset does not say of its camera: intrinsics, where it stands, and which depth belongs to it."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.engine.errors import UsageError
from schemas.manifest import Camera, Pose, UnitVector


class Calibration(BaseModel):
    """One camera that does not move: `pose` leads from it to the robot's base, m; `gravity` points down in its frame.

    `depth` names the feature that holds its depth.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: Camera | None = None
    pose: Pose | None = None
    gravity: UnitVector | None = None
    depth: str | None = None


def read_calibration(path: Path | None, camera: str) -> Calibration:
    """Return what a YAML or JSON file says of a camera of the dataset, by its name; nothing without a file.

    Raises:
        UsageError: the file cannot be read, lacks the camera, or has a field of the wrong form.
    """
    if path is None:
        return Calibration()
    try:
        cameras = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"The calibration {path} cannot be read: {error}.") from error
    if not isinstance(cameras, dict) or camera not in cameras:
        names = ", ".join(map(str, cameras)) if isinstance(cameras, dict) else "none"
        raise UsageError(f"{path} has no entry {camera!r} (its entries: {names}); name the camera as the dataset does.")
    try:
        return Calibration.model_validate(cameras[camera])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (camera, *first["loc"])))
        raise UsageError(f"{place} in {path}: {first['msg']}; docs/robots.md shows the form.") from error
