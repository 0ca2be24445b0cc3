"""Sweeps under the launchers of other projects: each job is still a fresh ``wavspa-run``."""

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

# Their options for the number of jobs that run at the same time.
_AT_ONCE = {"joblib": "n_jobs", "submitit_slurm": "array_parallelism"}
# Their jobs on one machine would all take its first GPUs.
_SHARE_GPUS = ("joblib", "submitit_local")
# Their option for the number of GPUs of a job.
_GPUS = {"submitit_slurm": "gpus_per_node"}


class ForeignLauncher(SweepLauncher):
    """Lets another launcher start the runs, in workers wherever it has them.

    The folders are frozen here, before anything starts: what a worker composes again, when its turn has
    come, is ignored.

    Args:
        inner: The other launcher.
        name: The option of ``hydra/launcher`` that chose it.
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
                    f"hydra.launcher.{name}={options[name]}: leave it at 1, a job starts its processes "
                    "itself (trainer.devices); use hydra/launcher=slurm for several nodes"
                )
        if gpus := _gpus(trainer):
            self._check_gpus(gpus, options)

    @override
    def start(self, folders: Sequence[Path]) -> None:
        paths = [folder.absolute() for folder in folders]
        start = partial(_start, paths)
        self.inner.setup(hydra_context=self.hydra_context, task_function=start, config=self.config)
        # A worker makes this folder, and has no other to make.
        place = f"hydra.sweep.dir='{Path(self.config.hydra.sweep.dir).absolute()}'"
        try:
            self.inner.launch([[place] for _ in paths], initial_job_idx=0)
        except Exception as error:  # any of theirs; what the runs wrote down counts
            warn(f"hydra/launcher={self.name}: {first_line(error)}")

    def _check_gpus(self, gpus: Any, options: DictConfig) -> None:
        if self.name in _SHARE_GPUS:
            raise UserError(
                f"hydra/launcher={self.name} shares the same GPUs among all jobs; hydra/launcher=local with "
                "jobs=N divides them"
            )
        where = _GPUS.get(self.name)
        if where and OmegaConf.select(options, where) != gpus:
            raise UserError(
                f"trainer.devices={gpus} on GPUs needs hydra.launcher.{where}={gpus}, it is "
                f"{OmegaConf.select(options, where)}"
            )


def _start(folders: Sequence[Path], _: DictConfig) -> int:
    """The task function of a worker."""
    return run_subprocess(folders[HydraConfig.get().job.num])


def _gpus(trainer: DictConfig) -> Any:
    """The trainer's option for its GPUs; 0 if it uses none."""
    import torch

    on_gpus = trainer.accelerator in ("gpu", "cuda") or (
        trainer.accelerator == "auto" and torch.cuda.is_available()
    )
    return trainer.devices if on_gpus else 0
