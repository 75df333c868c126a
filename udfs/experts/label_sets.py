"""Label sets of the zero-shot filters: which labels are wanted, and the prompts that stand for each."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

_FOLDER = Path(__file__).parent / "labels"
SPATIAL = "spatial"


class LabelSet(BaseModel):
    """Wanted and unwanted labels, each with one prompt or more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wanted: dict[str, list[str]]
    unwanted: dict[str, list[str]]

    @model_validator(mode="after")
    def _distinct(self) -> "LabelSet":
        twice = sorted(set(self.wanted) & set(self.unwanted))
        empty = sorted(name for name, prompts in self.prompts.items() if not prompts)
        if twice or SPATIAL in self.prompts:
            raise ValueError(f"label {(twice or [SPATIAL])[0]!r} stands for something else already; name it otherwise")
        if empty or not self.wanted or not self.unwanted:
            where = f"label {empty[0]!r} has no prompt" if empty else "wanted or unwanted holds no label"
            raise ValueError(f"{where}; write at least one")
        return self

    @property
    def prompts(self) -> dict[str, list[str]]:
        """Return the prompts of every label, the wanted ones first."""
        return {**self.wanted, **self.unwanted}


def label_set(source: Any) -> Any:
    """Return the mapping that `source` names: a packaged set, a YAML file, or the mapping itself.

    Raises:
        ValueError: no such set or file, or no YAML.
    """
    if not isinstance(source, str):
        return source
    packaged = {path.stem: path for path in _FOLDER.glob("*.yaml")}
    path = packaged.get(source, Path(source))
    if not path.is_file():
        raise ValueError(f"no label set {source!r}: name one of {', '.join(sorted(packaged))}, or a YAML file")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from error
