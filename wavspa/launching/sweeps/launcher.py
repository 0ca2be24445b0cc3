"""The base class of sweep launchers, which composes, checks and freezes all jobs before any starts."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from wavspa.errors import RunFailed, UserError
from wavspa.launching.run.freeze import freeze_all
from wavspa.run_folder.status import read_status


class SweepLauncher(Launcher):
    """A launcher whose jobs are run folders; the task function of Hydra's program is not called."""

    waits = True
    """Whether the runs have ended when ``start`` returns."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep the objects that Hydra composes jobs with."""
        self.hydra_context = hydra_context
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Freeze the jobs and start them, or print what they would cost.

        Args:
            job_overrides: The overrides of each job.
            initial_job_idx: The number of the first job.

        Returns:
            One result per job.

        Raises:
            UserError: A job's configuration has a mistake; no job was started.
            RunFailed: Not all jobs finished.
        """
        jobs = [self.compose(overrides) for overrides in job_overrides]
        if any(job.dry_run for job in jobs):
            print_budget(jobs, job_overrides)
            return [JobReturn(status=JobStatus.COMPLETED) for _ in jobs]
        # Values that are typed twice, or in two ways, are one run, which only one process may train.
        folders = list(dict.fromkeys(freeze_all(jobs, job_overrides)))
        try:
            self.start(folders)
        except RunFailed:
            print_table(folders)
            raise
        if self.waits:
            print_table(folders)
            _check_finished(folders)
        return [JobReturn(status=JobStatus.COMPLETED) for _ in jobs]

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """A job's configuration, checked.

        Args:
            overrides: Its overrides.

        Raises:
            UserError: It has a mistake, or this launcher cannot start it.
        """
        # Imported here: --help loads this module and need not wait for torch and Lightning.
        from wavspa.launching.run.prepare import checked, strip_hydra_node

        loader = self.hydra_context.config_loader
        job = strip_hydra_node(loader.load_sweep_config(self.config, list(overrides)))
        job = checked(job, overrides)
        if job.find:
            raise UserError(f"find={job.find} only applies to a single run: leave out -m")
        self.check(job)
        return job

    def check(self, job: DictConfig) -> None:
        """Raise UserError if this launcher cannot start a job."""

    @abstractmethod
    def start(self, folders: Sequence[Path]) -> None:
        """Start the runs in ``folders``, including finished ones; they record their results themselves.

        Raises:
            RunFailed: Not all were started, since the first ones failed for the same reason.
        """


def print_budget(jobs: Sequence[DictConfig], overrides: Sequence[Sequence[str]]) -> None:
    """Print the estimated cost of jobs.

    Args:
        jobs: The jobs' configurations.
        overrides: The words that each was composed from.

    Raises:
        UserError: They name several devices, or several shares of a peak.
    """
    from wavspa.launching.trial.budget import budget_lines, costs

    for option in ("device", "mfu"):
        if len(values := list(dict.fromkeys(str(job[option]) for job in jobs))) > 1:
            raise UserError(
                f"{option}={','.join(values)}: a dry run of a sweep estimates one {option}; "
                f"repeat it with {option}={values[1]}"
            )
    print("\n".join(budget_lines(costs(jobs, overrides), jobs[0].device, jobs[0].mfu)))


def print_table(folders: Sequence[Path]) -> None:
    """Print the results of the runs in ``folders``, side by side."""
    from wavspa.reports.formats.terminal import console, print_report
    from wavspa.reports.runs.collect import collect

    print_report(collect(folders), console())


def _check_finished(folders: Sequence[Path]) -> None:
    unfinished = [folder for folder in folders if read_status(folder).get("state") != "finished"]
    if unfinished:
        raise RunFailed(
            f"{len(unfinished)} of {len(folders)} jobs did not finish; the same command retries them"
        )
