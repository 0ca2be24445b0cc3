"""Readers of arguments on the command lines of the evidence."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def data_root(word: str) -> str:
    """The data root as typed on a command line.

    Raises:
        argparse.ArgumentTypeError: There is no such folder.
    """
    if not word or not Path(word).is_dir():
        raise argparse.ArgumentTypeError(f"must be an existing folder, got {word!r}")
    return word


def folder(word: str) -> Path:
    """A folder that exists or can be made.

    Raises:
        argparse.ArgumentTypeError: It is a file, or nothing.
    """
    if not word or (Path(word).exists() and not Path(word).is_dir()):
        raise argparse.ArgumentTypeError(f"must be a folder, got {word!r}")
    return Path(word)


def whole(least: int) -> Callable[[str], int]:
    """The reader of a whole number of at least ``least``; it raises :class:`argparse.ArgumentTypeError`."""

    def number(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of at least {least}, got {word!r}"
            )
        return int(word)

    return number


def minutes(word: str) -> float:
    """A time limit.

    Raises:
        argparse.ArgumentTypeError: It is not a finite number above 0.
    """
    try:
        limit = float(word)
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {word!r}")
    return limit
