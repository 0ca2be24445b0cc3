"""Starts of ``wavspa-run`` in its own process."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

# What a parent that trained, or torchrun, leaves behind and a new job must not take for its own.
_DISTRIBUTED = (
    "LOCAL_RANK",
    "RANK",
    "NODE_RANK",
    "GROUP_RANK",
    "ROLE_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "GROUP_WORLD_SIZE",
    "ROLE_WORLD_SIZE",
    # srun's: a sweep inside a SLURM job starts its jobs itself.
    "SLURM_STEP_ID",
    "SLURM_PROCID",
    "SLURM_LOCALID",
    "SLURM_NODEID",
    "SLURM_NTASKS",
    "SLURM_NTASKS_PER_NODE",
)
_DISTRIBUTED_PREFIXES = ("MASTER_", "TORCHELASTIC_", "PL_")

ENVIRONMENT = {
    # glibc hands large blocks back to the system at each free; keeping them halves the time per step
    # on the CPU. It reads these before main().
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
    # A file of the user's next to the runs, such as copy.py, must not hide a library's module.
    "PYTHONSAFEPATH": "1",
}
_SECONDS_TO_STOP = 30
_PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>


def exec_run(folder: Path) -> NoReturn:
    """Replace this process by ``wavspa-run folder``; ranks come from the environment as it is."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = _command(folder)
    os.execv(command[0], command)


def reexec_with_run_environment(module: str) -> None:
    """Restart this command with the environment that runs have, unless it has it already.

    Args:
        module: The command, as ``python -m`` takes it.
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
        variables: Further variables of its environment.
        ends_with_this: Have Linux send it SIGTERM when this process is killed, which cannot do so.

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
        # The terminal has sent the job the same signal; let it write down that it was interrupted.
        job.wait(timeout=_SECONDS_TO_STOP)
        raise
    except BaseException:
        # The handler of a launcher's signal, which reached its worker alone.
        job.terminate()
        job.wait(timeout=_SECONDS_TO_STOP)
        raise


def _end_with_parent() -> None:
    """Have the system send SIGTERM to this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def clean_environment() -> dict[str, str]:
    """This process's environment without ranks and rendezvous, with what makes a run fast and safe."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in _DISTRIBUTED and not key.startswith(_DISTRIBUTED_PREFIXES)
    }
    return {**ENVIRONMENT, **kept}


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "wavspa.commands.run", str(folder)]
