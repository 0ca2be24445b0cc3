"""A sweep whose first jobs fail for the same reason: reported at once, so that the others do not start."""

import threading
from pathlib import Path

from wavspa.errors import RunFailed
from wavspa.run_folder.failures import common_failure, failure_of
from wavspa.run_folder.status import read_status


class FirstEnds:
    """How the jobs of a sweep ended that this process started; filled by several threads.

    Args:
        stop_after: How many must fail for the same reason while none finishes; None: never.
    """

    def __init__(self, stop_after: int | None) -> None:
        self.stop_after = stop_after
        self.reason: str | None = None
        """Of which they failed, once the sweep has to end."""
        self._finished = False
        self._failures: dict[Path, str] = {}
        self._adding = threading.Lock()

    def add(self, folder: Path, code: int) -> None:
        """Take note of a job that has ended.

        Args:
            folder: The run's folder.
            code: What its process ended with.
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
        stop_after: How many.
    """
    return RunFailed(
        "the first jobs failed for the same reason, and no other was started "
        f"(hydra.launcher.stop_after={stop_after}): {reason}"
    )
