"""Evaluation of a trained task on one split of the data, or on other labelled rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningDataModule
from torch.utils.data import DataLoader

from wavspa.checks import one_of
from wavspa.launching.run.frozen_data import SPLITS
from wavspa.tasks.seq2seq import Seq2Seq
from wavspa.training.trainer import evaluation_trainer

if TYPE_CHECKING:
    from wavspa.tasks.base import Task


def evaluate(
    task: "Task",
    data: LightningDataModule,
    trainer: DictConfig,
    split: str = "test",
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Evaluate a task on one device.

    Args:
        task: The task, with trained weights.
        data: The data.
        trainer: The run's ``trainer`` node.
        split: ``train``, ``val`` or ``test``.
        callbacks: Called while it evaluates.

    Returns:
        The metrics, ``<split>/<name>``.

    Raises:
        UserError: The split is unknown.
    """
    one_of("split", split, SPLITS)
    evaluator = evaluation_trainer(trainer, callbacks)
    rows: Any = data
    # A task that writes texts does so for all examples only in the test loop, not in validation.
    as_test = split == "train" or (split == "val" and isinstance(task, Seq2Seq))
    if as_test:
        own: Any = data
        rows = OtherRows(lambda: own.evaluation_loader(split), lambda: own.training_card, data=own)
    loop = evaluator.validate if split == "val" and not as_test else evaluator.test
    (metrics,) = loop(task, datamodule=rows, verbose=False)
    return {f"{split}/{name.partition('/')[2]}": float(value) for name, value in metrics.items()}


class OtherRows(LightningDataModule):
    """Other rows in place of a data set's test split.

    Args:
        loader: Returns the loader of the rows.
        training_card: Returns the card of the training data, from which class weights are computed.
        data: The data set to prepare and set up first, if the rows belong to it.
    """

    def __init__(
        self,
        loader: Callable[[], DataLoader[Any]],
        training_card: Callable[[], Mapping[str, Any]],
        data: LightningDataModule | None = None,
    ) -> None:
        super().__init__()
        self._loader, self._training_card, self._data = loader, training_card, data

    @property
    def training_card(self) -> Mapping[str, Any]:
        """The card of the run's training data."""
        return self._training_card()

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
