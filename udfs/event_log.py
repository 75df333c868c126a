"""Events as JSON lines on standard error: what a command and, in the logs of their executors, its workers tell."""

import json
import sys
from datetime import UTC, datetime
from typing import Any


def log_event(event: str, **fields: Any) -> None:
    """Write one line with the time (UTC), the event and its fields."""
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)
