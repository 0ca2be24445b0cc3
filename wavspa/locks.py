"""One process at a time, by the lock of a file; the system frees it when its process dies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wavspa.errors import UserError


class Locked(Exception):
    """Another process has the lock."""


@contextmanager
def lock(
    path: Path,
    guarded: Path,
    seconds: float | None = None,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold a lock while a block runs.

    Args:
        path: The lock's file.
        guarded: What it guards, for the message.
        seconds: How long to wait for another process; None is until that is done.
        on_wait: Called once if another process has to be waited for.

    Raises:
        Locked: Another process has it, and the time is over.
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
    """Whether a process has the lock of a file, as far as this machine knows."""
    if not path.exists():
        return False
    try:
        with lock(path, path, seconds=0):
            return False
    except Locked:
        return True
    except UserError:
        return False  # a folder of somebody else's
