"""The one exception for mistakes that the user can mend, and others in one line."""


class UserError(ValueError):
    """Bad input with a one-line message that names the file, line or option and the way out.

    Commands print the message alone and exit with code 2; a library caller sees a ``ValueError``.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error's message; its type where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
