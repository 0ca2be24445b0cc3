"""Files of series: arrays of numpy, and tables with a row for each step."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from wavspa.data.sources.tables import Row, TableFile
from wavspa.errors import UserError, first_line

VALUES = "values"
"""The column of a series, [N, D] float32."""
ENDINGS = (".npz", ".npy", ".parquet", ".csv")


class Columns(NamedTuple):
    """The places of the parts of series.

    Attributes:
        values: of an npz, the key of the values.
        lengths: of an npz, the key of the lengths, if there is one.
        id: of a table, the column that identifies series.
        time: of a table, the column that orders the steps; None: they are in order.
        labels: the keys or columns of the labels, which are not channels.
        channels: of a table, the columns of the values; None: all of numbers that are nothing else.
    """

    values: str
    lengths: str
    id: str
    time: str | None
    labels: Sequence[str]
    channels: Sequence[str] | None


def open_series(path: Path, columns: Columns, labels: Path | None = None) -> "SeriesFile":
    """A file of series by its name.

    Args:
        path: The file.
        columns: The places of the parts.
        labels: Of an .npy, the .npy of its labels.

    Raises:
        UserError: There is no such file, or its name has no known ending.
    """
    for file in (path, labels):
        if file is not None and not file.is_file():
            raise UserError(f"there is no file {file}")
    suffix = path.suffix.lower()
    if suffix in (".npz", ".npy"):
        return ArrayFile(path, columns, labels)
    if labels is not None:
        raise UserError(f"{labels} is of no use: the labels of {path} are one of its columns")
    if suffix in (".csv", ".parquet"):
        return LongTable(path, columns)
    raise UserError(f"{path}: its name has to end in {', '.join(ENDINGS)}")


class SeriesFile(TableFile):
    """Rows of a series each: its column ``values`` holds an array [N, D] float32."""

    def channels(self) -> list[str]:
        """What the D channels are called."""
        raise NotImplementedError

    def at(self, place: int) -> str:
        """How a message names a series."""
        return f"{self.path}, series {place}"


class ArrayFile(SeriesFile):
    """An .npz or .npy.

    Values are [examples, N, D], or [examples, N] of one channel; with lengths also the steps of all
    series one after the other, [steps, D].
    """

    def __init__(self, path: Path, columns: Columns, labels: Path | None) -> None:
        super().__init__(path)
        self._names, self._labels = columns, labels

    def columns(self) -> list[str]:
        """The values, and every array with an entry for each series."""
        return [VALUES, *self._others]

    def channels(self) -> list[str]:
        """Their numbers, from 1."""
        return [str(number) for number in range(1, self._series[0].shape[1] + 1)]

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        if self.path.suffix.lower() == ".npz":
            return dict(_loaded(self.path))
        arrays = {self._names.values: _loaded(self.path)}
        if self._labels is not None:
            found = _loaded(self._labels)
            parts = found.T if found.ndim == 2 else [found]
            arrays |= dict(zip(self._names.labels, parts, strict=False))
        return arrays

    @cached_property
    def _series(self) -> Sequence[np.ndarray]:
        key = self._names.values
        if key not in self._arrays:
            raise UserError(
                f"{self.path} has no array {key!r}; its arrays are {', '.join(self._arrays)}: "
                "dataset.values names it"
            )
        values, lengths = self._arrays[key], self._arrays.get(self._names.lengths)
        if not np.issubdtype(values.dtype, np.number) or values.ndim not in (2, 3):
            raise UserError(
                f"{self.path}: {key} must be numbers [examples, steps, channels], got {values.dtype} "
                f"{list(values.shape)}"
            )
        if lengths is None:
            return list(values[..., None] if values.ndim == 2 else values)
        if values.ndim == 3:
            return [row[:length] for row, length in zip(values, lengths, strict=True)]
        if lengths.sum() != len(values):
            raise UserError(
                f"{self.path}: the lengths add up to {lengths.sum():,}, and {key} has {len(values):,} steps"
            )
        return np.split(values, np.cumsum(lengths)[:-1])

    @cached_property
    def _others(self) -> dict[str, np.ndarray]:
        count = len(self._series)
        known = (self._names.values, self._names.lengths)
        others = {name: array for name, array in self._arrays.items() if name not in known}
        for name in self._names.labels:
            if name in others and len(others[name]) != count:
                raise UserError(
                    f"{self.path}: there are {len(others[name]):,} of {name!r} and {count:,} series"
                )
        return {name: array for name, array in others.items() if len(array) == count}

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        for place, series in enumerate(self._series):
            values = {
                VALUES: np.asarray(series, np.float32),
                **{name: self._others[name][place].item() for name in columns if name != VALUES},
            }
            yield Row(place + 1, tuple(values[name] for name in columns))


class LongTable(SeriesFile):
    """A .csv or .parquet with a row for each step: an id, a time, a column for each channel."""

    def __init__(self, path: Path, columns: Columns) -> None:
        super().__init__(path)
        self._names = columns

    def columns(self) -> list[str]:
        """The values, and every column that is not a channel."""
        names: list[str] = self._table.column_names
        return [VALUES, *(name for name in names if name not in self.channels())]

    def channels(self) -> list[str]:
        """The columns that are named, or all of numbers that are nothing else."""
        if self._names.channels is not None:
            return list(self._names.channels)
        taken = {self._names.id, self._names.time, *self._names.labels}
        found = [
            field.name
            for field in self._table.schema
            if field.name not in taken and _is_of_numbers(field.type)
        ]
        if not found:
            raise UserError(
                f"{self.path} has no column of numbers: dataset.channels names the channels"
            )
        return found

    @cached_property
    def _table(self) -> pa.Table:
        """The rows, series by series in the order of their first rows, each in the order of its times."""
        try:
            if self.path.suffix.lower() == ".csv":
                table = pa.csv.read_csv(self.path)
            else:
                table = pa.parquet.read_table(self.path)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{self.path} cannot be read ({first_line(error)})") from error
        for column in filter(None, (self._names.id, self._names.time)):
            if column not in table.column_names:
                listed = ", ".join(map(repr, table.column_names))
                raise UserError(f"{self.path} has no column {column!r}; its columns are {listed}")
            if table[column].null_count:
                raise UserError(f"{self.path}: a row has no value in the column {column!r}")
        if not len(table):
            raise UserError(f"{self.path} holds no rows")
        number = pc.dictionary_encode(table[self._names.id]).combine_chunks().indices
        order = pa.table({"number": number})
        keys = [("number", "ascending")]
        if self._names.time is not None:
            order = order.append_column("time", table[self._names.time])
            keys.append(("time", "ascending"))
        return table.take(pc.sort_indices(order, sort_keys=keys))

    @cached_property
    def _starts(self) -> np.ndarray:
        """[series] the number of the first row of each."""
        codes = self._codes(self._names.id)
        return np.flatnonzero(np.diff(codes, prepend=-1))

    def _codes(self, column: str) -> np.ndarray:
        """[rows] a number for each different value of a column."""
        encoded = pc.dictionary_encode(self._table[column], null_encoding="encode")
        codes: np.ndarray = encoded.combine_chunks().indices.to_numpy()
        return codes

    def _values(self) -> np.ndarray:
        """[rows, D] float32, NaN where there is no value."""
        channels = self.channels()
        if missing := [name for name in channels if name not in self._table.column_names]:
            raise UserError(
                f"{self.path} has no column {missing[0]!r}, which is a channel (dataset.channels)"
            )
        for name in channels:
            if not _is_of_numbers(self._table[name].type):
                raise UserError(
                    f"{self.path}: the column {name!r} holds {self._table[name].type}, which is not a channel"
                )
        columns = [self._table[name].cast(pa.float64(), safe=False).to_numpy() for name in channels]
        return np.stack(columns, axis=1).astype(np.float32)

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        values, starts = self._values(), self._starts
        ends = [*starts[1:], len(values)]
        ones: Mapping[str, list[Any]] = {
            name: self._one_of_each(name) for name in columns if name != VALUES
        }
        for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
            found = {name: of_each[place] for name, of_each in ones.items()}
            found[VALUES] = values[start:end]
            yield Row(place + 1, tuple(found[name] for name in columns))

    def _one_of_each(self, column: str) -> list[Any]:
        """The value of each series in a column, which is the same in all of its rows."""
        codes, starts = self._codes(column), self._starts
        series = np.repeat(np.arange(len(starts)), np.diff([*starts, len(codes)]))
        other = np.flatnonzero(codes != codes[starts][series])
        if len(other):
            raise UserError(
                f"{self.at(int(series[other[0]]) + 1)}: the column {column!r} holds several values, "
                "and a series must have one"
            )
        of_each: list[Any] = self._table[column].take(pa.array(starts)).to_pylist()
        return of_each


def _is_of_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"{path} cannot be read ({first_line(error)}); arrays of unequal lengths are saved as an npz "
            "of values [steps, channels] and lengths"
        ) from error
