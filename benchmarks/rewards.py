"""Compares rewards of rendered robot episodes with their exact distances, and times the stage's function.

`python -m benchmarks.rewards --episodes 20 --seed 1` renders 20 episodes of each task (reach, push, pick), lifts every
frame and computes the rewards, by the functions of the stages. It prints, per task, Spearman's rank correlation of the
distance with the true one and of progress with time, the contact frame's error, and the error of the distance.
`--depth-noise 0.01` adds noise to the depth. `--answers FOLDER`, or the URL of an endpoint with `--answers-model NAME`,
also has a model say the distances, and prints its figures beside those of geometry.
"""

import argparse
import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.processor import heading
from jobs.stages.reward import ask_of
from scenes.captions import captions
from scenes.noise import with_depth_noise
from scenes.reach import TASKS, Episode, ReachFrame, ReachSettings, episode
from scenes.sensor_images import encoded
from udfs.experts.expert import SENSOR
from udfs.ranks import spearman
from udfs.stages.lift import LiftSettings, lift_row
from udfs.stages.one_image import prediction_of
from udfs.stages.reward import GEOMETRY, Ask, RewardSettings, rewarded
from udfs.stages.rows import RowRejected

TARGET_SPEARMAN, TARGET_CONTACT_FRAMES = 0.99, 1


@dataclass
class Scores:
    """Per task and episode: rank correlations, frames between true and found contact, and distance errors in m."""

    distance: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    contact_off: list[int | None] = field(default_factory=list)
    error_m: list[float] = field(default_factory=list)
    unknown: int = 0
    reward_s: float = 0.0
    frames: int = 0


def frame_row(one: Episode, frame: ReachFrame, noise_rel: float) -> dict[str, Any]:
    """Return what the stage reads of one frame: its scene, lifted from exact masks and depth."""
    view = frame.view
    camera = view.camera
    depth_m = view.frame.depth_m
    if noise_rel:
        depth_m = with_depth_noise(depth_m, noise_rel, view.frame_index)
    image = {
        "image_id": f"{view.frame_index:064x}",
        "ingest_shard": 0,
        "width": camera.size_px[0],
        "height": camera.size_px[1],
        "depth": encoded(np.rint(depth_m * 1000.0).astype(np.uint16)),
        "instances": encoded(view.instances),
        "bytes": encoded(view.frame.rgb[..., ::-1]),
        "camera": {"fx": camera.focal_px, "fy": camera.focal_px, "cx": camera.center_px[0], "cy": camera.center_px[1]},
        "gravity": camera.gravity.tolist(),
        "pose": camera.pose.ravel().tolist(),
        "objects": [
            {"id": number, "label": item.label, "captions": captions(item), "box_3d": None, "front": None}
            for number, item in view.objects.items()
        ],
    }
    told = {
        "sequence_id": one.name,
        "frame_index": view.frame_index,
        "episode_json": json.dumps({"instruction": one.instruction}),
        "has_depth": True,
        "has_camera": True,
    }
    regions = prediction_of("context", SENSOR, image)["regions"]
    try:
        scene = lift_row({**prediction_of("depth", SENSOR, image), **image, "regions": regions}, LiftSettings())
    except RowRejected:
        return {**image, **told, "objects": None, "pairs": None, "world_from_camera": None}
    return {**image, **told, **{name: scene[name] for name in ("objects", "pairs", "world_from_camera")}}


def scored(one: Episode, scores: Scores, noise_rel: float = 0.0) -> None:
    """Reward an episode by geometry and add its comparisons."""
    compared(one, [frame_row(one, frame, noise_rel) for frame in one.frames], scores)


def compared(one: Episode, frames: list[dict[str, Any]], scores: Scores, ask: Ask | None = None) -> None:
    """Reward the rows of an episode and add their comparisons with the truth."""
    start = time.process_time()
    rows = rewarded(frames, RewardSettings(), ask)
    scores.reward_s += time.process_time() - start
    scores.frames += len(rows)
    known = [(row, frame) for row, frame in zip(rows, one.frames, strict=True) if row["distance_m"] is not None]
    scores.unknown += len(rows) - len(known)
    true = [frame.distance_m for _, frame in known]
    scores.distance.append(spearman([row["distance_m"] for row, _ in known], true) or 0.0)
    scores.time.append(spearman([row["frame_index"] for row, _ in known], [row["progress"] for row, _ in known]) or 0.0)
    touched = next(frame.view.frame_index for frame in one.frames if frame.touches)
    found = next((row["frame_index"] for row in rows if row["contact"]), None)
    scores.contact_off.append(None if found is None else found - touched)
    scores.error_m += [
        abs(row["measured_m"] - frame.distance_m) for row, frame in known if row["measured_m"] is not None
    ]


def line_of(task: str, scores: Scores) -> str:
    """Return the figures of a task as a line of the printed table."""
    rho = np.array(scores.distance)
    within = np.mean([off is not None and abs(off) <= TARGET_CONTACT_FRAMES for off in scores.contact_off])
    exact = np.mean([off == 0 for off in scores.contact_off])
    return (
        f"{task:6} {len(rho):3} episodes: Spearman with true distance mean {rho.mean():.4f}, min {rho.min():.4f},"
        f" {np.mean(rho >= TARGET_SPEARMAN):.0%} at least {TARGET_SPEARMAN}; with time {np.mean(scores.time):.3f};"
        f" contact frame exact {exact:.0%}, within {TARGET_CONTACT_FRAMES} {within:.0%};"
        f" distance off by {_cm(scores.error_m)} (median), {scores.unknown} frames unknown"
    )


def _cm(errors_m: list[float]) -> str:
    return f"{100 * np.median(errors_m):.1f} cm" if errors_m else "an unknown length"


def main() -> None:
    """Render, reward and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20, help="per task")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--depth-noise", type=float, default=0.0, help="relative noise (1 sigma) of the depth")
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--answers", default=GEOMETRY, help="folder of a model or URL of an endpoint, asked as well")
    parser.add_argument("--answers-model", help="name of the model at the endpoint")
    args = parser.parse_args()
    ask = ask_of(RewardSettings(answers=args.answers, answers_model=args.answers_model))
    settings = ReachSettings(width=args.width, height=args.width * 3 // 4)
    print(heading())
    every = Scores()
    for task in args.tasks:
        scores, said = Scores(), Scores()
        for index in range(args.episodes):
            one = episode(task, args.seed, index, settings)
            frames = [frame_row(one, frame, args.depth_noise) for frame in one.frames]
            compared(one, frames, scores)
            if ask:
                compared(one, frames, said, ask)
        print(line_of(task, scores), flush=True)
        if ask:
            print(line_of(f"{task}, as {args.answers_model or args.answers} says", said), flush=True)
        every.reward_s += scores.reward_s
        every.frames += scores.frames
    print(f"rewards of lifted frames: {every.frames / every.reward_s:,.0f} frames per CPU-second")


if __name__ == "__main__":
    main()
