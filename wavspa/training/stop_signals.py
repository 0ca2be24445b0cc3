"""Signals that ask a run to stop."""

import signal
from types import FrameType
from typing import Any

from wavspa.errors import RunInterrupted

# Ctrl-C, what schedulers and `kill` send, and what sbatch --signal sends ahead of a time limit: for our
# launcher USR1, for submitit USR2.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """Listens to the signals, as a context manager; the first one is obeyed.

    While a run trains it is remembered, so that the run can stop where its state is complete: Lightning's
    own handlers save and communicate inside the handler, in the middle of any operation of the
    process. At other times nothing is lost, and the run stops at once. Schedulers send several; those
    after the first must not end a process that is about to record why it stops.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._remembers = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        self._previous = {number: signal.getsignal(number) for number in SIGNALS}
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def remember(self) -> None:
        """From now on, keep a signal for whoever asks for it."""
        self._remembers = True
        # Again, because Lightning has set its own handlers since.
        self._listen()

    def obey(self) -> None:
        """From now on, stop at once.

        Raises:
            RunInterrupted: A signal was kept, and nobody has asked for it.
        """
        self._remembers = False
        if self.signal:
            self._stop()

    def _listen(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.signal == signal.SIGINT:
            raise KeyboardInterrupt  # asked twice: at once
        if self.signal:
            return
        self.signal = number
        if not self._remembers:
            self._stop()

    def _stop(self) -> None:
        name = signal.Signals(self.signal).name
        raise RunInterrupted(
            f"{name}: the same command resumes from the last checkpoint", self.signal
        )
