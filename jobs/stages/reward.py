"""Reward: the scenes of every episode put in order, and what they say of the gripper's approach."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.episodes import EPISODE, TOGETHER, Episodes, by_episode
from jobs.engine.errors import UsageError
from jobs.engine.joined import HAS_CAMERA, HAS_DEPTH, Part
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.recipes import recipe_of
from jobs.engine.small.work import SmallWork
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from schemas.images import IMAGES
from schemas.rewards import REWARDS
from schemas.scenes import SCENES
from udfs.pixels.decoding import upright_file
from udfs.stages.reward import GEOMETRY, Ask, RewardSettings, reward_batches
from udfs.stages.rows import Row

# Every command builds every stage; what asks models waits until one is asked.
if TYPE_CHECKING:
    from vlm.evaluation.predictors.predictor import Predictor
    from vlm.reason.frame_distances import FrameDistances

_FRAME = ("image_id", "ingest_shard", "sequence_id", "frame_index", "episode_json", "pose", HAS_DEPTH, HAS_CAMERA)
_SCENE = ("image_id", "objects", "pairs", "world_from_camera")
_ARROW_ROWS = 64
# Concurrent requests of a task to an endpoint.
_REQUESTS = 8


def _build(inputs: StageInputs) -> Stage:
    # Where a key is found changes no answer.
    own = inputs.settings.model_dump(exclude={"answers_key"})
    model = {} if inputs.settings.answers == GEOMETRY else {"model": _identity_of(inputs.settings)}
    settings = inputs.with_rules({**own, **model, "scenes": inputs.recipe(SCENES)})
    recipe = recipe_of(inputs.definition.name, settings, inputs.upstream_recipe)
    frame = _FRAME if inputs.settings.answers == GEOMETRY else (*_FRAME, "bytes")
    # A frame without a scene has a row that says why its distance is unknown.
    read = Episodes(Part(IMAGES, frame), (Part(SCENES, _SCENE, inputs.recipe(SCENES), optional=True),))
    batches = partial(reward_batches, settings=inputs.settings, recipe=recipe, ask=ask_of(inputs.settings))
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=read,
        transform=partial(transform, settings=inputs.settings, recipe=recipe),
        settings=settings,
        prepare=partial(_with_usable_model, settings=inputs.settings),
        files_per_batch=TOGETHER,
        shards_per_batch=TOGETHER,
        arrow_rows=_ARROW_ROWS,
        small=SmallWork(read.in_arrow, batches, by=EPISODE),
    )


def transform(df: DataFrame, settings: RewardSettings, recipe: str) -> DataFrame:
    """Return the rows of the new frames in `df`, which holds whole episodes."""
    batches = partial(reward_batches, settings=settings, recipe=recipe, ask=ask_of(settings))
    return map_batches(by_episode(df), batches, output_type(REWARDS))


def ask_of(settings: RewardSettings) -> Ask | None:
    """Return what asks the model of the settings; None where geometry measures."""
    return None if settings.answers == GEOMETRY else _Asked(settings)


class _Asked:
    """Asks the model of the settings; it is loaded where it is first asked, once for each task."""

    def __init__(self, settings: RewardSettings) -> None:
        self._settings = settings

    @cached_property
    def _distances(self) -> "FrameDistances":
        from jobs.one_image.reasoning import is_url
        from vlm.reason.frame_distances import FrameDistances

        concurrency = _REQUESTS if is_url(self._settings.answers) else 1
        return FrameDistances(_model_of(self._settings), self._settings.answers_error, concurrency)

    def __call__(self, frames: Sequence[Row], gripper: str, thing: str) -> list[Row]:
        images = [upright_file(one["bytes"])[0] for one in frames]
        return [
            {"measured_m": said.distance_m, "sigma_m": said.sigma_m, "unknown": said.unknown}
            for said in self._distances.of(images, gripper, thing)
        ]


def _with_usable_model(stage: Stage, _: Lake, settings: RewardSettings) -> Stage:
    """Return the stage, whose model could be used from here.

    Raises:
        UsageError: there is no such model, or its key is not set.
    """
    if settings.answers != GEOMETRY:
        _model_of(settings)
    return stage


def _identity_of(settings: RewardSettings) -> str:
    """Return what a model's answers depend on; every command builds every stage, so it needs no key, nor the model."""
    try:
        return _model_of(settings.model_copy(update={"answers_key": None})).identity()
    except UsageError as unusable:
        return str(unusable)


def _model_of(settings: RewardSettings) -> "Predictor":
    from jobs.one_image.reasoning import Source, predictor_of
    from vlm.evaluation.predictors.predictor import PredictorUnusable

    source = Source(settings.answers, "reward.answers", settings.answers_model, settings.answers_key)
    try:
        model = predictor_of(source)
        model.identity()
        return model
    except PredictorUnusable as unusable:
        raise UsageError(str(unusable)) from unusable


STAGE = StageDefinition(
    table=REWARDS,
    reads=(IMAGES, SCENES),
    help=HELP["reward"],
    build=_build,
    settings=RewardSettings,
    # Most crawls hold no episodes.
    in_run=False,
)
