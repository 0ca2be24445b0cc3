"""The Hydra launcher of sweeps on a SLURM cluster, by readable array scripts that are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from typing_extensions import override

from wavspa.errors import UserError
from wavspa.launching.slurm.prepare import prepare_before
from wavspa.launching.slurm.script import arrays_of, options_from, shape_of
from wavspa.launching.slurm.submit import largest_array, submit, wait_for
from wavspa.launching.sweeps.first_ends import failed_alike
from wavspa.launching.sweeps.launcher import SweepLauncher
from wavspa.run_folder.failures import first_failure
from wavspa.run_folder.status import read_status


class SlurmLauncher(SweepLauncher):
    """Submits the jobs of a sweep that have not finished, and waits for them if requested.

    Args:
        **options: The fields of :class:`wavspa.launching.slurm.script.Options`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.waits = options.get("wait") is True

    @override
    def check(self, job: DictConfig) -> None:
        options = options_from(self.options)
        shape_of(job.trainer)
        for name in ("time", "memory"):
            options.amount(name, str(job.dataset.name))
        if job.jobs != 1:
            raise UserError(
                f"jobs={job.jobs} only applies to sweeps on this machine; under SLURM it is "
                f"hydra.launcher.at_once={job.jobs}"
            )

    @override
    def start(self, folders: Sequence[Path]) -> None:
        options = options_from(self.options)
        arrays = arrays_of(folders, options.array_size or _most(folders), options.by_data)
        after = prepare_before(arrays, options)
        for array in arrays:
            submit(array, options, after)
        if self.waits:
            wait_for([array.job_name for array in arrays])
            for array in arrays if options.stop_after else []:
                started = array.folders_file.stat().st_mtime
                if reason := first_failure(array.folders, started, options.stop_after or 1):
                    raise failed_alike(reason, options.stop_after)


def _most(folders: Sequence[Path]) -> int | None:
    """The largest number of jobs in an array, if it limits this sweep; None if not, or if it is not known."""
    # For a sweep that has finished, SLURM is not asked.
    if all(read_status(folder).get("state") == "finished" for folder in folders):
        return None
    most = largest_array()
    if most is None or len(folders) <= most:
        return None
    print(f"this cluster takes arrays of at most {most} jobs (MaxArraySize)", flush=True)
    return most
