"""One process at a time in a run's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wavspa.errors import UserError
from wavspa.run_folder import layout

# wavspa-status takes the lock for a moment when it looks whether a process has it.
_SECONDS = 2.0


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other starts of the same run out; the system gives the lock back when a process dies.

    Of several ranks the first one holds it for all.

    Args:
        folder: The run's folder.

    Raises:
        UserError: Another process runs it, or the folder cannot be written.
    """
    # Imported here: who only looks at runs need not wait for Lightning.
    from pytorch_lightning.utilities import rank_zero_only

    if getattr(rank_zero_only, "rank", 0) != 0:
        yield
        return
    lock = FileLock(folder / layout.LOCK)
    try:
        lock.acquire(timeout=_SECONDS)
    except Timeout as error:
        raise UserError(f"another process is running {folder}: wait for it, or stop it") from error
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a process is running the run in ``folder``, as far as this machine can tell."""
    path = folder / layout.LOCK
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False  # a folder of somebody else's
    lock.release()
    return False
