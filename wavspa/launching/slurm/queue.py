"""Runs that wait in SLURM's queue, and the reasons."""

from collections.abc import Iterable
from pathlib import Path

from wavspa.errors import UserError
from wavspa.launching.slurm.submit import squeue
from wavspa.reporting import warn

# The job and its task, what it waits for, and the script that it came from; of each task of an array.
_WAITING = ("--array", "--states=PENDING", "--format=%i|%r|%o")


def waiting_runs(folders: Iterable[Path]) -> dict[Path, str]:
    """Of the runs that wait in SLURM's queue, their jobs and SLURM's reasons.

    SLURM is asked only where a script of the launcher is next to a run.

    Args:
        folders: Runs that have not finished.

    Returns:
        ``"job 12_3: Priority"`` by the folder as it was given.
    """
    given = {folder.resolve(): folder for folder in folders}
    if not any(_is_of_a_sweep(folder) for folder in given):
        return {}
    try:
        lines = squeue(*_WAITING)
    except UserError as error:  # what the runs recorded exists nevertheless
        warn(str(error))
        return {}
    found = {}
    for line in lines:
        job, reason, script = line.split("|", 2)
        folder = _folder(Path(script), job.rpartition("_")[2])
        if folder in given:
            found[given[folder]] = f"job {job}: {reason}"
    return found


def _is_of_a_sweep(folder: Path) -> bool:
    """Whether an array's script is where the launcher would write it: runs of two experiments share one."""
    homes = (folder.parent, folder.parent.parent)
    return any(next(home.glob("sweep-*.sbatch"), None) is not None for home in homes)


def _folder(script: Path, task: str) -> Path | None:
    """The run of an array's task; None of jobs that are not the launcher's."""
    path = script.with_suffix(".txt")
    if not task.isdigit() or not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    return Path(lines[int(task) - 1]).resolve() if 0 < int(task) <= len(lines) else None
