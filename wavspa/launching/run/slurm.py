"""A run inside a SLURM job: its devices, and requeueing."""

import os
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from wavspa.errors import UserError
from wavspa.run_folder import layout
from wavspa.run_folder.failures import first_failure

# A job with such a name is an interactive shell (Lightning has the same rule).
_SHELLS = ("bash", "interactive")
# The exit code of a run that saved at the signal of sbatch's --signal=USR1.
_TIME_IS_OVER = 128 + signal.SIGUSR1


def in_step() -> bool:
    """Whether srun started this process in a job that is not a shell."""
    return "SLURM_STEP_ID" in os.environ and os.environ.get("SLURM_JOB_NAME") not in _SHELLS


def number_of_devices(trainer: DictConfig) -> int:
    """The number of devices per node, which must equal SLURM's tasks per node.

    Raises:
        UserError: The trainer leaves the number to the machine.
    """
    if not isinstance(trainer.devices, int) or trainer.devices < 1:
        raise UserError(
            f"trainer.devices={trainer.devices}: SLURM starts a process for each device, so set the "
            "number of devices per node, such as trainer.devices=4"
        )
    return trainer.devices


def requeue_after(number: int) -> None:
    """Requeue this run's job if its time limit is near or it is pre-empted.

    The state must have been saved. SLURM itself takes care of a job that is cancelled or requeued by hand,
    or pre-empted without a grace period.

    Args:
        number: The signal that ended the run; ``sbatch --signal=USR1@…`` announces the time limit.
    """
    if not in_step():
        return
    if number == signal.SIGUSR1 or (number == signal.SIGTERM and _is_preempted()):
        print(requeue(), flush=True)


def requeue() -> str:
    """Requeue this process's job; return the outcome in one line."""
    job = _job()
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True)
    except FileNotFoundError:
        return f"job {job} has to be requeued by its script: there is no scontrol here"
    if done.returncode:
        return f"job {job} cannot be requeued: {' '.join(done.stderr.split())}"
    return f"requeued: job {job} resumes in the same folder when SLURM starts it again"


def retry(folder: Path, code: int, retries: int) -> str | None:
    """Requeue a job whose run has died, unless it died too often.

    Deaths are counted per job in the run's folder. SLURM's own count of restarts includes time limits and
    pre-emptions, which may be many in a long run.

    Args:
        folder: The run's folder.
        code: The exit code of srun.
        retries: How often a job is requeued at most.

    Returns:
        The outcome in one line, or None if SLURM is already ending the job (it was cancelled, pre-empted
        or requeued).
    """
    if _facts().get("JobState") != "RUNNING":
        return None
    if code == _TIME_IS_OVER:  # it saved in a container, where there is no scontrol
        return requeue()
    job = _job()
    path = folder / layout.DEATHS
    now = datetime.now().isoformat(timespec="seconds")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{job} {now} {os.uname().nodename} exit code {code}\n")
    lines = path.read_text(encoding="utf-8").splitlines()
    deaths = sum(line.startswith(f"{job} ") for line in lines)
    if deaths > retries:
        return f"exit code {code}: not tried again (it died {deaths} times, retries={retries})"
    return f"exit code {code}, retry {deaths} of {retries}; {requeue()}"


def stop_array(runs: Path, stop_after: int, folder: Path, code: int) -> str | None:
    """Cancel the pending tasks of this process's array if its first runs failed for the same reason.

    Args:
        runs: The file with the array's run folders, one per line, written at its submission.
        stop_after: The number of runs that must fail while none finishes.
        folder: The run that has just ended badly.
        code: The exit code of srun.

    Returns:
        The outcome in one line, or None if the array continues.
    """
    folders = map(Path, runs.read_text(encoding="utf-8").splitlines())
    reason = first_failure(folders, runs.stat().st_mtime, stop_after, {folder: code})
    if reason is None:
        return None
    array = os.environ["SLURM_ARRAY_JOB_ID"]
    subprocess.run(["scancel", "--state=PENDING", array], capture_output=True)
    return (
        f"the first jobs failed for the same reason (stop_after={stop_after}), so the rest of job {array} "
        f"is cancelled: {reason}"
    )


def _is_preempted() -> bool:
    facts = _facts()
    return facts.get("JobState") == "RUNNING" and facts.get("PreemptTime", "None") != "None"


def _job() -> str:
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ["SLURM_JOB_ID"]


def _facts() -> dict[str, Any]:
    """SLURM's facts about this process's job; empty in a container without SLURM's commands."""
    command = ["scontrol", "show", "job", "--oneliner", os.environ["SLURM_JOB_ID"]]
    try:
        words = subprocess.run(command, capture_output=True, text=True).stdout.split()
    except FileNotFoundError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)
