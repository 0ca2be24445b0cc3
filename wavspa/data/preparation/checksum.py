"""The content of files as one checksum, by which a run knows its own again."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
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


def named_paths(**named: str | Path | None) -> dict[str, Path]:
    """The paths that are given, by what they are named for, with ``~`` for the home folder."""
    return {name: Path(os.path.expanduser(path)) for name, path in named.items() if path}


class OwnFiles:
    """Files of the user's as the source of a data set.

    Attributes:
        paths: The file of each split that has one.
    """

    paths: Mapping[str, Path]
    _checksum: str

    def hashed_files(self) -> Iterable[tuple[str, Path]]:
        """All files whose content counts, each with the option that names it."""
        raise NotImplementedError

    @property
    def checksum(self) -> str:
        """16 hexadecimal digits that identify the content of the files."""
        return self._found_checksum if self._checksum == "auto" else self._checksum

    def check_content(self) -> None:
        """Refuse files with another content than ``dataset.checksum``.

        Raises:
            UserError: They have.
        """
        if self._found_checksum != self.checksum:
            raise UserError(
                f"{', '.join(map(str, self.paths.values()))}: the content is not that of "
                f"dataset.checksum={self.checksum}: restore it, or start a new run with wavspa-train"
            )

    def check_unchanged(self) -> None:
        """Refuse files that have changed since their checksum was computed.

        Raises:
            UserError: They have, while they were read.
        """
        if checksum_of(self.hashed_files()) != self._found_checksum:
            raise UserError(
                f"{', '.join(map(str, self.paths.values()))}: the content has changed while it was read: "
                "repeat the command"
            )

    def source_facts(self) -> dict[str, str]:
        """The card's entries on where the data come from."""
        places = [f"{split} {os.path.abspath(path)}" for split, path in self.paths.items()]
        return {"source": f"own files: {', '.join(places)}", "licence": "that of the files"}

    @cached_property
    def _found_checksum(self) -> str:
        return checksum_of(self.hashed_files())
