"""Signals that ask a run to stop."""

import signal
from types import FrameType
from typing import Any

# Ctrl-C, what schedulers and `kill` send, and what sbatch --signal sends ahead of a time limit.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class StopRequest:
    """Remembers that a signal asked to stop, so that the run can do so where its state is whole.

    Lightning's own handlers save and communicate inside the handler, in the middle of whatever the
    process is doing; these take their place.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._previous: dict[int, Any] = {}

    def listen(self) -> None:
        """Take over the signals."""
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._remember)

    def ignore(self) -> None:
        """Give the signals back."""
        while self._previous:
            number, handler = self._previous.popitem()
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.signal == signal.SIGINT:
            raise KeyboardInterrupt  # asked twice: at once
        self.signal = number
