"""One process at a time in a run's folder."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wavspa import locks
from wavspa.errors import UserError
from wavspa.reporting import is_first_rank, report
from wavspa.run_folder import layout

# wavspa-status takes the lock for a moment to find out whether a process holds it.
_SECONDS = 2.0
_SECONDS_BETWEEN_LOOKS = 1.0


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other starts of the same run out; the system releases the lock when a process dies.

    The first rank holds it for all ranks.

    Args:
        folder: The run's folder.

    Raises:
        UserError: Another process is running it, or the folder cannot be written.
    """
    if not is_first_rank():
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.lock(folder / layout.LOCK, folder, _SECONDS))
        except locks.Locked as error:
            raise UserError(
                f"another process is running {folder}: wait for it, or stop it"
            ) from error
        yield


def wait_until_free(folder: Path) -> None:
    """Wait for a process that is running the run in ``folder`` and has outlived its parent."""
    if is_locked(folder):
        report(f"waiting for the process that is running {folder}")
    while is_locked(folder):
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def is_locked(folder: Path) -> bool:
    """Whether a process is running the run in ``folder``, as far as this machine knows."""
    return locks.is_locked(folder / layout.LOCK)
