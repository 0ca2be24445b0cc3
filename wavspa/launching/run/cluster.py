"""The plugin from which Lightning learns the rank of this process."""

import os

from omegaconf import DictConfig
from pytorch_lightning.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)

from wavspa.errors import UserError
from wavspa.launching.run.slurm import in_step, number_of_devices


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
