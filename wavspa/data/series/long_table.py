"""Series in tables with a row for each step."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from wavspa.data.series.base import VALUES, Columns, SeriesFile, as_float32
from wavspa.data.sources.tables import Row
from wavspa.errors import UserError, first_line

# The column to which pandas writes an index without a name: in csv, in csv that it has read, in parquet.
_INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__")


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
        found = [name for name in self._unnamed if _is_of_numbers(self._table[name].type)]
        if not found:
            raise UserError(
                f"{self.path} has no column of numbers: dataset.channels names the channels"
            )
        return found

    def remarks(self) -> list[str]:
        """With the columns that are left out, and times that occur twice in a series."""
        found = super().remarks()
        if self._indexes and self._names.channels is None:
            found.append(
                f"{self.path}: {', '.join(map(repr, self._indexes))} is left out, the row numbers that "
                "pandas writes: dataset.channels names the channels if it is one"
            )
        others = [name for name in self._unnamed if not _is_of_numbers(self._table[name].type)]
        if others and self._names.channels is None:
            found.append(
                f"{self.path}: channels are columns of numbers, so {', '.join(map(repr, others))} is left out"
            )
        if self._names.time is not None and (twice := self._twice(self._names.time)):
            number, time, count = twice
            found.append(
                f"{self.at(number)}: the time {time} occurs twice (in all {count:,} steps have the time of "
                "the one before): such steps are in the order of the file"
            )
        return found

    def _twice(self, column: str) -> tuple[int, Any, int] | None:
        """The first series with a time that occurs twice, that time, and the number of all such steps."""
        times, codes = self._table[column], self._codes(self._names.id)
        follows = np.flatnonzero(np.diff(codes) == 0)
        before, after = times.take(pa.array(follows)), times.take(pa.array(follows + 1))
        equal = follows[pc.equal(before, after).to_numpy()]
        if not len(equal):
            return None
        return int(codes[equal[0]]) + 1, times[int(equal[0])], len(equal)

    @cached_property
    def _others(self) -> list[str]:
        """The columns that no option names."""
        taken = {self._names.id, self._names.time, *self._names.labels}
        return [name for name in self._table.column_names if name not in taken]

    @cached_property
    def _indexes(self) -> list[str]:
        """Those of them that hold an index of pandas."""
        return [name for name in self._others if _INDEX.fullmatch(name)]

    @cached_property
    def _unnamed(self) -> list[str]:
        """The columns that may be channels; one of text that seems to be meant for numbers is refused."""
        names = [name for name in self._others if name not in self._indexes]
        for name in names:
            if (place := _first_word(self._table[name])) is not None:
                raise UserError(
                    f"{self.path}: the column {name!r} holds numbers, and {self._table[name][place]} in "
                    f"one of its rows: leave missing values blank (dataset.nan), or name the "
                    "channels by dataset.channels"
                )
        return names

    @cached_property
    def _table(self) -> pa.Table:
        """The rows, series by series in the order of their first rows, each in the order of its times."""
        table = self._read_file()
        number = pc.dictionary_encode(table[self._names.id]).combine_chunks().indices
        order = pa.table({"number": number})
        keys = [("number", "ascending")]
        if self._names.time is not None:
            order = order.append_column("time", table[self._names.time])
            keys.append(("time", "ascending"))
        rows = pc.sort_indices(order, sort_keys=keys)
        if self._names.time is not None:
            self._check_text(order.take(rows), rows.to_numpy())
        return table.take(rows)

    def _read_file(self) -> pa.Table:
        try:
            if self.path.suffix.lower() == ".csv":
                # As they are spelled: neither an id nor a class 007 is 7.
                spelled = dict.fromkeys([self._names.id, *self._names.labels], pa.string())
                types = pa.csv.ConvertOptions(column_types=spelled)
                table = pa.csv.read_csv(self.path, convert_options=types)
            else:
                table = pa.parquet.read_table(self.path)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{self.path} cannot be read ({first_line(error)})") from error
        names = table.column_names
        if doubled := [name for name in names if names.count(name) > 1]:
            raise UserError(
                f"{self.path} has {names.count(doubled[0])} columns {doubled[0]!r}: rename one of them"
            )
        for column in filter(None, (self._names.id, self._names.time)):
            if column not in names:
                listed = ", ".join(map(repr, names))
                raise UserError(f"{self.path} has no column {column!r}; its columns are {listed}")
            if any(
                value is None or value == "" or value != value
                for value in table[column].to_pylist()
            ):
                raise UserError(f"{self.path}: a row has no value in the column {column!r}")
        if not len(table):
            raise UserError(f"{self.path} holds no rows")
        return self._without_categories(table)

    def _without_categories(self, table: pa.Table) -> pa.Table:
        """Ids and times as their values where pandas stores them as categories, which have another order."""
        for place, field in enumerate(table.schema):
            if field.name in (self._names.id, self._names.time) and pa.types.is_dictionary(
                field.type
            ):
                values = table[field.name].cast(field.type.value_type)
                table = table.set_column(place, field.name, values)
        return table

    def _check_text(self, order: pa.Table, rows: np.ndarray) -> None:
        """Refuse times of text whose order is not that of the file: t10 comes before t2.

        Args:
            order: The ``number`` of the series and the ``time`` of each row, sorted.
            rows: [rows] their numbers in the file.
        """
        times = order["time"]
        if not (pa.types.is_string(times.type) or pa.types.is_large_string(times.type)):
            return
        follows = np.flatnonzero(np.diff(order["number"].to_numpy()) == 0)
        moved = follows[rows[follows] > rows[follows + 1]]
        if len(moved):
            raise UserError(
                f"{self.path}: the column {self._names.time!r} holds text such as "
                f"{times[int(moved[0])].as_py()!r}, whose order may not be that of time: write numbers, or "
                "dates such as 2020-01-31; dataset.time=null takes the steps in the order of the file"
            )

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

    def _steps(self) -> np.ndarray:
        """NaN where there is no value."""
        channels = self.channels()
        if missing := [name for name in channels if name not in self._table.column_names]:
            raise UserError(
                f"{self.path} has no column {missing[0]!r}, which is a channel (dataset.channels)"
            )
        for name in channels:
            kind = self._table[name].type
            # A column without any value has no other type.
            if not (_is_of_numbers(kind) or pa.types.is_null(kind)):
                raise UserError(
                    f"{self.path}: the column {name!r} holds {kind}, which is not a channel"
                )
        columns = [self._table[name].cast(pa.float64(), safe=False).to_numpy() for name in channels]
        return np.stack(columns, axis=1)

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        values, starts = as_float32(self._steps()), self._starts
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


def _first_word(column: pa.ChunkedArray) -> int | None:
    """The row of the first text in a column of text that holds more numbers than words; None: it does not."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    is_number = np.array([_is_number(text) for text in column.to_pylist() if text])
    rows = [row for row, text in enumerate(column.to_pylist()) if text]
    if not len(is_number) or is_number.mean() <= 0.5:
        return None
    return rows[int(np.argmin(is_number))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_of_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
