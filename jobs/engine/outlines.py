"""What the command of each stage says, read without importing a stage and with it Spark."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from schemas.plugins import plugin_names

GROUP = "spatiallake.stages"


@dataclass(frozen=True)
class Outline:
    """A stage as its command needs it, in the words of its `StageDefinition`."""

    name: str
    help: str
    in_run: bool = True
    is_source: bool = False


# In the order of the registry.
_OWN_STAGES = (
    Outline("ingest", "Add a crawl's new images to `images`.", is_source=True),
    Outline("duplicates", "Find near-duplicates and what no split may divide: `images` -> `near_duplicates`."),
    Outline("filter", "Score every image: `images` -> `image_scores`."),
    Outline("context", "Find masks, labels and captions: `image_scores` -> `regions`."),
    Outline("depth", "Estimate depth, intrinsics and gravity: `regions` -> `depths`."),
    Outline("lift", "Lift to metric objects in a gravity-aligned frame: `depths` -> `scenes`."),
    Outline("disambiguate", "Write a referring expression for every object: `scenes` -> `references`."),
    Outline("synthesize", "Generate questions and answers: `references` -> `qa_pairs`."),
    Outline("statistics", "Count answers and their objects: `qa_pairs` -> `qa_statistics`, `object_statistics`."),
    Outline(
        "examples",
        "Write training examples: `qa_pairs`, `images` -> `training_examples`; not part of `run`.",
        in_run=False,
    ),
    Outline(
        "fuse",
        "Fuse posed sequences: `scenes` -> `fused_frames`, `fused_scenes`, `sequence_qa_pairs`; not part of `run`.",
        in_run=False,
    ),
    Outline(
        "reward",
        "Measure how near the gripper of robot episodes is to its goal: `scenes` -> `rewards`; not part of `run`.",
        in_run=False,
    ),
)
HELP = MappingProxyType({stage.name: stage.help for stage in _OWN_STAGES})


def stage_outlines() -> Sequence[Outline]:
    """Return every stage, in the order of the registry, which is read only where there are plugins.

    Raises:
        UsageError: stages of plugins clash.
        PluginUnavailable: a plugin that cannot be imported.
    """
    if not plugin_names(GROUP):
        return _OWN_STAGES
    from jobs.engine.registry import stage_definitions

    known = stage_definitions().values()
    return tuple(Outline(one.name, one.help, one.in_run, one.is_source) for one in known)
