"""Entry of every process of a world: `torchrun .. -m vlm.loop SETTINGS.yaml`; ranks are read from the environment."""

import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from vlm.errors import UNUSABLE, sentence_of
from vlm.loop.settings import TrainSettings
from vlm.loop.training import train


def main(arguments: list[str]) -> int:
    """Train by the settings of a YAML file; what cannot be used ends in one sentence and exit code 2."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print("vlm.loop: name one YAML file of settings that exists.", file=sys.stderr)
        return 2
    try:
        train(TrainSettings.model_validate(yaml.safe_load(Path(arguments[0]).read_text())))
    except (*UNUSABLE, ValidationError, yaml.YAMLError) as error:
        print(f"vlm.loop: {sentence_of(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
