"""Starting ``wavspa-run`` in its own process."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from wavspa.ranks import without_ranks

# Set by an agent of a W&B sweep for the one run that it asks for.
_OF_ONE_RUN = ("WANDB_RUN_ID", "WANDB_RESUME", "WANDB_NAME")

ENVIRONMENT = {
    # glibc returns large blocks to the system at each free; keeping them halves the time per step
    # on the CPU. It reads these variables before main().
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
    # A file of the user's next to the runs, such as copy.py, must not hide a library's module.
    "PYTHONSAFEPATH": "1",
}
_SECONDS_TO_STOP = 30
_PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def exec_run(folder: Path) -> NoReturn:
    """Replace this process by ``wavspa-run folder``; its rank comes from the unchanged environment."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = _command(folder)
    os.execv(command[0], command)


def reexec_with_run_environment(module: str) -> None:
    """Restart this command with the environment of runs, unless it already has it.

    Args:
        module: The command's module, as for ``python -m``.
    """
    if not ENVIRONMENT.keys() <= os.environ.keys():
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execve(command[0], command, {**ENVIRONMENT, **os.environ})


def run_subprocess(
    folder: Path,
    variables: Mapping[str, str] = MappingProxyType({}),
    ends_with_this: bool = False,
) -> int:
    """Run ``wavspa-run folder`` as its own job and wait for it.

    Args:
        folder: The run's folder.
        variables: Further environment variables for it.
        ends_with_this: Have Linux send it SIGTERM when this process is killed and cannot do so itself.

    Returns:
        Its exit code, negative for the signal that ended it.
    """
    job = subprocess.Popen(
        _command(folder),
        env={**clean_environment(), **variables},
        preexec_fn=_end_with_parent if ends_with_this and sys.platform == "linux" else None,
    )
    try:
        return job.wait()
    except KeyboardInterrupt:
        # The terminal has sent the job the same signal; let it record that it was interrupted.
        job.wait(timeout=_SECONDS_TO_STOP)
        raise
    except BaseException:
        # Raised by the handler of a launcher's signal, which only its worker received.
        job.terminate()
        job.wait(timeout=_SECONDS_TO_STOP)
        raise


def _end_with_parent() -> None:
    """Have the system send SIGTERM to this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def clean_environment() -> dict[str, str]:
    """The environment of a new job: this process's without its rank and W&B run, plus :data:`ENVIRONMENT`."""
    kept = without_ranks(os.environ)
    return {**ENVIRONMENT, **{key: kept[key] for key in kept if key not in _OF_ONE_RUN}}


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "wavspa.commands.run", str(folder)]
