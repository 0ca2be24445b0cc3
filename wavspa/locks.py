"""One process at a time, by a lock on a file; the system releases it when its process dies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wavspa.errors import UserError


class Locked(Exception):
    """Another process holds the lock."""


@contextmanager
def lock(
    path: Path,
    guarded: Path,
    seconds: float | None = None,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold a lock while a block runs.

    Args:
        path: The lock file.
        guarded: The file or folder it guards, for the message.
        seconds: How long to wait for another process; None: until it releases the lock.
        on_wait: Called once if it is necessary to wait for another process.

    Raises:
        Locked: Another process still has it after this time.
        UserError: The file cannot be written.
    """
    file = FileLock(path)
    try:
        try:
            file.acquire(timeout=0)
        except Timeout:
            if on_wait is not None:
                on_wait()
            file.acquire(timeout=-1 if seconds is None else seconds)
    except Timeout as error:
        raise Locked from error
    except OSError as error:
        raise UserError(f"{guarded} cannot be written ({error.strerror or error})") from error
    try:
        yield
    finally:
        file.release()


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on a file, as far as this machine knows."""
    if not path.exists():
        return False
    try:
        with lock(path, path, seconds=0):
            return False
    except Locked:
        return True
    except UserError:
        return False  # the folder belongs to somebody else
