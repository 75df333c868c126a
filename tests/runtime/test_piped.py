"""A process behind a pipe that is ended while somebody waits for it."""

import threading
import time

from udfs.experts.isolation.piped import PipedProcess, ProcessDied


def main() -> None:
    """Say nothing, for longer than any test."""
    time.sleep(600)


def test_ending_a_process_that_is_waited_for_is_no_error() -> None:
    for _ in range(20):
        process, told = PipedProcess("tests.runtime.test_piped"), list[str]()

        def wait(process: PipedProcess = process, told: list[str] = told) -> None:
            try:
                process.received(60.0)
            except ProcessDied as died:
                told.append(str(died))

        waiting = threading.Thread(target=wait)
        waiting.start()
        process.stop()
        waiting.join()
        assert told == ["died of SIGKILL"]
