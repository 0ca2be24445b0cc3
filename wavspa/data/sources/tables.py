"""Rows of csv, tsv, json and parquet files, one after the other, each with its place in the file.

Parquet is read by Arrow, text formats by the standard library: `datasets` would take a path for a
pattern, read csv through pandas, which fills a short row and shifts the columns of a long first one
without a word, infer the keys of json from the first rows, and know no line to name.
"""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import override

from wavspa.data.sources.text_files import OPENERS, UTF_8, named, opened, plain_suffix
from wavspa.errors import UserError, first_line

# A longer field is a quote left open; to read on could fill the memory.
LONGEST_FIELD = 2**27
PARQUET_ROWS = 256


class Row(NamedTuple):
    """Values of a row, and the line that it begins in (of parquet and json lists: its number)."""

    place: int
    values: tuple[Any, ...]


class TableFile:
    """A file of rows with named columns. See :func:`open_table`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def columns(self) -> list[str]:
        """The names of the columns, in the order of the file.

        Raises:
            UserError: The file cannot be read, or it is empty.
        """
        raise NotImplementedError

    def read(self, columns: Sequence[str], blank: Sequence[str] = ()) -> Iterator[Row]:
        """The rows in their order, with the values of ``columns`` in that order.

        Args:
            columns: Which to read.
            blank: Those of them that may be without a value, which is then "" or None. In json the first
                rows may lack them.

        Raises:
            UserError: There is no such column (those found are listed), a row is broken or has no
                value (its line is named), or there are no rows.
        """
        found = self.columns()
        if doubled := [column for column in columns if found.count(column) > 1]:
            raise UserError(
                f"{self.path} has {found.count(doubled[0])} columns {doubled[0]!r}: rename one of them"
            )
        missing = [column for column in columns if column not in found]
        if missing := [name for name in missing if name not in blank or not self._has_later(name)]:
            listed = ", ".join(map(repr, found))
            raise UserError(f"{self.path} has no column {missing[0]!r}; its columns are {listed}")
        is_empty = True
        for row in self._rows(columns):
            for column, value in zip(columns, row.values, strict=True):
                if _is_missing(value) and column not in blank:
                    raise UserError(f"{self.at(row.place)}: no value in the column {column!r}")
            is_empty = False
            yield row
        if is_empty:
            raise UserError(f"{self.path} holds no rows")

    def at(self, place: int) -> str:
        """How a message names a row."""
        return f"{self.path}, line {place}"

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        raise NotImplementedError

    def _has_later(self, column: str) -> bool:
        """Whether a row has a column that the first one lacks."""
        return False

    def _broken(self, place: int, why: object) -> UserError:
        return UserError(f"{self.at(place)}: a broken row ({why})")


def open_table(
    path: Path,
    kind: str | None = None,
    names: Sequence[str] | None = None,
    quoted: bool = True,
    encoding: str = UTF_8,
    stray_quotes: bool = False,
) -> TableFile:
    """A file of rows by its name: .csv, .tsv, .jsonl, .json or .parquet, in any case.

    Text files may be compressed (a further .gz, .bz2 or .xz). Csv and tsv give strings, the others
    what they hold; .json holds an object a line, one list of objects, or one object of columns as
    pandas writes it.

    Args:
        path: The file.
        kind: ``csv``, ``tsv``, ``json``, ``jsonl`` or ``parquet``, where the name does not show it.
        names: The columns of a csv or tsv without header.
        quoted: False takes quotes for plain characters and every line for a row (csv and tsv).
        encoding: Encoding of a text file.
        stray_quotes: Refuse lines that a quote seems to have made one row by mistake (csv and tsv).

    Raises:
        UserError: The file is missing, or its name has no known ending.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    kind = kind or plain_suffix(path)
    if kind in ("csv", "tsv"):
        delimiter = "," if kind == "csv" else "\t"
        return _Delimited(path, delimiter, names, quoted, encoding, stray_quotes)
    if kind in ("json", "jsonl"):
        return JsonTable(path, encoding)
    if kind == "parquet":
        return _Parquet(path)
    raise UserError(
        f"{path}: its name has to end in .csv, .tsv, .jsonl, .json or .parquet, and may be followed by "
        + ", ".join(OPENERS)
    )


class _Delimited(TableFile):
    def __init__(
        self,
        path: Path,
        delimiter: str,
        names: Sequence[str] | None,
        quoted: bool,
        encoding: str,
        stray_quotes: bool,
    ) -> None:
        super().__init__(path)
        self._delimiter = delimiter
        self._names = names
        self._quoted = quoted
        self._encoding = encoding
        self._looks_for_stray_quotes = stray_quotes

    def columns(self) -> list[str]:
        if self._names:
            return list(self._names)
        for _, fields in self._fields():
            return list(fields)
        raise UserError(f"{self.path} is empty")

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        found = self.columns()
        wanted = [found.index(column) for column in columns]
        for place, fields in itertools.islice(self._fields(), 0 if self._names else 1, None):
            if len(fields) != len(found):
                raise self._broken(place, f"{len(fields)} fields, not {len(found)}")
            yield Row(place, tuple(fields[at] for at in wanted))

    def _fields(self) -> Iterator[Row]:
        """All fields of every row, the header among them."""
        if self._quoted:
            with opened(self.path, "", self._encoding) as file:
                yield from self._quoted_fields(file)
        else:
            with opened(self.path, "\n", self._encoding) as file:
                for place, line in enumerate(file, start=1):
                    yield Row(place, tuple(line.rstrip("\r\n").split(self._delimiter)))

    def _quoted_fields(self, file: TextIO) -> Iterator[Row]:
        csv.field_size_limit(LONGEST_FIELD)
        lines = _Remembered(file)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        while True:
            place = reader.line_num + 1
            lines.since.clear()
            try:
                fields = next(reader, None)
            except csv.Error as error:
                way_out = f"; {_PLAIN_QUOTES}" if self._looks_for_stray_quotes else ""
                raise self._broken(place, f"{error}{way_out}") from error
            if fields is None:
                return
            if self._looks_for_stray_quotes and self._is_swallowed(fields, lines.since):
                raise UserError(
                    f"{self.at(place)}: a quote makes one row of the lines {place} to "
                    f"{reader.line_num}, each of which is a row without it; {_PLAIN_QUOTES}, or "
                    "dataset.quoting=csv if this is one row"
                )
            if fields:  # an empty line is not a row
                yield Row(place, tuple(fields))

    def _is_swallowed(self, fields: Sequence[str], lines: Sequence[str]) -> bool:
        """Whether each line of a row is a row by itself. A comma may well occur in two lines of a text."""
        if len(fields) < 2 or len(lines) < (2 if self._delimiter == "\t" else 3):
            return False
        return all(line.count(self._delimiter) == len(fields) - 1 for line in lines)


_PLAIN_QUOTES = "if quotes are plain characters in this file, set dataset.quoting=none"


class _Remembered:
    """Lines of a file, with those that were read last."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.since: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.since.append(line)
            yield line


class JsonTable(TableFile):
    """Objects with keys: one in each line, or a list of them; or one object of columns, as of pandas."""

    def __init__(self, path: Path, encoding: str = UTF_8) -> None:
        super().__init__(path)
        self._encoding = encoding

    @override
    def columns(self) -> list[str]:
        for _, item in self._items():
            return list(item)
        raise UserError(f"{self.path} is empty")

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        for place, item in self._items():
            yield Row(place, tuple(item.get(column) for column in columns))

    @override
    def _has_later(self, column: str) -> bool:
        return any(column in item for _, item in self._items())

    @override
    def at(self, place: int) -> str:
        return f"{self.path}, {'item' if self._is_list else 'line'} {place}"

    @cached_property
    def _is_list(self) -> bool:
        with opened(self.path, encoding=self._encoding) as file:
            first = next(filter(None, map(str.strip, file)), "")
        return first.startswith("[")

    def _items(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with opened(self.path, encoding=self._encoding) as file:
            if self._is_list:
                yield from self._objects(self._list(file))
                return
            items = self._objects(self._lines(file))
            first = next(items, None)
            if first is None:
                return
            second = next(items, None)
            if second is None and _is_of_columns(first[1]):
                yield from self._objects(_transposed(first[1]))
            else:
                yield from itertools.chain([first], [] if second is None else [second], items)

    def _objects(self, items: Iterable[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        for place, item in enumerate(items, start=1):
            if item is None:
                continue
            if not isinstance(item, dict):
                raise self._broken(place, "not an object with keys")
            yield place, item

    def _lines(self, file: TextIO) -> Iterator[Any]:
        """What each line holds; None for a line without anything."""
        for place, line in enumerate(map(str.strip, file), start=1):
            try:
                yield json.loads(line) if line else None
            except json.JSONDecodeError as error:
                raise self._broken(place, f"{error.msg}, column {error.colno}") from error
            # A number of thousands of digits, or lists in lists without end.
            except (ValueError, RecursionError) as error:
                raise self._broken(place, first_line(error)) from error

    def _list(self, file: TextIO) -> Iterator[Any]:
        text = file.read()
        try:
            items = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(
                f"{self.path}, line {error.lineno}: not json ({error.msg}, column {error.colno})"
            ) from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{self.path}: not json ({first_line(error)})") from error
        yield from items


def _is_of_columns(item: Mapping[str, Any]) -> bool:
    """Whether an object is a table in the layout of pandas: a value for each row in each column."""
    columns = list(item.values())
    return all(
        isinstance(column, dict) and column.keys() == columns[0].keys() for column in columns
    )


def _transposed(table: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a table that is given by columns."""
    for row in next(iter(table.values()), {}):
        yield {name: column[row] for name, column in table.items()}


class _Parquet(TableFile):
    def at(self, place: int) -> str:
        return f"{self.path}, row {place}"

    def columns(self) -> list[str]:
        with named(self.path):
            return list(pq.read_schema(self.path).names)

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        place = itertools.count(start=1)
        for batch in self._batches(list(dict.fromkeys(columns))):
            for values in zip(*(batch[column].to_pylist() for column in columns), strict=True):
                yield Row(next(place), values)

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with named(self.path), pq.ParquetFile(self.path) as file:
            # One at a time: Arrow cannot join lists of categories of several row groups.
            for group in range(file.num_row_groups):
                yield from file.iter_batches(PARQUET_ROWS, row_groups=[group], columns=columns)


def _is_missing(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return False
    return value is None or value == "" or value != value  # the last: NaN
