"""Hydra's launcher of sweeps on this machine: each job a fresh ``wavspa-run``, one after another."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from wavspa.launching.folder import freeze
from wavspa.launching.prepare import without_auto, without_hydra
from wavspa.launching.process import run_fresh
from wavspa.launching.validate import validate
from wavspa.training.failures import RunFailed


class LocalLauncher(Launcher):
    """Validates all jobs of a sweep, freezes their folders, runs them, prints their table."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra composes jobs with; the task function is not called."""
        self.hydra_context = hydra_context
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs.

        Args:
            job_overrides: The overrides of each job.
            initial_job_idx: Number of the first one.

        Returns:
            One result a job.

        Raises:
            UserError: A job's configuration has a mistake; no job was started.
            RunFailed: All jobs have been run, and some failed.
        """
        jobs = [without_auto(self._compose(overrides)) for overrides in job_overrides]
        for job in jobs:
            validate(job)
        folders = [freeze(job, o) for job, o in zip(jobs, job_overrides, strict=True)]
        codes = []
        for number, folder in enumerate(folders, start=1):
            print(f"[{number}/{len(folders)}] {folder}", flush=True)
            codes.append(run_fresh(folder))
        _print_table(folders)
        failed = sum(code != 0 for code in codes)
        if failed:
            raise RunFailed(f"{failed} of {len(codes)} jobs failed; the same command retries them")
        return [JobReturn(status=JobStatus.COMPLETED) for _ in folders]

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        loader = self.hydra_context.config_loader
        return without_hydra(loader.load_sweep_config(self.config, list(overrides)))


def _print_table(folders: list[Path]) -> None:
    from wavspa.reports.collect import collect
    from wavspa.reports.table import console, print_report

    print_report(collect(folders), console())
