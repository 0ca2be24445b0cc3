"""Submitting a sweep's arrays to SLURM, and waiting for them."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.launching.slurm.script import Array, Options, script
from wavspa.launching.subprocesses import clean_environment
from wavspa.reporting import warn
from wavspa.run_folder.status import read_status

_SECONDS_BETWEEN_LOOKS = 10.0


def submit(array: Array, options: Options, after: str | None = None) -> str | None:
    """Write an array's files and submit its runs that are neither finished nor queued.

    Args:
        array: The runs.
        options: The user's options of the jobs; with ``submit=False`` the script is printed instead.
        after: The id of a job that has to succeed first.

    Returns:
        The array's job id, or None if nothing was submitted.

    Raises:
        UserError: There is no SLURM here, or it refuses the script.
    """
    waiting, queued = _tasks(array, options)
    print(_counts(len(array.folders), len(waiting), len(queued)), flush=True)
    if not waiting:
        return None
    atomic.write_text(array.folders_file, "".join(f"{folder}\n" for folder in array.folders))
    atomic.write_text(array.script, script(array, waiting, options))
    # Without the second option these jobs would wait forever if the first one fails.
    order = [f"--dependency=afterok:{after}", "--kill-on-invalid-dep=yes"] if after else []
    if not options.submit:
        print_script(array.script, f"sbatch {' '.join([*order, shlex.quote(str(array.script))])}")
        return None
    job = sbatch(array.script, *order)
    print(f"submitted: job {job}  {array.script}", flush=True)
    return job


def print_script(path: Path, command: str) -> None:
    """Print a script that was written but not submitted, and the command that submits it.

    Args:
        path: The script.
        command: The command.
    """
    print(
        f"written: {path}\n\n{path.read_text(encoding='utf-8')}\nto submit it: {command}",
        flush=True,
    )


def sbatch(script: Path, *options: str) -> str:
    """Submit a script; return its job id.

    Args:
        script: The file.
        *options: Options of sbatch, in addition to those in the file.

    Raises:
        UserError: There is no SLURM here, or it refuses the script.
    """
    done = _ask("sbatch", "--parsable", *options, str(script))
    if done is None:
        raise UserError(
            f"there is no sbatch on this machine; on one that has it and shares these files, run "
            f"{shlex.join(['sbatch', *options, str(script)])}"
        )
    if done.returncode:
        raise UserError(f"sbatch refuses {script}: {' '.join(done.stderr.split())}")
    return done.stdout.strip().partition(";")[0]


def waiting_tasks(array: Array, options: Options) -> list[int]:
    """The numbers of an array's runs that are neither finished nor queued.

    Args:
        array: The runs.
        options: The user's options of the jobs.
    """
    return _tasks(array, options)[0]


def largest_array() -> int | None:
    """The largest number of jobs in an array on this cluster; None if SLURM does not report it."""
    done = _ask("scontrol", "show", "config")
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", done.stdout if done else "", re.MULTILINE)
    # Task numbers must be below MaxArraySize, and ours start at 1.
    return max(int(found[1]) - 1, 1) if found else None


def queued_jobs(job_name: str) -> list[str]:
    """The ids of the jobs with this name that run or wait in SLURM's queue.

    Args:
        job_name: The jobs' name.
    """
    return squeue("--format=%i", f"--name={job_name}")


def squeue(*options: str) -> list[str]:
    """The lines of SLURM's queue for the user's jobs; empty if there is no SLURM.

    Args:
        *options: Options of squeue.

    Raises:
        UserError: It fails.
    """
    done = _ask("squeue", "--noheader", *options, f"--user={os.getuid()}")
    if done is None:
        return []
    if done.returncode:
        raise UserError(f"squeue fails: {' '.join(done.stderr.split())}")
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def wait_for(job_names: Sequence[str]) -> None:
    """Wait until SLURM has no task of these arrays left, running or queued.

    Args:
        job_names: The arrays' job names.
    """
    left = list(job_names)
    while left:
        try:
            left = [name for name in left if _queued_tasks(name)]
        except (
            UserError
        ) as error:  # the controller is busy or restarting; the jobs are not affected
            warn(str(error))
        if left:
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _queued_tasks(job_name: str) -> set[int]:
    """The numbers of an array's tasks that run or wait in SLURM's queue."""
    return set(map(int, squeue("--array", "--format=%K", f"--name={job_name}")))


def _tasks(array: Array, options: Options) -> tuple[list[int], set[int]]:
    """The numbers of an array's runs that are to be started, and of those that are queued."""
    unfinished = {
        number
        for number, folder in enumerate(array.folders, start=1)
        if read_status(folder).get("state") != "finished"
    }
    # For a sweep that has finished, SLURM is not asked, as it may be out of reach by then; nor is it for a
    # script that is meant for another machine.
    asks = bool(unfinished) and options.submit
    queued = _queued_tasks(array.job_name) if asks else set()
    return sorted(unfinished - queued), queued


def _ask(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    except FileNotFoundError:
        return None


def _counts(runs: int, waiting: int, queued: int) -> str:
    parts = [f"{runs} runs: {waiting} to start"]
    parts += [f"{queued} already queued"] if queued else []
    parts += [f"{runs - waiting - queued} finished"] if runs > waiting + queued else []
    return ", ".join(parts)
