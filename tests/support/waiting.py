"""Waiting for what another process or thread does, without a guess at how long it takes."""

import time
from collections.abc import Callable

# Far longer than anything here takes on a busy machine: it ends only a test that would hang.
LIMIT = 600.0


def until(happened: Callable[[], object], what: str, seconds: float = LIMIT) -> None:
    """Wait until something has happened.

    Args:
        happened: Whether it has.
        what: The same in words, for the error.
        seconds: After how long it is a failure.
    """
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} seconds in vain until {what}")
        time.sleep(0.02)
