"""One run by one, two and three processes: how far apart losses and weights are, and how fast it was.

`python -m benchmarks.loop_ranks --steps 50`
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from mlflow import MlflowClient
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    SiglipImageProcessor,
    SiglipVisionConfig,
    SiglipVisionModel,
)

_IMAGES = 96


def write_parts(folder: Path, width: int, layers: int) -> None:
    """Write a vision encoder, a byte-level decoder, and images with three questions each."""
    torch.manual_seed(0)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    signs = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **signs).save_pretrained(folder / "decoder")
    sizes: dict[str, Any] = {"hidden_size": width, "intermediate_size": 2 * width, "num_attention_heads": 4}
    LlamaForCausalLM(LlamaConfig(**sizes, num_hidden_layers=layers, vocab_size=len(vocab))).save_pretrained(
        folder / "decoder"
    )
    eye = SiglipVisionConfig(**sizes, num_hidden_layers=2, image_size=64, patch_size=16)
    SiglipVisionModel(eye).save_pretrained(folder / "vision_encoder")
    SiglipImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder / "vision_encoder")
    rows = [_row(folder, number) for number in range(_IMAGES)]
    (folder / "images.json").write_text(json.dumps(rows))


def _row(folder: Path, number: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    held = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(held, "PNG")
    (folder / f"{number}.png").write_bytes(held.getvalue())
    said = []
    for _ in range(1 + number % 3):
        said.append({"from": "human", "value": f"How far is thing {rng.integers(9)}?"})
        said.append({"from": "gpt", "value": f"It is {rng.integers(10, 99) / 10} m away." * (1 + number % 2)})
    return {"id": str(number), "image": f"{number}.png", "conversations": said}


def run_world(folder: Path, world: int, steps: int, batch: int) -> dict[str, Any]:
    """Train with `torchrun -m vlm.loop`; return losses, weights and speed."""
    out = folder / f"world-{world}"
    stream = {"name": "images", "kind": "llava", "uri": str(folder / "images.json"), "images": str(folder)}
    settings = {
        "out": str(out),
        "model": {
            "vision_encoder": str(folder / "vision_encoder"),
            "decoder": str(folder / "decoder"),
            "freeze_vision_encoder": False,
            "sequence": {"independent_turns": True, "bidirectional_image": True},
        },
        "mixture": {"streams": [stream]},
        "optimizer": {"learning_rate": 0.001, "warm_up_steps": 10},
        "loop": {"steps": steps, "global_batch": batch, "micro_batch": 2, "device": "cpu", "samples": 0},
        "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "registered_model": None, "system_metrics": False},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world)]
    began_s = time.perf_counter()
    subprocess.run([*launch, "-m", "vlm.loop", str(folder / "settings.yaml")], check=True, stdout=subprocess.DEVNULL)
    took_s = time.perf_counter() - began_s
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    run = json.loads((out / "run.json").read_text())["mlflow_run"]

    def history(name: str) -> list[float]:
        return [one.value for one in sorted(client.get_metric_history(run, name), key=lambda one: one.step)]

    weights = torch.load(out / "checkpoints" / f"step-{steps:09d}" / "weights.pt")["weights"]
    numbers = {name: history(name) for name in ("loss", "samples_per_s", "loader_wait_share")}
    return {**numbers, "weights": weights, "took_s": took_s}


def main() -> None:
    """Print one line per number of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--worlds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_parts(folder, given.width, given.layers)
        first: dict[str, Any] | None = None
        for world in given.worlds:
            found = run_world(folder, world, given.steps, given.batch)
            first = first or found
            apart = max(abs(a - b) for a, b in zip(found["loss"], first["loss"], strict=True))
            weights = max(float((found["weights"][k] - first["weights"][k]).abs().max()) for k in first["weights"])
            print(
                f"{world} ranks: {len(found['loss'])} steps, loss {found['loss'][0]:.4f} to {found['loss'][-1]:.4f}, "
                f"losses apart {apart:.1e}, weights apart {weights:.1e}, "
                f"{np.median(found['samples_per_s']):.0f} samples/s, "
                f"loader wait {100 * np.median(found['loader_wait_share']):.1f} %, {found['took_s']:.0f} s in all"
            )


if __name__ == "__main__":
    main()
