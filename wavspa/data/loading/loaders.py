"""From prepared rows to the batches of each device."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from wavspa.checks import one_of, whole_number, whole_number_or_none
from wavspa.data.loading.collate import Example, collate, without_full_lengths
from wavspa.data.loading.dataset import Rows
from wavspa.data.loading.samplers import EndlessBatches, EvaluationBatches, TrainingBatches
from wavspa.data.loading.widths import Width, bucket_widths
from wavspa.errors import UserError


class BatchLoaders(LightningDataModule):
    """Deals the rows that a subclass has opened out to the batches of each device.

    The loaders yield :class:`wavspa.data.Batch`, or what a subclass makes by its own ``example``
    (of a row) and ``collate`` (of examples). They deal batches out to the ranks themselves, so
    a trainer on several devices needs ``use_distributed_sampler=False``. Under a trainer the
    training loader never ends, and begins where ``trainer.global_step`` left off, so that a resumed
    run reads on exactly: the trainer needs ``max_steps``.

    Args:
        max_length: Longer sequences keep their head.
        batch_size: Examples in a training batch, over all devices together.
        batch_tokens: If given, training batches hold rows of similar length, as many as fill this
            number of tokens with their padding, over all devices together; ``batch_size`` is ignored.
        eval_batch_size: The same in evaluation; ``batch_size`` if None.
        workers: Processes that read batches; 0 reads in the training process.
        pad: ``batch`` pads to the longest of a batch, ``bucket`` to the next of at most 16 widths, ``max`` to
            ``max_length``.
        seed: Seed of the order of the training batches.

    Raises:
        UserError: An option is out of range.
    """

    name: str
    example: Callable[..., Any] = Example
    collate: Callable[..., Any] = staticmethod(collate)

    def __init__(
        self,
        *,
        max_length: int,
        batch_size: int,
        batch_tokens: int | None,
        eval_batch_size: int | None,
        workers: int,
        pad: str,
        seed: int,
    ) -> None:
        super().__init__()
        self.max_length = whole_number("max_length", max_length)
        self.batch_size = whole_number("batch_size", batch_size)
        self.batch_tokens = whole_number_or_none("batch_tokens", batch_tokens)
        self.eval_batch_size = (
            whole_number_or_none("eval_batch_size", eval_batch_size) or self.batch_size
        )
        self.workers = whole_number("workers", workers, least=0)
        self.pad = one_of("pad", pad, ("batch", "bucket", "max"))
        self.seed = whole_number("seed", seed, least=0)
        self._rows: dict[str, Rows] = {}
        self._training_batches: TrainingBatches | None = None
        self._limit: tuple[float, bool] = (1.0, False)

    @property
    def pad_to(self) -> Width:
        """The width of every batch, or those that it can have; None: that of its longest example.

        Buckets are of the prepared data: where those are not open, as for new examples, there are none.
        """
        if self.pad == "max":
            return self.max_length
        if self.pad == "batch" or not self._rows:
            return None
        return bucket_widths(self._lengths_of_rows(), self.max_length)

    def _lengths_of_rows(self) -> np.ndarray:
        """[rows of all splits] int64, of the sequences that are padded to one of the buckets."""
        return np.concatenate([rows.lengths for rows in self._rows.values()])

    def train_dataloader(self) -> DataLoader[Any]:
        """Length-bucketed batches of this rank, in an order of (seed, epoch): one epoch of them, or
        under a trainer epoch after epoch.
        """
        rows = self._rows["train"]
        lengths = self._padded_lengths(rows.lengths)
        if self.batch_tokens is None:
            self._check_ranks("batch_size", self.batch_size)
        else:
            self._check_budget(self.batch_tokens, int(lengths.max()))
        batches = TrainingBatches(
            lengths, self.batch_size, self.seed, *self._rank(), self.batch_tokens
        )
        return self._training_loader(rows, batches, self.collate)

    def val_dataloader(self) -> DataLoader[Any]:
        """This rank's share of the validation examples, in the order of the data."""
        return self.evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """This rank's share of the test examples, in the order of the data."""
        return self.evaluation_loader("test")

    def evaluation_loader(self, split: str) -> DataLoader[Any]:
        """This rank's share of the examples of any split, in the order of the data."""
        rows = self._rows[split]
        self._check_ranks("eval_batch_size", self.eval_batch_size)
        batches = EvaluationBatches(len(rows), self.eval_batch_size, *self._rank())
        return self._loader(rows, batches, self.collate)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Leave out lengths that cut nothing, on the way to a device whose kernels are faster without."""
        assert self.trainer is not None
        if self.trainer.strategy.root_device.type == "cpu":
            return batch
        return without_full_lengths(batch)

    def batches_per_epoch(self) -> int:
        """The training batches in a pass over the prepared train split, with any number of ranks."""
        self.setup("fit")
        self.train_dataloader()
        return self._endless(0).per_epoch

    def limit_epochs(self, limit: float, same: bool = False) -> None:
        """Make passes over the training batches shorter, for a trainer.

        Args:
            limit: How many batches a pass has, or which share of all.
            same: Every pass is the first one.
        """
        self._limit = (limit, same)

    def epoch_of(self, batch: int) -> int:
        """The pass over the training examples, from 0, that the training batch with this number,
        from 0, belongs to.
        """
        return batch // self._endless(0).per_epoch

    def training_rows(self, batch: int) -> list[Any]:
        """Numbers of the rows of the prepared train split (of a pair: both) in this rank's part of
        the training batch with this number, from 0.
        """
        return next(iter(self._endless(batch)))

    def _endless(self, start: int) -> EndlessBatches:
        assert self._training_batches is not None
        return EndlessBatches(self._training_batches, start, *self._limit)

    def _padded_lengths(self, lengths: np.ndarray) -> np.ndarray:
        """What batches are made by: rows of one bucket only fill a budget of tokens alike."""
        if self.pad == "max":
            return np.full_like(lengths, self.max_length)
        if self.pad == "batch" or self.batch_tokens is None:
            return lengths
        widths = np.array(self.pad_to)
        return widths[np.searchsorted(widths, lengths)]

    def _training_loader(
        self, rows: Dataset[Any], batches: TrainingBatches, collate: Callable[..., Any]
    ) -> DataLoader[Any]:
        self._training_batches = batches
        if self.trainer is None:
            return self._loader(rows, batches, collate)
        done = self.trainer.global_step * self.trainer.accumulate_grad_batches
        return self._loader(rows, self._endless(done), collate)

    def _loader(
        self, rows: Dataset[Any], batches: Sampler[list[Any]], collate: Callable[..., Any]
    ) -> DataLoader[Any]:
        return DataLoader(
            rows,
            batch_sampler=batches,
            collate_fn=partial(collate, pad_to=self.pad_to),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def _rank(self) -> tuple[int, int]:
        """This process' rank and the number of ranks."""
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size

    def _check_ranks(self, option: str, batch_size: int) -> None:
        _, world_size = self._rank()
        if batch_size % world_size:
            raise UserError(
                f"dataset.{option}={batch_size} counts over all devices: make it a multiple of "
                f"their number, {world_size}"
            )

    def _check_budget(self, batch_tokens: int, longest: int) -> None:
        _, world_size = self._rank()
        if batch_tokens < longest * world_size:
            raise UserError(
                f"dataset.batch_tokens={batch_tokens} is too small for the longest example of "
                f"{self.name} on each device: make it at least {longest * world_size}, or lower "
                "dataset.max_length"
            )
