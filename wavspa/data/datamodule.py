"""What every data set has in common: options, preparing, checks and loaders."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from wavspa.checks import one_of, whole_number, whole_number_or_none
from wavspa.data.labels import shown
from wavspa.data.loading.collate import Example, collate, without_full_lengths
from wavspa.data.loading.dataset import Rows, View
from wavspa.data.loading.samplers import EndlessBatches, EvaluationBatches, TrainingBatches
from wavspa.data.loading.widths import Width, bucket_widths
from wavspa.data.preparation import store
from wavspa.data.sources.downloads import Download, download_all
from wavspa.data.sources.locate import FilesNotFound
from wavspa.errors import UserError


class SequenceDataModule(LightningDataModule):
    """Labelled token sequences in the splits ``train``, ``val`` and ``test``.

    The loaders yield :class:`wavspa.data.Batch`, or what a subclass makes by its own ``example``
    (of a row) and ``collate`` (of examples). They deal batches out to the ranks themselves, so
    a trainer on several devices needs ``use_distributed_sampler=False``. Under a trainer the
    training loader never ends, and begins where ``trainer.global_step`` left off, so that a resumed
    run reads on exactly: the trainer needs ``max_steps``.

    A data set is a subclass with :meth:`cache_key`, :meth:`build` and :meth:`card_facts`; and with
    ``downloads``, where its files can be had if :meth:`build` does not find them. One of which a
    trained model can be given new examples has ``input_columns``, where their parts stand in a table,
    :meth:`parse_input` and :meth:`encode_inputs`. ``mask_rate`` is the share of tokens that
    pre-training masks by default; where ``has_words``, there is ``word_kinds()``, as of
    :class:`wavspa.data.Texts`.

    Args:
        name: what reports and the prepared folder call the data.
        data_root: the folder under which prepared data are kept.
        vocab_size: size of the model's embedding; tokens in the data are smaller. ``auto`` is for
            :meth:`infer_auto` to say, and stands for any.
        classes: number of labels, which count from 0; or ``auto``.
        max_length: longer sequences keep their head.
        batch_size: examples in a training batch, over all devices together.
        batch_tokens: if given, training batches hold rows of like length, as many as make up so
            many tokens with their padding, over all devices together, whatever ``batch_size`` is.
        eval_batch_size: the same in evaluation; ``batch_size`` if None.
        limit: use so many examples of each split at most.
        workers: processes that read batches; 0 reads in the training process.
        download: get files that are not below the data root from their public address, if they have
            one.
        pad: ``batch`` pads to the longest of a batch, ``bucket`` to the next of at most 16 widths, ``max`` to
            ``max_length``.
        seed: of the order of the training batches.

    Raises:
        UserError: an option is out of range.
    """

    name: str
    example: Callable[..., Any] = Example
    collate: Callable[..., Any] = staticmethod(collate)
    downloads: Sequence[Download] = ()
    input_columns: Sequence[str] = ()
    mask_rate = 0.15
    has_words = False

    def __init__(
        self,
        *,
        name: str,
        data_root: str | Path,
        vocab_size: int | str,
        classes: int | str,
        max_length: int,
        batch_size: int,
        batch_tokens: int | None = None,
        eval_batch_size: int | None = None,
        limit: int | None = None,
        workers: int = 0,
        download: bool = True,
        pad: str = "batch",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.name = name
        self.data_root = Path(os.path.expanduser(data_root))
        self.vocab_size = _number_or_auto("vocab_size", vocab_size)
        self.classes = _number_or_auto("classes", classes)
        self.max_length = whole_number("max_length", max_length)
        self.batch_size = whole_number("batch_size", batch_size)
        self.batch_tokens = whole_number_or_none("batch_tokens", batch_tokens)
        self.eval_batch_size = (
            whole_number_or_none("eval_batch_size", eval_batch_size) or self.batch_size
        )
        self.limit = whole_number_or_none("limit", limit)
        self.workers = whole_number("workers", workers, least=0)
        self.download = download
        self.pad = one_of("pad", pad, ("batch", "bucket", "max"))
        self.seed = whole_number("seed", seed, least=0)
        self._rows: dict[str, Rows] = {}
        self._training_batches: TrainingBatches | None = None
        self._limit: tuple[float, bool] = (1.0, False)

    def cache_key(self) -> Mapping[str, Any]:
        """Everything that shapes what is prepared, as JSON can hold it."""
        raise NotImplementedError

    def build(self) -> Mapping[str, store.Source]:
        """The splits ``train``, ``val`` and ``test``, written in the order they stand in."""
        raise NotImplementedError

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Entries of the card: ``source``, ``licence``, and what else is worth knowing."""
        raise NotImplementedError

    def card_entries(self, splits: store.Splits) -> store.Facts:
        """All that the card holds beside the splits."""
        return {**self.card_facts(splits), "choices": self.cache_key()}

    def files(self) -> Mapping[str, str]:
        """Text files to keep beside the splits, by their name; asked for when those are written."""
        return {}

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[Any, ...]:
        """What the sequences of a new example are made of: by default, texts.

        Args:
            values: of ``columns``.
            where: how a message names the row.
            columns: where the values stand; without them, in ``input_columns``.

        Raises:
            UserError: a value is not text.
        """
        for column, value in zip(columns or self.input_columns, values, strict=True):
            if not isinstance(value, str) or not value:
                raise UserError(
                    f"{where}: the column {column!r} holds {shown(value)}, which is not text"
                )
        return tuple(map(str, values))

    @property
    def end_token(self) -> int | None:
        """The last token of each sequence, also of one that is cut; None if there is no such."""
        return None

    @property
    def pad_to(self) -> Width:
        """The width of every batch, or those that it can have; None: that of its longest example.

        Buckets are of the prepared data: where those are not open, as for new examples, there are none.
        """
        if self.pad == "max":
            return self.max_length
        if self.pad == "batch" or not self._rows:
            return None
        lengths = np.concatenate([rows.lengths for rows in self._rows.values()])
        return bucket_widths(lengths, self.max_length)

    def open_vocabulary(self, kept: Path | None = None) -> None:
        """Makes ready for :meth:`encode_inputs`.

        Args:
            kept: the folder of the files that a run keeps of its data (:attr:`text_files`); None: the
                prepared data.
        """

    @property
    def text_files(self) -> dict[str, bytes]:
        """What was learned when the data were prepared: text files by their name."""
        return {
            path.name: path.read_bytes()
            for path in sorted(self.folder.iterdir())
            if path.suffix != ".arrow" and path.name != "card.json"
        }

    def encode_inputs(self, parts: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What the loaders collate, with the label 0, of new examples as :meth:`parse_input` gives them."""
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """Where the prepared data lie, or will lie."""
        return store.prepared_folder(self.data_root, self.name, self.cache_key())

    @property
    def card(self) -> dict[str, Any]:
        """The card of the prepared data."""
        return store.read_card(self.folder)

    def infer_auto(self) -> dict[str, Any]:
        """The options that may be ``auto``, as the prepared data decide them.

        These are ``vocab_size`` and ``classes``, as small as possible.
        """
        splits = self.card["splits"].values()
        return {
            "vocab_size": 1 + max(split["largest_token"] for split in splits),
            "classes": 1 + max(int(label) for split in splits for label in split["labels"]),
        }

    def prepare_data(self) -> None:
        """Prepares the data if they are not there.

        Raises:
            UserError: a data root that cannot be used, or a split without examples.
        """
        store.prepare(self.folder, self._build_or_download, self.card_entries, self.files)

    def _build_or_download(self) -> Mapping[str, store.Source]:
        try:
            return self.build()
        except FilesNotFound:
            if not (self.download and self.downloads):
                raise
        download_all(self.data_root, self.downloads)
        return self.build()

    def setup(self, stage: str | None = None) -> None:
        """Opens the prepared data and holds the options against them.

        Raises:
            UserError: a damaged file, or a token that ``vocab_size`` or a label that ``classes`` does
                not reach.
        """
        splits = store.open_splits(self.folder)
        for split, summary in self.card["splits"].items():
            self._check(split, summary)
        pool = store.open_pool(self.folder)
        self._rows = {
            split: Rows(
                data, self.views(data.column_names), self.limit, self.example, pool, self.end_token
            )
            for split, data in splits.items()
        }

    def views(self, columns: Sequence[str]) -> list[View]:
        """What an example is made of, by the columns of the data: the head of each column of tokens."""
        return [View(name, self.max_length) for name in store.token_columns(columns)]

    @property
    def train_labels(self) -> dict[str, int]:
        """The training examples of each label, of those that ``limit`` leaves."""
        if self.limit is None:
            return dict(self.card["splits"]["train"]["labels"])
        labels = np.concatenate([np.ravel(label) for label in self._rows["train"].labels])
        numbers, counts = np.unique(labels, return_counts=True)
        return dict(zip(map(str, numbers.tolist()), counts.tolist(), strict=True))

    @property
    def training_card(self) -> dict[str, Any]:
        """The card, with the counts of the training labels where ``limit`` leaves fewer."""
        return {**self.card, "train_labels": self.train_labels} if self.limit else self.card

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

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Leaves out lengths that cut nothing, on the way to a device whose kernels are faster without."""
        assert self.trainer is not None
        if self.trainer.strategy.root_device.type == "cpu":
            return batch
        return without_full_lengths(batch)

    def _padded_lengths(self, lengths: np.ndarray) -> np.ndarray:
        """What batches are made by: rows of one bucket only fill a budget of tokens alike."""
        if self.pad == "max":
            return np.full_like(lengths, self.max_length)
        if self.pad == "batch" or self.batch_tokens is None:
            return lengths
        widths = np.array(self.pad_to)
        return widths[np.searchsorted(widths, lengths)]

    def limit_epochs(self, limit: float, same: bool = False) -> None:
        """Makes passes over the training batches shorter, for a trainer.

        Args:
            limit: how many batches a pass has, or which share of all.
            same: every pass is the first one.
        """
        self._limit = (limit, same)

    def batches_per_epoch(self) -> int:
        """The training batches in a pass over the prepared train split, with any number of ranks."""
        self.setup("fit")
        self.train_dataloader()
        return self._endless(0).per_epoch

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

    def _check(self, split: str, summary: Mapping[str, Any]) -> None:
        if self.vocab_size is not None and summary["largest_token"] >= self.vocab_size:
            raise UserError(
                f"dataset.vocab_size must be at least {summary['largest_token'] + 1}, got "
                f"{self.vocab_size}: {split} of {self.name} holds the token {summary['largest_token']}"
            )
        labels = [int(label) for label in summary["labels"]]
        if min(labels) < 0 or (self.classes is not None and max(labels) >= self.classes):
            raise UserError(
                f"dataset.classes={self.classes} does not fit: {split} of {self.name} holds labels "
                f"from {min(labels)} to {max(labels)}, and they must be in 0..classes-1"
            )
        if summary["length"]["min"] < 1:
            raise UserError(f"{split} of {self.name} holds a sequence without tokens")


def _number_or_auto(option: str, value: object) -> int | None:
    return None if value == "auto" else whole_number(option, value)
