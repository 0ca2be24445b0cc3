"""The user's own series of numbers, with a class or numbers for each."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.checks import different_names, one_of, whole_number
from wavspa.data.datamodule import SequenceDataModule
from wavspa.data.loading.collate import Example, collate_series
from wavspa.data.preparation import store
from wavspa.data.preparation.checksum import OwnFiles, named_paths
from wavspa.data.preparation.holdout import divide, shares_of
from wavspa.data.series.base import VALUES, Columns, SeriesFile
from wavspa.data.series.files import open_series
from wavspa.data.series.missing import POLICIES, filled
from wavspa.data.targets.choose import CollateTargets, target_of
from wavspa.data.targets.classes import Classes
from wavspa.data.targets.numbers import described
from wavspa.errors import UserError
from wavspa.reporting import warn

CHUNK = 256
SPLITS = ("train", "val", "test")


class Series(OwnFiles, SequenceDataModule):
    """Files of series (see :mod:`wavspa.data.series.files`), each [N, D] with its own N, and a label of each.

    The loaders yield :class:`wavspa.data.Batch` whose ``tokens`` are values [B, N, D] float32. They are as in
    the files: the model standardises them by the mean and the deviation of each channel in train, which the
    card holds. A split without a file is held out of train, by class; equal series stay together.

    Args:
        train: A file: .npz, .npy, .parquet or .csv.
        val: A file; None: held out of train.
        test: A file; None: held out of train.
        train_labels: For an .npy, the .npy of its labels.
        val_labels: The same for val.
        test_labels: The same for test.
        values: For an .npz, the key of the values.
        lengths: For an .npz, the key of the lengths, if the series differ in length.
        id: For a table, the column that identifies the series.
        time: For a table, the column that orders the steps; None: the order of the file.
        channels: For a table, the columns of the values; ``auto``: all numeric columns without another role.
        label: The key or the column of the labels, or for numbers several of them.
        label_kind: What the labels are: ``class`` or ``number``.
        nan: How missing values are treated: see :mod:`wavspa.data.series.missing`.
        inputs: D, the number of channels; ``auto``: that of train.
        val_share, test_share, data_seed: See :class:`wavspa.data.Files`.
        checksum: The required checksum of the files; ``auto``: any.
        **options: See :class:`SequenceDataModule`.

    Raises:
        UserError: An option is out of range.
    """

    example = Example
    collate = staticmethod(collate_series)
    input_columns: Sequence[str] = (VALUES,)

    def __init__(
        self,
        *,
        train: str | Path,
        val: str | Path | None = None,
        test: str | Path | None = None,
        train_labels: str | Path | None = None,
        val_labels: str | Path | None = None,
        test_labels: str | Path | None = None,
        values: str = VALUES,
        lengths: str = "lengths",
        id: str = "id",
        time: str | None = "time",
        channels: str | Sequence[str] = "auto",
        label: str | Sequence[str] = "label",
        label_kind: str = Classes.kind,
        nan: str = "refuse",
        inputs: int | str = "auto",
        val_share: float = 0.1,
        test_share: float = 0.1,
        data_seed: int = 0,
        checksum: str = "auto",
        **options: Any,
    ) -> None:
        super().__init__(vocab_size="auto", **options)
        self.paths = named_paths(train=train, val=val, test=test)
        self.labels = named_paths(train=train_labels, val=val_labels, test=test_labels)
        if alone := [split for split in self.labels if split not in self.paths]:
            split = alone[0]
            raise UserError(
                f"dataset.{split}_labels are labels of dataset.{split}, which was not given"
            )
        self.target = target_of(one_of("label_kind", label_kind, ("class", "number")), label, "")
        collate: Any = CollateTargets(collate_series, self.target, 0)
        self.collate = collate
        self._columns = partial(Columns, values, lengths, id, time)
        self._channels = None if channels == "auto" else list(channels)
        self._check_columns(id)
        self.nan = one_of("nan", nan, POLICIES)
        self._inputs = None if inputs == "auto" else whole_number("inputs", inputs)
        self.shares = shares_of(val_share, test_share, self.paths)
        self.data_seed = whole_number("data_seed", data_seed, least=0)
        self._checksum = checksum

    def _check_columns(self, id: str) -> None:
        """Refuse channels that are none, or are something else as well."""
        if self._channels is None:
            return
        different_names("channels", self._channels)
        for option, names in (("label", self.target.columns), ("id", [id])):
            if both := [name for name in self._channels if name in names]:
                raise UserError(
                    f"dataset.channels names {both[0]!r}, which is dataset.{option}: leave it out"
                )

    @cached_property
    def channels(self) -> list[str]:
        """What the channels are called."""
        return self._channels or self._open("train").channels()

    @property
    def inputs(self) -> int:
        """The number of channels."""
        return self._inputs or len(self.channels)

    def cache_key(self) -> Mapping[str, Any]:
        """The content of the files, and how rows are made of it."""
        return {
            "data": "series",
            "version": 1,
            "checksum": self.checksum,
            "columns": [*self._columns.args, *self.target.columns],
            "channels": self.channels,
            "label_kind": self.target.kind,
            "nan": self.nan,
            "shares": self.shares,
            "data_seed": self.data_seed,
        }

    def infer_auto(self) -> dict[str, Any]:
        """With the checksum and the channels, by which a run knows its files again."""
        found = {"checksum": self.checksum, "channels": self.channels, "inputs": self.inputs}
        return {**super().infer_auto(), **found}

    def build(self) -> Mapping[str, store.Source]:
        """The splits as tables of values, made while they are written."""
        self.check_content()
        for split in self.paths:
            for remark in self._open(split).remarks():
                warn(remark)
        labels, groups = [], []
        for _, (values,), label in self._read("train"):
            labels.append(label)
            groups.append(hash(values.tobytes()))
        path = self.paths["train"]
        strata = self.target.learn(labels, str(path), self.classes)
        kept = divide(strata, groups, self.shares, self.data_seed, path)
        return {
            split: store.Source(
                self._tables(self._rows_of(split, kept.get(split))), None, self.inputs
            )
            for split in SPLITS
        }

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """The files, what the labels are, the scale of each channel in train, and what was held out."""
        self.check_unchanged()
        column = splits["train"].data.column(VALUES).combine_chunks()
        values = column.flatten().to_numpy().reshape(-1, self.inputs)
        return {
            **self.source_facts(),
            **self.target.facts(splits),
            "channels": described(self.channels, values),
            "held_out": {
                split: f"{of:.0%} of the series of train, equal ones together (seed {self.data_seed})"
                for split, of in self.shares.items()
            },
        }

    def check_card(self, card: Mapping[str, Any]) -> None:
        """With the number of channels."""
        super().check_card(card)
        if len(card["channels"]) != self.inputs:
            raise UserError(
                f"dataset.inputs must be the number of channels of {self.name}, {len(card['channels'])}, got "
                f"{self.inputs}"
            )

    def open_input(self, path: Path) -> SeriesFile:
        """Another file, with its parts in the places of those of train."""
        columns = self._columns(labels=self.target.columns, channels=self.channels)
        return open_series(path, columns)

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[np.ndarray]:
        """The values [N, D] of a series, those that are missing filled."""
        (series,) = values
        assert isinstance(series, np.ndarray)
        if series.shape[1] != self.inputs:
            raise UserError(
                f"{where}: the series has {series.shape[1]} channels, and those of {self.name} have "
                f"{self.inputs}"
            )
        return (filled(series, self.nan, where),)

    def encode_inputs(self, parts: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As the loaders give them."""
        unlabelled = self.target.unlabelled
        return [Example(values[: self.max_length], unlabelled) for (values,) in parts]

    def hashed_files(self) -> Iterator[tuple[str, Path]]:
        """The file of each split, then those of their labels."""
        labels = ((f"{split}_labels", path) for split, path in self.labels.items())
        return itertools.chain(self.paths.items(), labels)

    def _open(self, split: str) -> SeriesFile:
        # The channels of val and test are those of train, in its order.
        of_train = self._channels if split == "train" else self.channels
        columns = self._columns(labels=self.target.columns, channels=of_train)
        return open_series(self.paths[split], columns, self.labels.get(split))

    def _read(self, split: str) -> Iterator[tuple[str, tuple[np.ndarray], Any]]:
        """The place, the values and the label of every series of a file."""
        table = self._open(split)
        for place, (values, *labels) in table.read([VALUES, *self.target.columns]):
            where = table.at(place)
            yield where, self.parse_input([values], where), self.target.read(labels, where)

    def _rows_of(self, split: str, kept: np.ndarray | None) -> Iterator[tuple[np.ndarray, Any]]:
        rows = self._read(split if split in self.paths else "train")
        for where, (values,), label in rows if kept is None else itertools.compress(rows, kept):
            yield values, self.target.encode(label, where)

    def _tables(self, rows: Iterator[tuple[np.ndarray, Any]]) -> Iterator[pa.Table]:
        while chunk := list(itertools.islice(rows, CHUNK)):
            flat = [values.reshape(-1) for values, _ in chunk]
            labels = self.target.array([label for _, label in chunk])
            yield pa.table({VALUES: store.ragged(flat), "label": labels})
