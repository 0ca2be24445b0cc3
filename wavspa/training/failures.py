"""Ends of a run that are neither a mistake in its input nor a defect of the program."""


class RunFailed(RuntimeError):
    """A run, or some of a sweep's, came to a bad end; the message is one line that says why."""


class RunInterrupted(BaseException):
    """A run was asked to stop and has saved its state; the message is one line.

    No ``Exception``, like ``KeyboardInterrupt``: it may come while a library is loading something and
    takes any exception for its own.

    Args:
        message: What happened.
        signal: The number of the signal that asked.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class RunPruned(RuntimeError):
    """A search has given a run up, and it has saved its state; the message is one line that says why."""
