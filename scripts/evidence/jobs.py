"""Commands as jobs that a signal or a time limit stops, with all processes they have started."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import NoReturn

UNFINISHED = 75  # EX_TEMPFAIL: try again
SECONDS_TO_STOP = 60
# Each of the runs that train at the same time uses one thread.
THREADS = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


class Stopped(BaseException):
    """A signal arrived."""


def listen() -> None:
    """From now on raise :class:`Stopped` at SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def start(command: Sequence[str], until: float, variables: Mapping[str, str] = THREADS) -> int:
    """Run a command until it ends or the time is over; a stop reaches all processes that it started.

    Args:
        command: The command.
        until: The time limit, on the clock of ``time.monotonic``.
        variables: Additional environment variables.

    Returns:
        Its exit code.

    Raises:
        subprocess.TimeoutExpired: The time is over.
    """
    job = subprocess.Popen(command, env={**os.environ, **variables}, start_new_session=True)
    try:
        # The system refuses a wait of years.
        left = until - time.monotonic()
        return job.wait(timeout=max(0.0, left) if left < 1e9 else None)
    except BaseException:
        # Not SIGINT, which background processes of a shell ignore.
        os.killpg(job.pid, signal.SIGTERM)
        try:
            job.wait(timeout=SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()
        raise


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped
