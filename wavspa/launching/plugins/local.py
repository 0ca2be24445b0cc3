"""The Hydra launcher of sweeps on this machine; each job is a separate ``wavspa-run``."""

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from omegaconf import DictConfig
from typing_extensions import override

from wavspa.checks import whole_number, whole_number_or_none
from wavspa.errors import UserError
from wavspa.launching.subprocesses import run_subprocess
from wavspa.launching.sweeps.first_ends import FirstEnds
from wavspa.launching.sweeps.launcher import SweepLauncher


class LocalLauncher(SweepLauncher):
    """Runs the jobs of a sweep, several at once if requested.

    Args:
        jobs: Number of jobs that run at once; the GPUs, if there are any, are divided among them.
        stop_after: Number of runs that must fail for the same reason, before one finishes, to end the sweep;
            None: never.

    Raises:
        UserError: An option is not a whole number of at least 1.
    """

    def __init__(self, jobs: int = 1, stop_after: int | None = None) -> None:
        self.jobs = whole_number("jobs", jobs)
        self.first_ends = FirstEnds(whole_number_or_none("hydra.launcher.stop_after", stop_after))

    @override
    def check(self, job: DictConfig) -> None:
        gpus = _gpu_count()
        if self.jobs > 1 and 0 < gpus < self.jobs:
            raise UserError(
                f"jobs={self.jobs} needs a GPU for each job, but there are {gpus}: set jobs={gpus}"
            )

    @override
    def start(self, folders: Sequence[Path]) -> None:
        free: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        for share in gpu_shares(self.jobs, _gpu_count()):
            free.put(share)

        def run(number: int, folder: Path) -> None:
            share = free.get()
            try:
                if self.first_ends.reason is not None:
                    return
                print(f"[{number}/{len(folders)}] {folder}", flush=True)
                self.first_ends.add(folder, run_subprocess(folder, share))
            finally:
                free.put(share)

        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(run, range(1, len(folders) + 1), folders))
        self.first_ends.check()


def gpu_shares(jobs: int, gpus: int) -> list[dict[str, str]]:
    """The environment variables that assign each of several concurrent jobs its GPUs; empty for a single job.

    Args:
        jobs: The number of jobs.
        gpus: The number of GPUs.
    """
    if jobs == 1 or not gpus:
        return [{} for _ in range(jobs)]
    each = gpus // jobs
    shares = [range(job * each, (job + 1) * each) for job in range(jobs)]
    return [{"CUDA_VISIBLE_DEVICES": ",".join(map(str, share))} for share in shares]


def _gpu_count() -> int:
    # Imported here: --help loads this module and need not wait for torch.
    import torch

    return torch.cuda.device_count()
