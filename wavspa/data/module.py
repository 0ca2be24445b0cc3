"""What every data set has in common: options, preparing, checks and loaders."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Sampler

from wavspa.data import store
from wavspa.data.batch import collate
from wavspa.data.batching import EvaluationBatches, TrainingBatches
from wavspa.data.rows import Rows
from wavspa.errors import UserError


class SequenceDataModule(LightningDataModule):
    """Labelled token sequences in the splits ``train``, ``val`` and ``test``.

    The loaders yield :class:`wavspa.data.Batch`. They deal batches out to the ranks themselves, so
    a trainer on several devices needs ``use_distributed_sampler=False``.

    A data set is a subclass with :meth:`choices`, :meth:`build` and :meth:`facts`.

    Args:
        name: what reports and the prepared folder call the data.
        data_root: the folder under which prepared data are kept.
        vocab_size: size of the model's embedding; tokens in the data are smaller.
        classes: number of labels, which count from 0.
        max_length: longer sequences keep their head.
        batch_size: examples in a training batch, over all devices together.
        eval_batch_size: the same in evaluation; ``batch_size`` if None.
        limit: use so many examples of each split at most.
        workers: processes that read batches; 0 reads in the training process.
        pad: ``batch`` pads to the longest of a batch, ``max`` to ``max_length``.
        seed: of the order of the training batches.

    Raises:
        UserError: an option is out of range.
    """

    name: str

    def __init__(
        self,
        *,
        name: str,
        data_root: str | Path,
        vocab_size: int,
        classes: int,
        max_length: int,
        batch_size: int,
        eval_batch_size: int | None = None,
        limit: int | None = None,
        workers: int = 0,
        pad: Literal["batch", "max"] = "batch",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if pad not in ("batch", "max"):
            raise UserError(f"dataset.pad={pad} is unknown: batch or max")
        self.name = name
        self.data_root = Path(data_root).expanduser()
        self.vocab_size = whole_number("vocab_size", vocab_size)
        self.classes = whole_number("classes", classes)
        self.max_length = whole_number("max_length", max_length)
        self.batch_size = whole_number("batch_size", batch_size)
        self.eval_batch_size = (
            self.batch_size
            if eval_batch_size is None
            else whole_number("eval_batch_size", eval_batch_size)
        )
        self.limit = None if limit is None else whole_number("limit", limit)
        self.workers = whole_number("workers", workers, least=0)
        self.pad = pad
        self.seed = whole_number("seed", seed, least=0)
        self._rows: dict[str, Rows] = {}

    def choices(self) -> Mapping[str, Any]:
        """Everything that shapes what is prepared, as JSON can hold it."""
        raise NotImplementedError

    def build(self) -> Mapping[str, store.Source]:
        """The splits ``train``, ``val`` and ``test``, written in the order they stand in."""
        raise NotImplementedError

    def facts(self, splits: store.Splits) -> store.Facts:
        """Entries of the card: ``source``, ``licence``, and what else is worth knowing."""
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """Where the prepared data lie, or will lie."""
        return store.prepared_folder(self.data_root, self.name, self.choices())

    @property
    def card(self) -> dict[str, Any]:
        """The card of the prepared data."""
        return store.read_card(self.folder)

    def prepare_data(self) -> None:
        """Prepares the data if they are not there.

        Raises:
            UserError: a data root that cannot be used, or a split without examples.
        """
        store.prepare(
            self.folder,
            self.build,
            lambda splits: {**self.facts(splits), "choices": self.choices()},
        )

    def setup(self, stage: str | None = None) -> None:
        """Opens the prepared data and holds the options against them.

        Raises:
            UserError: a token that ``vocab_size`` or a label that ``classes`` does not reach.
        """
        for split, summary in self.card["splits"].items():
            self._check(split, summary)
        self._rows = {
            split: Rows(data, self.max_length, self.limit)
            for split, data in store.open_splits(self.folder).items()
        }

    def train_dataloader(self) -> DataLoader[Any]:
        """Length-bucketed batches of this rank, in an order of (seed, epoch)."""
        rows = self._rows["train"]
        rank, world_size = self._rank(self.batch_size, "batch_size")
        batches = TrainingBatches(rows.lengths, self.batch_size, self.seed, rank, world_size)
        if self.trainer is not None:
            # A resumed run takes its first iterator before Lightning sets the epoch.
            batches.set_epoch(self.trainer.current_epoch)
        return self._loader(rows, batches)

    def val_dataloader(self) -> DataLoader[Any]:
        """This rank's share of the validation examples, in the order of the data."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """This rank's share of the test examples, in the order of the data."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> DataLoader[Any]:
        rows = self._rows[split]
        rank, world_size = self._rank(self.eval_batch_size, "eval_batch_size")
        return self._loader(
            rows, EvaluationBatches(len(rows), self.eval_batch_size, rank, world_size)
        )

    def _loader(self, rows: Rows, batches: Sampler[list[int]]) -> DataLoader[Any]:
        return DataLoader(
            rows,
            batch_sampler=batches,
            collate_fn=partial(collate, pad_to=self.max_length if self.pad == "max" else None),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def _rank(self, batch_size: int, option: str) -> tuple[int, int]:
        """This process' rank and the number of ranks, which has to divide the batch size."""
        if self.trainer is None:
            return 0, 1
        if batch_size % self.trainer.world_size:
            raise UserError(
                f"dataset.{option}={batch_size} counts over all devices: make it a multiple of "
                f"their number, {self.trainer.world_size}"
            )
        return self.trainer.global_rank, self.trainer.world_size

    def _check(self, split: str, summary: Mapping[str, Any]) -> None:
        if summary["largest_token"] >= self.vocab_size:
            raise UserError(
                f"dataset.vocab_size={self.vocab_size} is too small: {split} of {self.name} holds "
                f"the token {summary['largest_token']}, so it has to be at least "
                f"{summary['largest_token'] + 1}"
            )
        labels = [int(label) for label in summary["labels"]]
        if min(labels) < 0 or max(labels) >= self.classes:
            raise UserError(
                f"dataset.classes={self.classes} does not fit: {split} of {self.name} holds labels "
                f"from {min(labels)} to {max(labels)}, and they have to lie in 0..classes-1"
            )
        if summary["length"]["min"] < 1:
            raise UserError(f"{split} of {self.name} holds a sequence without tokens")


def whole_number(option: str, value: object, least: int = 1) -> int:
    """``value``, if it is a whole number and large enough.

    Raises:
        UserError: it is not; the message names ``dataset.<option>``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"dataset.{option}={value} has to be a whole number of at least {least}")
    return value
