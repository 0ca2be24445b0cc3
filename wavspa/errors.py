"""The one exception for mistakes that the user can mend."""


class UserError(ValueError):
    """Bad input with a one-line message that names the file, line or option and the way out.

    Commands print the message alone and exit with code 2; a library caller sees a ``ValueError``.
    """
