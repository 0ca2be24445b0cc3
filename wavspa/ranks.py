"""The environment variables by which a launcher assigns ranks."""

from collections.abc import Mapping

# Left in the environment by torchrun or a parent that trained; a new launch must not inherit it.
_VARIABLES = (
    "LOCAL_RANK",
    "RANK",
    "NODE_RANK",
    "GROUP_RANK",
    "ROLE_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "GROUP_WORLD_SIZE",
    "ROLE_WORLD_SIZE",
    # Set by srun: a sweep inside a SLURM job starts its jobs itself.
    "SLURM_STEP_ID",
    "SLURM_PROCID",
    "SLURM_LOCALID",
    "SLURM_NODEID",
    "SLURM_NTASKS",
    "SLURM_NTASKS_PER_NODE",
)
_PREFIXES = ("MASTER_", "TORCHELASTIC_", "PL_")


def without_ranks(variables: Mapping[str, str]) -> dict[str, str]:
    """Leave out what describes the ranks of another launch, and where they meet.

    Args:
        variables: Environment variables.
    """
    return {
        key: value
        for key, value in variables.items()
        if key not in _VARIABLES and not key.startswith(_PREFIXES)
    }
