"""Runs that wait in SLURM's queue, and why they wait."""

from collections.abc import Iterable
from pathlib import Path

from wavspa.errors import UserError
from wavspa.launching.slurm.submit import squeue
from wavspa.reporting import warn

# For each task of an array: the job and task, what it waits for, and the script it was submitted with.
_WAITING = ("--array", "--states=PENDING", "--format=%i|%r|%o")


def waiting_runs(folders: Iterable[Path]) -> dict[Path, str]:
    """The jobs of the runs that wait in SLURM's queue, and SLURM's reasons.

    SLURM is only asked if a script of the launcher is next to a run.

    Args:
        folders: The folders of runs that have not finished.

    Returns:
        ``"job 12_3: Priority"`` by folder, as given.
    """
    given = {folder.resolve(): folder for folder in folders}
    if not any(_is_of_a_sweep(folder) for folder in given):
        return {}
    try:
        lines = squeue(*_WAITING)
    except UserError as error:  # what the runs recorded can still be shown
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
    """Whether an array's script is next to a run, or one level up, where runs of two experiments share it."""
    homes = (folder.parent, folder.parent.parent)
    return any(next(home.glob("sweep-*.sbatch"), None) is not None for home in homes)


def _folder(script: Path, task: str) -> Path | None:
    """The run of an array's task; None for jobs that are not the launcher's."""
    path = script.with_suffix(".txt")
    if not task.isdigit() or not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    return Path(lines[int(task) - 1]).resolve() if 0 < int(task) <= len(lines) else None
