"""The names of the files in a run's folder."""

from pathlib import Path

CONFIG = "config.yaml"
METRICS = "metrics.csv"
STATUS = "status.json"
CARD = "card.json"
VOCABULARY = "vocabulary"
LOCK = ".lock"
PRUNE = "prune"
WANDB_ID = "wandb-id"
SLURM_LOG = "slurm.log"
DEATHS = "deaths.txt"
CHECKPOINTS = "checkpoints"
FIGURES = "figures"
LAST = "last.ckpt"
PREVIOUS = "previous.ckpt"
BEST = "best.ckpt"
EXPORT = "export"
EXPORT_CONFIG = "config.json"
EXPORT_WEIGHTS = "model.safetensors"


def last_checkpoint(folder: Path) -> Path:
    """Where the run in ``folder`` keeps the checkpoint it resumes from."""
    return folder / CHECKPOINTS / LAST


def previous_checkpoint(folder: Path) -> Path:
    """Where the run in ``folder`` keeps the one before, in case the last one is damaged."""
    return folder / CHECKPOINTS / PREVIOUS


def best_checkpoint(folder: Path) -> Path:
    """Where the run in ``folder`` keeps the checkpoint that is tested."""
    return folder / CHECKPOINTS / BEST
