"""The Hydra launcher of sweeps on a Ray cluster; each job is a ``wavspa-run`` where there is room."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from omegaconf import DictConfig
from typing_extensions import override

from wavspa.checks import whole_number
from wavspa.errors import UserError
from wavspa.launching.sweeps.launcher import SweepLauncher
from wavspa.launching.sweeps.ray_tasks import run_all, shape_of


class RayLauncher(SweepLauncher):
    """Runs the jobs of a sweep as Ray tasks, as many at once as the cluster has CPUs and GPUs for.

    Args:
        address: The cluster's address; None: the one that Ray finds, or a new one on this machine.
        cpus_per_task: CPUs for each device of a job.
        retries: How often a job is restarted elsewhere if its node is lost.

    Raises:
        UserError: An option is impossible.
    """

    def __init__(
        self, address: str | None = None, cpus_per_task: int = 1, retries: int = 3
    ) -> None:
        self.address = address
        self.cpus_per_task = whole_number("hydra.launcher.cpus_per_task", cpus_per_task)
        self.retries = whole_number("hydra.launcher.retries", retries, 0)

    @override
    def check(self, job: DictConfig) -> None:
        if find_spec("ray") is None:
            raise UserError("hydra/launcher=ray needs Ray: pip install 'wavspa[ray]'")
        if job.jobs != 1:
            raise UserError(
                f"jobs={job.jobs} only applies to hydra/launcher=local: Ray starts as many jobs as the "
                "cluster has CPUs (hydra.launcher.cpus_per_task) and GPUs for"
            )
        shape_of(job.trainer)

    @override
    def start(self, folders: Sequence[Path]) -> None:
        run_all(folders, self.address, self.cpus_per_task, self.retries)
