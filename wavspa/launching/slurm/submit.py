"""Submitting the arrays of a sweep to SLURM, and waiting for them."""

import os
import subprocess
import time
from collections.abc import Sequence

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.launching.slurm.script import Array, Options, script
from wavspa.launching.subprocesses import clean_environment
from wavspa.reporting import warn
from wavspa.run_folder.status import read_status

_SECONDS_BETWEEN_LOOKS = 10.0


def submit(array: Array, options: Options) -> str | None:
    """Write an array's files and submit those of its runs that neither have finished nor are queued.

    Args:
        array: The runs.
        options: What the user says of the jobs.

    Returns:
        The array's job id, or None if there was nothing to submit.

    Raises:
        UserError: There is no SLURM here, or it refuses the script.
    """
    unfinished = {
        number
        for number, folder in enumerate(array.folders, start=1)
        if read_status(folder).get("state") != "finished"
    }
    # A sweep that has finished asks nothing of SLURM, which may be out of reach by then.
    queued = _queued_tasks(array.job_name) if unfinished else set()
    waiting = sorted(unfinished - queued)
    print(_counts(len(array.folders), len(waiting), len(queued)), flush=True)
    if not waiting:
        return None
    atomic.write_text(array.folders_file, "".join(f"{folder}\n" for folder in array.folders))
    atomic.write_text(array.script, script(array, waiting, options))
    done = _ask("sbatch", "--parsable", str(array.script))
    if done is None:
        raise UserError(
            f"there is no sbatch on this machine; on one that has it and sees the same files: "
            f"sbatch {array.script}"
        )
    if done.returncode:
        raise UserError(f"sbatch refuses {array.script}: {' '.join(done.stderr.split())}")
    job = done.stdout.strip().partition(";")[0]
    print(f"submitted: job {job}  {array.script}", flush=True)
    return job


def wait_for(job_names: Sequence[str]) -> None:
    """Return when SLURM has nothing left of some arrays, neither running nor in the queue.

    Args:
        job_names: The arrays' job names.
    """
    left = list(job_names)
    while left:
        try:
            left = [name for name in left if _queued_tasks(name)]
        except UserError as error:  # a busy or restarted controller; the jobs know nothing of it
            warn(str(error))
        if left:
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _queued_tasks(job_name: str) -> set[int]:
    """The numbers of an array's tasks that run or wait in SLURM's queue."""
    command = ("squeue", "--noheader", "--array", "--format=%K", f"--name={job_name}")
    done = _ask(*command, f"--user={os.getuid()}")
    if done is None:
        return set()
    if done.returncode:
        raise UserError(f"squeue fails: {' '.join(done.stderr.split())}")
    return {int(word) for word in done.stdout.split()}


def _ask(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    except FileNotFoundError:
        return None


def _counts(runs: int, waiting: int, queued: int) -> str:
    parts = [f"{runs} runs: {waiting} to start"]
    parts += [f"{queued} in the queue already"] if queued else []
    parts += [f"{runs - waiting - queued} finished"] if runs > waiting + queued else []
    return ", ".join(parts)
