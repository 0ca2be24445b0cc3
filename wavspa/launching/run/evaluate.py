"""Trained weights on one split of the data, or on other labelled rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningDataModule, LightningModule
from torch.utils.data import DataLoader

from wavspa.errors import UserError
from wavspa.training.checkpoints.read import load_weights, read_checkpoint
from wavspa.training.trainer import evaluation_trainer

SPLITS = ("train", "val", "test")


def evaluate(
    task: LightningModule,
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
        split: ``train``, ``val`` or ``test``.
        callbacks: Called while it evaluates.

    Returns:
        The metrics, ``<split>/<name>``.

    Raises:
        UserError: The split is unknown, or the checkpoint cannot be read or does not fit.
    """
    check_split(split)
    load_weights(task.model, read_checkpoint(checkpoint), checkpoint)  # type: ignore[arg-type]
    evaluator = evaluation_trainer(trainer, callbacks)
    rows: Any = data
    if split == "train":
        own: Any = data
        rows = OtherRows(lambda: own.evaluation_loader("train"), lambda: own.train_labels, data=own)
    loop = evaluator.validate if split == "val" else evaluator.test
    (metrics,) = loop(task, datamodule=rows, verbose=False)
    return {
        f"{split}/{name.partition('/')[2]}" if split == "train" else name: float(value)
        for name, value in metrics.items()
    }


def check_split(split: str) -> None:
    """Refuse a split that no data set has.

    Raises:
        UserError: It is unknown.
    """
    if split not in SPLITS:
        raise UserError(f"split={split!r} is unknown; choose one of {', '.join(SPLITS)}")


class OtherRows(LightningDataModule):
    """Other rows in the place of a data set's test.

    Args:
        loader: Gives the batches.
        train_labels: The rows of each label that the run was trained on, of which weights are made.
        data: The data set to prepare and to set up before, if the rows are its own.
    """

    def __init__(
        self,
        loader: Callable[[], DataLoader[Any]],
        train_labels: Callable[[], Mapping[str, int]],
        data: LightningDataModule | None = None,
    ) -> None:
        super().__init__()
        self._loader, self._train_labels, self._data = loader, train_labels, data

    @property
    def train_labels(self) -> Mapping[str, int]:
        """The rows of each label that the run was trained on."""
        return self._train_labels()

    def prepare_data(self) -> None:
        """Prepare the data set."""
        if self._data is not None:
            self._data.prepare_data()

    def setup(self, stage: str | None = None) -> None:
        """Set the data set up."""
        if self._data is not None:
            self._data.setup(stage)  # type: ignore[arg-type]

    def test_dataloader(self) -> DataLoader[Any]:
        """The other rows."""
        return self._loader()
