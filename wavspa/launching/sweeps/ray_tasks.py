"""Runs as tasks of a Ray cluster; Ray restarts a task on another node if its own node is lost."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from wavspa.errors import UserError, first_line
from wavspa.launching.run.freeze import read_config
from wavspa.launching.subprocesses import run_subprocess
from wavspa.reporting import warn
from wavspa.run_folder.lock import wait_until_free

_GPUS = ("gpu", "cuda")


def shape_of(trainer: DictConfig) -> tuple[int, int]:
    """The number of a job's devices, and how many of them are GPUs.

    Args:
        trainer: A run's ``trainer`` node.

    Raises:
        UserError: It leaves them to the machine, which is not yet known, or needs several nodes.
    """
    if trainer.num_nodes > 1:
        raise UserError(
            f"trainer.num_nodes must be 1 with hydra/launcher=ray, got {trainer.num_nodes}: "
            "use hydra/launcher=slurm for a job on several nodes"
        )
    devices = trainer.devices
    if not isinstance(devices, int) or devices < 1:
        raise UserError(
            f"trainer.devices must be a number with hydra/launcher=ray, got {devices!r}: set "
            "the number that a job needs, such as trainer.devices=1"
        )
    if trainer.accelerator not in (*_GPUS, "cpu"):
        raise UserError(
            f"trainer.accelerator must be cpu or gpu with hydra/launcher=ray, got {trainer.accelerator!r}: "
            "choose trainer=gpu or trainer=cpu"
        )
    return devices, devices if trainer.accelerator in _GPUS else 0


def run_all(folders: Sequence[Path], address: str | None, cpus_per_task: int, retries: int) -> None:
    """Start each run once, anywhere in a cluster, and return when all have ended.

    Args:
        folders: The runs' folders.
        address: The cluster's address; None: the one that Ray finds or starts.
        cpus_per_task: CPUs for each device.
        retries: How often a run is restarted if its node is lost.

    Raises:
        UserError: There is no cluster at this address.
    """
    # Any, since Ray's overloads do not describe options in a dict, and it may not be installed.
    ray: Any = import_module("ray")

    try:
        ray.init(address=address, logging_level="WARNING")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"hydra.launcher.address={address}: Ray does not answer ({first_line(error)})"
        ) from error
    try:
        tasks = {}
        for folder in folders:
            devices, gpus = shape_of(read_config(folder).trainer)
            needs = {"num_cpus": devices * cpus_per_task, "num_gpus": gpus, "max_retries": retries}
            task = ray.remote(**needs)(_run).remote(folder.absolute(), Path.cwd())
            tasks[task] = folder
        for task, folder in tasks.items():
            _wait(ray, task, folder)
    finally:
        ray.shutdown()


def _wait(ray: Any, task: Any, folder: Path) -> None:
    try:
        ray.get(task)
    except ray.exceptions.RayError as error:  # what the run recorded counts
        warn(f"{folder}: {first_line(error)}")


def _run(folder: Path, place: Path) -> int:
    """The task: ``wavspa-run`` in the folder where the sweep was started; return its exit code."""
    os.chdir(place)
    # A process on a lost node may still be saving, or the file system may not yet know that it is gone.
    wait_until_free(folder)
    return run_subprocess(folder, ends_with_this=True)
