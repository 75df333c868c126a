"""Entry point of a training process: `torchrun .. -m vlm.loop SETTINGS.yaml`."""

import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from vlm.errors import UNUSABLE, sentence_of
from vlm.loop.settings import TrainSettings
from vlm.loop.training import train


def main(arguments: list[str]) -> int:
    """Train with the settings of a YAML file; report unusable settings in one sentence, with exit code 2."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print("vlm.loop: name one existing YAML file of settings.", file=sys.stderr)
        return 2
    try:
        train(TrainSettings.model_validate(yaml.safe_load(Path(arguments[0]).read_text())))
    except (*UNUSABLE, ValidationError, yaml.YAMLError) as error:
        print(f"vlm.loop: {sentence_of(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
