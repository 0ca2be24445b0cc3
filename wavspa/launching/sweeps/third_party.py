"""Sweeps under other projects' launchers; each job is still a separate ``wavspa-run``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from typing_extensions import override

from wavspa.errors import UserError, first_line
from wavspa.launching.subprocesses import run_subprocess
from wavspa.launching.sweeps.launcher import SweepLauncher
from wavspa.reporting import warn

# Their options for the number of jobs that run at once.
_AT_ONCE = {"joblib": "n_jobs", "submitit_slurm": "array_parallelism"}
# Launchers whose jobs would all take the machine's first GPUs.
_SHARE_GPUS = ("joblib", "submitit_local")
# Their options for the number of GPUs of a job.
_GPUS = {"submitit_slurm": "gpus_per_node"}


class ForeignLauncher(SweepLauncher):
    """Lets another launcher start the runs in its own workers.

    The folders are frozen here, before anything starts: the configuration that a worker composes again
    later is ignored.

    Args:
        inner: The other launcher.
        name: The value of ``hydra/launcher`` that chose it.
    """

    def __init__(self, inner: Launcher, name: str) -> None:
        self.inner = inner
        self.name = name

    @override
    def check(self, job: DictConfig) -> None:
        options, trainer = self.config.hydra.launcher, job.trainer
        if job.jobs != 1:
            theirs = _AT_ONCE.get(self.name)
            hint = f"; here it is hydra.launcher.{theirs}={job.jobs}" if theirs else ""
            raise UserError(f"jobs={job.jobs} only applies to hydra/launcher=local{hint}")
        if trainer.num_nodes > 1:
            raise UserError(
                f"trainer.num_nodes={trainer.num_nodes}: a job of hydra/launcher={self.name} is one "
                "command on one node; use hydra/launcher=slurm"
            )
        for name in ("tasks_per_node", "nodes"):
            if options.get(name, 1) != 1:
                raise UserError(
                    f"hydra.launcher.{name} must be 1, got {options[name]}: a job starts its processes "
                    "itself (trainer.devices); use hydra/launcher=slurm for several nodes"
                )
        if gpus := _gpus(trainer):
            self._check_gpus(gpus, options)

    @override
    def start(self, folders: Sequence[Path]) -> None:
        paths = [folder.absolute() for folder in folders]
        start = partial(_start, paths)
        self.inner.setup(hydra_context=self.hydra_context, task_function=start, config=self.config)
        # The only folder that a worker creates.
        place = f"hydra.sweep.dir='{Path(self.config.hydra.sweep.dir).absolute()}'"
        try:
            self.inner.launch([[place] for _ in paths], initial_job_idx=0)
        except Exception as error:  # any error of another project; what the runs recorded counts
            warn(f"hydra/launcher={self.name}: {first_line(error)}")

    def _check_gpus(self, gpus: Any, options: DictConfig) -> None:
        if self.name in _SHARE_GPUS:
            raise UserError(
                f"hydra/launcher={self.name} uses the same GPUs for all jobs: use hydra/launcher=local with "
                "jobs=N, which divides them"
            )
        where = _GPUS.get(self.name)
        if where and OmegaConf.select(options, where) != gpus:
            raise UserError(
                f"hydra.launcher.{where} must be {gpus} for trainer.devices={gpus} on GPUs, got "
                f"{OmegaConf.select(options, where)}"
            )


def _start(folders: Sequence[Path], _: DictConfig) -> int:
    """The task function that workers call."""
    return run_subprocess(folders[HydraConfig.get().job.num])


def _gpus(trainer: DictConfig) -> Any:
    """The trainer's number of GPUs, as configured; 0 if it uses none."""
    import torch

    on_gpus = trainer.accelerator in ("gpu", "cuda") or (
        trainer.accelerator == "auto" and torch.cuda.is_available()
    )
    return trainer.devices if on_gpus else 0
