"""The model's own process: load one expert, answer batches over a pipe, end when the worker does.

Its argument is the file descriptor of its end of a duplex pipe. In: `(slot, spec, device)`, then `(number, rows)`. Out:
a sentence that says why the model does not load, or None, then `Answers`.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, NamedTuple

from udfs.experts.expert import ImageRow, Prediction, loaded_expert
from udfs.experts.images import DECODED, upright_image
from udfs.experts.loading import ModelUnavailable
from udfs.stages.rows import Row, rejected_by

# Images of the next batch that are decoded while this one is predicted; the family decodes the rest ahead.
_DECODED_AHEAD = 8


class Answers(NamedTuple):
    """A batch's answers in order, each a prediction or the `REJECT` struct of a rejection, and their duration."""

    number: int
    answers: list[tuple[Prediction | None, Row | None]]
    seconds: float


def main() -> None:
    """Serve one worker until it closes the pipe."""
    connection = Connection(int(sys.argv[1]))
    slot, spec, device = connection.recv()
    try:
        expert = loaded_expert(slot, spec, device)
    except Exception as error:  # sent as a sentence: a traceback does not help a user who named a wrong model
        connection.send(_why_not(error, spec.family, spec.model))
        return
    connection.send(None)
    waiting: SimpleQueue[tuple[int, list[ImageRow]]] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, waiting), daemon=True).start()
    while True:
        number, batch = waiting.get()
        started_at = time.monotonic()
        answers = answers_of(expert, batch)
        connection.send(Answers(number, answers, time.monotonic() - started_at))


def answers_of(expert: Any, batch: Sequence[ImageRow]) -> list[tuple[Prediction | None, Row | None]]:
    """Return the expert's answer for each image; where `predict` raises, each image is tried and rejected alone."""
    if not batch:
        return []
    try:
        outcomes = expert.predict(batch)
    except Exception as error:
        if len(batch) > 1:
            return [answers_of(expert, [row])[0] for row in batch]
        outcomes = [error]
    if any(map(_is_device_lost, outcomes)):
        os._exit(os.EX_SOFTWARE)
    return [
        (None, rejected_by(outcome).as_row()) if isinstance(outcome, Exception) else (outcome, None)
        for outcome in outcomes
    ]


def _receive(connection: Connection, waiting: "SimpleQueue[tuple[int, list[ImageRow]]]") -> None:
    while True:
        try:
            number, batch = connection.recv()
        except (EOFError, OSError):
            os._exit(os.EX_OK)  # the worker is gone, whatever the model is doing
        for row in batch[:_DECODED_AHEAD]:
            _decode(row)
        waiting.put((number, batch))


def _decode(row: ImageRow) -> None:
    if row.get("bytes"):
        try:
            row[DECODED] = upright_image(row)
        except Exception:  # the family meets the same error when it decodes, and reports it for this image
            row.pop(DECODED, None)


def _is_device_lost(outcome: Any) -> bool:
    # After a device-side assert every later call fails too; only a new process can use the GPU again.
    return type(outcome).__name__ == "AcceleratorError"


def _why_not(error: Exception, family: str, model: str) -> str:
    if isinstance(error, ModelUnavailable):
        return str(error)
    cause = " ".join(str(error).split())[:300]
    return f"Model {model} ({family}) does not load: {type(error).__name__}: {cause}; correct the expert's settings."
