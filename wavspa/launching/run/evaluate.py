"""Trained weights on one split of the data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningDataModule

from wavspa.checks import one_of
from wavspa.training.checkpoints.read import load_checkpoint_weights, read_checkpoint
from wavspa.training.trainer import evaluation_trainer

if TYPE_CHECKING:
    from wavspa.tasks.base import Task

SPLITS = ("val", "test")


def evaluate(
    task: "Task",
    data: LightningDataModule,
    checkpoint: Path,
    trainer: DictConfig,
    split: str = "test",
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Evaluate a checkpoint on one device.

    Args:
        task: The task; its model takes the checkpoint's weights.
        data: The data.
        checkpoint: The file.
        trainer: The run's ``trainer`` node.
        split: ``val`` or ``test``.
        callbacks: Called while it evaluates.

    Returns:
        The metrics, ``<split>/<name>``.

    Raises:
        UserError: The split is unknown, or the checkpoint cannot be read or does not fit.
    """
    one_of("split", split, SPLITS)
    load_checkpoint_weights(task.model, read_checkpoint(checkpoint), checkpoint)
    evaluator = evaluation_trainer(trainer, callbacks)
    loop = evaluator.validate if split == "val" else evaluator.test
    (metrics,) = loop(task, datamodule=data, verbose=False)
    return {name: float(value) for name, value in metrics.items()}
