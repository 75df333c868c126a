"""A recipe: the hash that says which models and settings made a row."""

import hashlib
import json
from typing import Any


def recipe_of(stage: str, settings: dict[str, Any], upstream: str) -> str:
    """Return 16 hex digits of the hash of stage, result-changing settings and the recipe it reads."""
    text = json.dumps([stage, settings, upstream], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
