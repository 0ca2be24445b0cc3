"""The run that a rerun replaces: moved aside, and removed once the new run has its own checkpoint."""

import os
import shutil
from pathlib import Path

from wavspa.run_folder import layout


def set_aside(folder: Path) -> None:
    """Move the files of the run in ``folder`` aside; the user's own files stay. The caller holds the lock.

    If a run has already been set aside, the one in ``folder`` never wrote a checkpoint, and is removed.

    Args:
        folder: The run's folder.

    Raises:
        OSError: The folder cannot be written.
    """
    aside = folder / layout.REPLACED
    if aside.exists():
        for path in _files(folder):
            _remove(path)
        return
    # After a kill the next call continues here: only a run that was moved completely counts as set aside.
    partial = folder / f"{layout.REPLACED}.partial"
    partial.mkdir(exist_ok=True)
    for path in _files(folder):
        _remove(partial / path.name)
        os.replace(path, partial / path.name)
    os.replace(partial, aside)


def remove_replaced(folder: Path) -> None:
    """Remove the run that :func:`set_aside` kept."""
    shutil.rmtree(folder / layout.REPLACED, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    paths = [folder / name for name in layout.OF_A_RUN]
    return [path for path in paths if path.exists() or path.is_symlink()]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
