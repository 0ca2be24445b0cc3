"""Ending a sweep whose first jobs all fail for the same reason, before the others start."""

import threading
from pathlib import Path

from wavspa.errors import RunFailed
from wavspa.run_folder.failures import common_failure, failure_of
from wavspa.run_folder.status import read_status


class FirstEnds:
    """The outcomes of a sweep's jobs that this process started; filled by several threads.

    Args:
        stop_after: The number of jobs that must fail for the same reason, while none finishes, to end the
            sweep; None: never.
    """

    def __init__(self, stop_after: int | None) -> None:
        self.stop_after = stop_after
        self.reason: str | None = None
        """Why they failed, once the sweep has to end."""
        self._finished = False
        self._failures: dict[Path, str] = {}
        self._adding = threading.Lock()

    def add(self, folder: Path, code: int) -> None:
        """Record that a job has ended.

        Args:
            folder: The run's folder.
            code: The exit code of its process.
        """
        if self.stop_after is None:
            return
        with self._adding:
            self._finished |= read_status(folder).get("state") == "finished"
            if why := failure_of(folder, code):
                self._failures[folder] = why
            if not self._finished:
                self.reason = common_failure(self._failures, self.stop_after)

    def check(self) -> None:
        """Raise RunFailed, with the common reason, if the sweep has to end."""
        if self.reason is not None:
            raise failed_alike(self.reason, self.stop_after)


def failed_alike(reason: str, stop_after: int | None) -> RunFailed:
    """The error of a sweep that has to end.

    Args:
        reason: Why its first jobs failed.
        stop_after: The number of jobs that failed.
    """
    return RunFailed(
        "the first jobs failed for the same reason, and no other was started "
        f"(hydra.launcher.stop_after={stop_after}): {reason}"
    )
