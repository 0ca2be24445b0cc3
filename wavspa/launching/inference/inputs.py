"""New examples for a run: their columns in a table, and batches of labelled rows."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from wavspa.checks import shown
from wavspa.data import Files, SequenceDataModule, Series, SourceTargets, Tagging
from wavspa.data.image_datamodule import Pictures
from wavspa.data.labels import class_names, plain_number
from wavspa.data.prediction_inputs import OneColumn, PictureFiles, open_input
from wavspa.data.preparation.checksum import OwnFiles
from wavspa.data.sources.tables import TableFile
from wavspa.data.tagging.files import CONLL
from wavspa.data.targets.base import Target
from wavspa.data.targets.classes import Classes
from wavspa.errors import UserError
from wavspa.launching.run.frozen_data import kept_card

# Rows that are in memory at a time.
CHUNK = 256
# Classes that a message lists at most.
MOST_NAMES = 10


def example_columns(
    data: SequenceDataModule, table: TableFile, named: Sequence[str] | None = None
) -> Sequence[str]:
    """The columns of a table that hold the examples: ``named``, or those of the run's own data.

    Raises:
        UserError: There are too many or too few, or they hold pictures although the run reads texts.
    """
    own = data.input_columns
    if isinstance(table, PictureFiles) and not isinstance(data, Pictures):
        raise UserError(f"{table.path} holds pictures, but {data.name} holds texts")
    if isinstance(table, OneColumn):
        named = table.columns()
    if named and len(named) != len(own):
        parts = "1 part" if len(own) == 1 else f"{len(own)} parts"
        raise UserError(
            f"{table.path}: an example has {parts}, as in {', '.join(own)}; got {', '.join(named)}"
        )
    if isinstance(data, Tagging) and not named:
        return data.columns_in(table)[:1]
    return named or own


def open_examples(
    data: SequenceDataModule, source: str, kind: str | None, names: Sequence[str]
) -> TableFile:
    """The file of new examples of a run, read as the run's own files were.

    Args:
        data: The run's data.
        source: The file; see :func:`wavspa.data.prediction_inputs.open_input`.
        kind: The format of the file, if its name does not determine it.
        names: The columns of a csv or tsv without a header.
    """
    if isinstance(data, Series):
        if kind or names:
            raise UserError(f"kind= and names= are for texts, but {data.name} holds series")
        return data.open_input(Path(source).expanduser())
    if isinstance(data, Tagging):
        return data.open_input(source, kind, names)
    if kind == CONLL:
        raise UserError(f"kind={CONLL} is for runs that tag words, but {data.name} has no tags")
    return open_input(source, kind, names, **table_options(data))


def table_options(data: SequenceDataModule) -> dict[str, Any]:
    """Options to read a new table with: those of the run's own files, if it has files."""
    return data.table_options if isinstance(data, Files) else {}


def names_of_classes(folder: Path, data: SequenceDataModule, classes: int) -> list[str]:
    """The names of the classes in the run's own card, or in that of its data if the run keeps none."""
    card = kept_card(folder)
    if card is None:
        data.prepare_data()
        card = data.card
    return class_names(card, classes)


def labelled_batches(
    data: SequenceDataModule,
    table: TableFile,
    columns: Sequence[str],
    labels: Sequence[str],
    card: Mapping[str, Any],
) -> DataLoader[Any]:
    """Batches of a table's rows in order, like those of the run's own test.

    Args:
        data: The run's data set, with its vocabulary opened.
        table: The examples.
        columns: The columns that hold the examples.
        labels: The columns of the labels; if empty, those of the run's own data.
        card: The card of the data that the run was trained on, whose labels are ``label_names``.
    """
    if isinstance(table, OneColumn):
        raise UserError(
            f"input={table.path} holds no labels: use a csv, tsv, jsonl, json or parquet with a "
            "column of labels, or use wavspa-predict"
        )
    own = data.target.columns
    if labels and len(labels) != len(own):
        raise UserError(
            f"label={','.join(labels)} must name {len(own)} columns, as dataset.label={','.join(own)}"
        )
    named = labels or own
    target = data.target
    if target.kind == Classes.kind:
        target = _KnownClasses(named) if isinstance(data, OwnFiles) else _ClassesOfABenchmark(named)
    target.columns = list(named)
    target.open(card)
    return DataLoader(
        _Labelled(data, table, columns, named, target),
        batch_size=data.eval_batch_size,
        collate_fn=partial(data.collate, pad_to=data.pad_to),
    )


def target_batches(
    data: SourceTargets, table: TableFile, columns: Sequence[str], target: str | None
) -> DataLoader[Any]:
    """Batches of a table's sources and targets in order, like those of the run's own test.

    Args:
        data: The run's data set, with its vocabulary opened.
        table: The examples.
        columns: The columns that hold the sources.
        target: The column of the targets; None: that of the run's own data.
    """
    if isinstance(table, OneColumn):
        raise UserError(
            f"input={table.path} holds no targets: use a csv, tsv, jsonl, json or parquet with a column of "
            "targets, or use wavspa-predict"
        )
    return DataLoader(
        _Targeted(data, table, [*columns, target or data.target_column]),
        batch_size=data.eval_batch_size,
        collate_fn=partial(data.collate, pad_to=data.pad_to),
    )


def tagged_batches(
    data: Tagging, table: TableFile, column: str, label: str | None, card: Mapping[str, Any]
) -> DataLoader[Any]:
    """Batches of a table's words and tags in order, like those of the run's own test.

    Args:
        data: The run's data set, with its vocabulary opened.
        table: The examples.
        column: The column of the words or of the texts.
        label: The column of the tags or of the spans; None: that of the run's own data.
        card: The card of the data that the run was trained on, whose tags are ``label_names``.
    """
    if isinstance(table, OneColumn):
        raise UserError(
            f"input={table.path} is read as plain text, without tags: set kind=conll to read a word and its "
            "tag per line, or use wavspa-predict"
        )
    data.target.open(card)
    return DataLoader(
        _Tagged(data, table, column, label or data.columns_in(table)[1]),
        batch_size=data.eval_batch_size,
        collate_fn=partial(data.collate, pad_to=data.pad_to),
    )


class _Tagged(IterableDataset[Any]):
    def __init__(self, data: Tagging, table: TableFile, column: str, label: str) -> None:
        self._data, self._table, self._columns = data, table, (column, label)

    def __iter__(self) -> Iterator[Any]:
        rows = self._data.tagged_rows(self._table, *self._columns)
        while chunk := list(itertools.islice(rows, CHUNK)):
            examples = self._data.encode_inputs([(words,) for _, words, _ in chunk])
            for example, (where, _, tagged) in zip(examples, chunk, strict=True):
                yield example._replace(label=self._data.target.encode(tagged, where).tags)


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
        labels: Sequence[str],
        target: Target,
    ) -> None:
        self._data, self._table, self._target = data, table, target
        self._columns, self._labels = columns, labels

    def __iter__(self) -> Iterator[Any]:
        rows = self._rows()
        while chunk := list(itertools.islice(rows, CHUNK)):
            examples = self._data.encode_inputs([parts for parts, _ in chunk])
            for example, (_, label) in zip(examples, chunk, strict=True):
                yield example._replace(label=label)

    def _rows(self) -> Iterator[tuple[tuple[Any, ...], Any]]:
        columns = [*self._columns, *self._labels]
        blank = columns if self._target.may_be_blank else self._columns
        for place, values in self._table.read(columns, blank=blank):
            where, count = self._table.at(place), len(self._columns)
            told = self._target.read(values[count:], where)
            label = self._target.encode(told, where)
            yield self._data.parse_input(values[:count], where, self._columns), label


class _KnownClasses(Classes):
    """The classes of a run, used to check other rows."""

    def encode(self, label: str, where: str) -> int:
        if label not in self.names:
            known = ", ".join(self.names[:MOST_NAMES])
            raise UserError(
                f"{where}: the label {shown(label)} is not one of the run's {len(self.names)}: {known}; "
                "label= names the column"
            )
        return super().encode(label, where)


class _ClassesOfABenchmark(_KnownClasses):
    """The classes of a benchmark, whose files have numbers or truth values where the classes have names."""

    def encode(self, label: str, where: str) -> int:
        number = plain_number(label)
        if label not in self.names and number.isdecimal() and int(number) < len(self.names):
            label = number if number in self.names else self.names[int(number)]
        return super().encode(label, where)
