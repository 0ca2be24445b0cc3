"""The names of the files in a run's folder."""

from pathlib import Path

CONFIG = "config.yaml"
METRICS = "metrics.csv"
STATUS = "status.json"
CARD = "card.json"
RECORD = "run.json"
INIT = "init.json"
DECISION = "decision.json"
EVALUATION = "evaluation"
EVALUATION_FILE = "evaluation.json"
CONFUSION = "confusion.csv"
PREDICTIONS = "predictions.csv"
VOCABULARY = "vocabulary"
TEXTS = "texts.jsonl"
LOCK = ".lock"
PRUNE = "prune"
WANDB_ID = "wandb-id"
MLFLOW_ID = "mlflow-id"
TRACKIO_ID = "trackio-id"
SLURM_LOG = "slurm.log"
DEATHS = "deaths.txt"
CHECKPOINTS = "checkpoints"
FIGURES = "figures"
LAST = "last.ckpt"
PREVIOUS = "previous.ckpt"
BEST = "best.ckpt"
EXPORT = "export"
PROFILE_TRACE = "profile.json"
PROFILE_TABLE = "profile.txt"
REPLACED = ".replaced"
EXPORT_CONFIG = "config.json"
EXPORT_WEIGHTS = "model.safetensors"

OF_A_RUN = (
    # The configuration first: without it there is no run.
    *(
        CONFIG,
        STATUS,
        METRICS,
        CARD,
        RECORD,
        INIT,
        DECISION,
        EVALUATION,
        VOCABULARY,
        TEXTS,
        PRUNE,
        DEATHS,
        SLURM_LOG,
        CHECKPOINTS,
        FIGURES,
        EXPORT,
        PROFILE_TRACE,
        PROFILE_TABLE,
    ),
    # What loggers keep: the ids of runs, W&B's files, TensorBoard's folder.
    *(WANDB_ID, "wandb", "tensorboard", MLFLOW_ID, TRACKIO_ID),
)
"""What a rerun replaces: everything that the program writes into the folder, except the lock."""


def is_own(folder: Path, path: Path) -> bool:
    """Whether a path is something that the program keeps in the run's ``folder``, or is inside of it."""
    place, path = folder.resolve(), path.resolve()
    return any(path.is_relative_to(place / name) for name in (*OF_A_RUN, LOCK))


def last_checkpoint(folder: Path) -> Path:
    """The checkpoint that the run in ``folder`` resumes from."""
    return folder / CHECKPOINTS / LAST


def previous_checkpoint(folder: Path) -> Path:
    """The checkpoint before the last one, for a run whose last checkpoint is damaged."""
    return folder / CHECKPOINTS / PREVIOUS


def best_checkpoint(folder: Path) -> Path:
    """The checkpoint that is tested."""
    return folder / CHECKPOINTS / BEST


def evaluation(folder: Path, rows: str) -> Path:
    """The folder of the run's answers to the rows of a split or of a file."""
    return folder / EVALUATION / rows
