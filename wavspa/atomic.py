"""Files that are complete or absent, whenever the machine stops."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file next to ``path`` that takes its place once it is completely on disk.

    Args:
        path: The file to write; its folder must exist.

    Yields:
        The temporary file, open for writing bytes. If the block raises, ``path`` stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


@contextmanager
def atomic_write_dir(path: Path, only_writer: bool = False) -> Iterator[Path]:
    """Make a temporary folder next to ``path`` that takes its place once it is complete.

    Args:
        path: The folder; its parent must exist.
        only_writer: No other process writes to it now, because the caller holds a lock: remove the remains
            of a killed process.

    Yields:
        The temporary folder. If the block raises, ``path`` stays as it was.
    """
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    if only_writer:
        temporary = path.with_name(f".{path.name}.partial")
        shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            os.replace(path, old)
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        if old.exists():
            os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)
