"""Failures of a run that are neither a mistake in its input nor a defect of the program."""


class RunFailed(RuntimeError):
    """A run, or some of a sweep's, came to a bad end; the message is one line that says why."""
