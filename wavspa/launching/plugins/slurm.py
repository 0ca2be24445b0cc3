"""Hydra's launcher of sweeps on a SLURM cluster: one array script, readable and kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from wavspa.launching import slurm
from wavspa.launching.sweep import SweepLauncher, print_table
from wavspa.training.failures import RunFailed
from wavspa.training.status import read_status


class SlurmLauncher(SweepLauncher):
    """Submits the jobs of a sweep that have not finished, and returns or waits for them.

    Args:
        **options: The fields of :class:`wavspa.launching.slurm.Options`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options

    def check(self, job: DictConfig) -> None:  # noqa: D102
        slurm.Options(**self.options)
        slurm.shape_of(job.trainer)

    def start(self, folders: Sequence[Path]) -> None:  # noqa: D102
        options = slurm.Options(**self.options)
        arrays = slurm.arrays_of(folders)
        for array in arrays:
            slurm.submit(array, options)
        if not options.wait:
            return
        slurm.wait_for([array.job_name for array in arrays])
        print_table(folders)
        unfinished = [f for f in folders if read_status(f).get("state") != "finished"]
        if unfinished:
            raise RunFailed(
                f"{len(unfinished)} of {len(folders)} jobs did not finish; the same command retries them"
            )
