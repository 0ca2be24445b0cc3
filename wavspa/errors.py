"""Errors that end a command with one line: the user's mistakes, and failed or stopped runs."""


class UserError(ValueError):
    """Bad input with a one-line message that names the file, line or option and the way out.

    Commands print only the message and exit with code 2; a library caller sees a ``ValueError``.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error's message; its type if the message is empty."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class RunFailed(RuntimeError):
    """A run, or some runs of a sweep, failed; the message is one line with the reason."""


class RunInterrupted(BaseException):
    """A run was asked to stop and has saved its state; the message is one line.

    Like ``KeyboardInterrupt`` it is not an ``Exception``: it may be raised while a library that catches
    every exception is loading something.

    Args:
        message: What happened.
        signal: The number of the signal that asked for it.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class RunPruned(RuntimeError):
    """A search has pruned a run, which has saved its state; the message is one line with the reason."""
