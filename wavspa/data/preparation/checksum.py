"""The content of files as one checksum."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from wavspa.errors import UserError

DIGITS = 16


def checksum_of(files: Iterable[tuple[str, Path]]) -> str:
    """16 hexadecimal digits that identify the content of files and the ends of their names.

    Args:
        files: The option that names each, such as ``train``, and its path.

    Raises:
        UserError: A file cannot be read.
    """
    whole = hashlib.sha256()
    for option, path in files:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"dataset.{option}={path} cannot be read ({error.strerror})") from error
        # The ends of the name decide how the content is read.
        whole.update(f"{option} {''.join(path.suffixes)} {digest}\n".encode())
    return whole.hexdigest()[:DIGITS]
