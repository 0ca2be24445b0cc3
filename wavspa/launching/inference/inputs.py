"""New examples for a run: their columns in a table, and rows with labels as batches."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from wavspa.checks import shown
from wavspa.data import Files, SequenceDataModule, SourceTargets
from wavspa.data.image_datamodule import Pictures
from wavspa.data.labels import class_names, read_label
from wavspa.data.prediction_inputs import OneColumn, PictureFiles
from wavspa.data.sources.tables import TableFile
from wavspa.errors import UserError
from wavspa.launching.run.frozen_data import kept_card

# Rows that are in memory at a time.
CHUNK = 256
# Classes that a message lists.
MOST_NAMES = 10


def example_columns(
    data: SequenceDataModule, table: TableFile, named: Sequence[str] | None = None
) -> Sequence[str]:
    """The columns of a table that hold the examples: ``named``, or those of the run's own data.

    Raises:
        UserError: They are too many or too few, or hold pictures where the run reads texts.
    """
    own = data.input_columns
    if isinstance(table, PictureFiles) and not isinstance(data, Pictures):
        raise UserError(f"{table.path} holds pictures, and {data.name} is a set of texts")
    if isinstance(table, OneColumn):
        named = table.columns()
    if named and len(named) != len(own):
        raise UserError(
            f"{table.path}: an example has {len(own)} parts, as in the columns {', '.join(own)}; "
            f"{', '.join(named)} cannot be all of them"
        )
    return named or own


def table_options(data: SequenceDataModule) -> dict[str, Any]:
    """How a new table is read: as the run's own files were, if it has such."""
    return data.table_options if isinstance(data, Files) else {}


def names_of_classes(folder: Path, data: SequenceDataModule, classes: int) -> list[str]:
    """What the run's own card calls its classes; a run that keeps none asks its data."""
    card = kept_card(folder)
    if card is None:
        data.prepare_data()
        card = data.card
    return class_names(card, classes)


def labelled_batches(
    data: SequenceDataModule,
    table: TableFile,
    columns: Sequence[str],
    label: str | None,
    names: Sequence[str],
) -> DataLoader[Any]:
    """Batches of a table's rows in their order, as those of the run's own test.

    Args:
        data: The run's data set, its vocabulary opened.
        table: The examples.
        columns: The columns that hold them.
        label: The column of the labels; without it, that of the run's own data.
        names: What the classes are called, by number.
    """
    if isinstance(table, OneColumn):
        raise UserError(
            f"input={table.path} holds no labels: give a csv, tsv, jsonl, json or parquet with a "
            "column of labels, or take wavspa-predict"
        )
    own = data.label_column if isinstance(data, Files) else None
    column = label or own or "label"
    ids = {name: number for number, name in enumerate(names)}
    return DataLoader(
        _Labelled(data, table, columns, column, ids),
        batch_size=data.eval_batch_size,
        collate_fn=partial(data.collate, pad_to=data.pad_to),
    )


def target_batches(
    data: SourceTargets, table: TableFile, columns: Sequence[str], target: str | None
) -> DataLoader[Any]:
    """Batches of a table's sources and targets in their order, as those of the run's own test.

    Args:
        data: The run's data set, its vocabulary opened.
        table: The examples.
        columns: The columns that hold the sources.
        target: The column of the targets; without it, that of the run's own data.
    """
    if isinstance(table, OneColumn):
        raise UserError(
            f"input={table.path} holds no targets: give a csv, tsv, jsonl, json or parquet with a column of "
            "targets, or take wavspa-predict"
        )
    return DataLoader(
        _Targeted(data, table, [*columns, target or data.target_column]),
        batch_size=data.eval_batch_size,
        collate_fn=partial(data.collate, pad_to=data.pad_to),
    )


class _Targeted(IterableDataset[Any]):
    def __init__(self, data: SourceTargets, table: TableFile, columns: Sequence[str]) -> None:
        self._data, self._table, self._columns = data, table, columns

    def __iter__(self) -> Iterator[Any]:
        rows = (
            self._data.parse_input(values, self._table.at(place), self._columns)
            for place, values in self._table.read(self._columns)
        )
        while chunk := list(itertools.islice(rows, CHUNK)):
            yield from self._data.encode_inputs(chunk)


class _Labelled(IterableDataset[Any]):
    def __init__(
        self,
        data: SequenceDataModule,
        table: TableFile,
        columns: Sequence[str],
        label: str,
        ids: Mapping[str, int],
    ) -> None:
        self._data, self._table, self._ids = data, table, ids
        self._columns, self._label = columns, label

    def __iter__(self) -> Iterator[Any]:
        rows = self._rows()
        while chunk := list(itertools.islice(rows, CHUNK)):
            examples = self._data.encode_inputs([parts for parts, _ in chunk])
            for example, (_, label) in zip(examples, chunk, strict=True):
                yield example._replace(label=label)

    def _rows(self) -> Iterator[tuple[tuple[Any, ...], int]]:
        columns = [*self._columns, self._label]
        for place, (*values, label) in self._table.read(columns, blank=self._columns):
            where = self._table.at(place)
            name = read_label(label, self._label, where)
            if name not in self._ids:
                known = ", ".join(itertools.islice(self._ids, MOST_NAMES))
                raise UserError(
                    f"{where}: the label {shown(name)} is not one of the run's {len(self._ids)}: {known}; "
                    "label= names the column"
                )
            yield self._data.parse_input(values, where, self._columns), self._ids[name]
