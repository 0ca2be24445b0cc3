"""Errors that end a command with one line: the user's mistakes, and a run's bad ends."""


class UserError(ValueError):
    """Bad input with a one-line message that names the file, line or option and the way out.

    Commands print the message alone and exit with code 2; a library caller sees a ``ValueError``.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error's message; its type where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class RunFailed(RuntimeError):
    """A run, or some of a sweep's, failed; the message is one line with the reason."""


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
    """A search has pruned a run, which has saved its state; the message is one line with the reason."""
