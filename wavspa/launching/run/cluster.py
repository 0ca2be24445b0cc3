"""The rank of this process, and the plugin from which Lightning learns it."""

import os

from omegaconf import DictConfig
from pytorch_lightning.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from pytorch_lightning.utilities import rank_zero_only

from wavspa.errors import UserError
from wavspa.launching.run.slurm import in_step, number_of_devices
from wavspa.ranks import without_ranks


def settle_rank(trainer: DictConfig) -> None:
    """Make the only process of a run on one device its first rank, in any environment it was started in.

    Args:
        trainer: The run's ``trainer`` node.

    Raises:
        UserError: Torchrun or SLURM started several processes for it.
    """
    if (trainer.devices, trainer.num_nodes) != (1, 1):
        return
    if TorchElasticEnvironment.detect():
        _check_torchrun()
    elif "SLURM_JOB_ID" in os.environ and in_step():
        _check_shape(trainer)
    else:
        for name in os.environ.keys() - without_ranks(os.environ).keys():
            del os.environ[name]
        # Lightning has read the variables already; it adds the attribute to the function, unseen by mypy.
        rank_zero_only.rank = 0  # type: ignore[attr-defined]


def cluster_environment(trainer: DictConfig) -> list[ClusterEnvironment]:
    """The plugin from which Lightning learns the rank of this process; empty if it needs none.

    Args:
        trainer: The run's ``trainer`` node.

    Raises:
        UserError: SLURM did not start the processes that the trainer needs.
    """
    if TorchElasticEnvironment.detect() or "SLURM_JOB_ID" not in os.environ:
        return []
    if in_step():
        _check_shape(trainer)
        return [_Ranks()]
    if trainer.num_nodes > 1:
        raise UserError(f"trainer.num_nodes={trainer.num_nodes}: start it with srun wavspa-run …")
    # Without srun there is one process, even if the job's variables promise more.
    return [LightningEnvironment()]


class _Ranks(SLURMEnvironment):
    """Lightning's view of SLURM's ranks, with another rendezvous port in each start of a job."""

    def __init__(self) -> None:
        # Lightning's own requeueing saves inside the signal handler.
        super().__init__(auto_requeue=False)

    @property
    def main_port(self) -> int:
        start = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
        port = 15000 + (int(os.environ["SLURM_JOB_ID"]) + 997 * start) % 10000
        return int(os.environ.get("MASTER_PORT", port))


def _check_torchrun() -> None:
    processes = os.environ["WORLD_SIZE"]
    if processes != "1":
        raise UserError(
            f"trainer.devices=1 trainer.num_nodes=1 needs one process, and torchrun started {processes}: "
            "set trainer.devices to the number on each node, and trainer.num_nodes"
        )


def _check_shape(trainer: DictConfig) -> None:
    devices, nodes = number_of_devices(trainer), trainer.num_nodes
    tasks_per_node = os.environ.get("SLURM_NTASKS_PER_NODE", "1" if devices == 1 else "not given")
    tasks, used = (os.environ.get(f"SLURM_STEP_NUM_{what}", "1") for what in ("TASKS", "NODES"))
    if (tasks_per_node, tasks, used) != (str(devices), str(devices * nodes), str(nodes)):
        raise UserError(
            f"trainer.devices={devices} trainer.num_nodes={nodes} needs sbatch --nodes={nodes} "
            f"--ntasks-per-node={devices}; srun started {tasks} tasks on {used} nodes "
            f"(ntasks-per-node: {tasks_per_node})"
        )
