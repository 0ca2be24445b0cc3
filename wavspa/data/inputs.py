"""New examples to be classified: rows of a table, or plain lines, from a file or a pipe."""

import itertools
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from wavspa.data.readers import JsonTable, Row, TableFile, named, open_table, opened, plain_suffix
from wavspa.errors import UserError

STANDARD_INPUT = "-"
KINDS = ("txt", "csv", "tsv", "json", "jsonl", "parquet")
PIPED = ("txt", "jsonl")
# What the only column of plain text is called.
TEXT = "text"


def open_input(source: str, kind: str | None = None) -> TableFile:
    """A table of examples.

    Args:
        source: a file as :func:`wavspa.data.readers.open_table` takes it, or one of plain text, .txt,
            with a text in each line, in the column ``text``; ``-`` is standard input.
        kind: one of :data:`KINDS`, where the name does not say it; of standard input ``txt`` (if None)
            or ``jsonl``.

    Raises:
        UserError: there is no such file, or the kind is unknown.
    """
    if kind is not None and kind not in KINDS:
        raise UserError(f"kind={kind} is unknown: {', '.join(KINDS)}")
    if source == STANDARD_INPUT:
        if kind not in (None, *PIPED):
            raise UserError(f"kind={kind}: standard input is read as {' or '.join(PIPED)}")
        pipe = TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="\n")
        return _JsonPipe(pipe) if kind == "jsonl" else Lines(Path("standard input"), pipe)
    path = Path(source).expanduser()
    if (kind or plain_suffix(path)) == "txt":
        if not path.is_file():
            raise UserError(f"there is no file {path}")
        return Lines(path)
    return open_table(path, kind)


class Lines(TableFile):
    """Plain text, of which every line is a row.

    Args:
        path: the file, or what messages call the pipe.
        pipe: is read instead of the file.
    """

    def __init__(self, path: Path, pipe: TextIO | None = None) -> None:
        super().__init__(path)
        self._pipe = pipe

    def columns(self) -> list[str]:
        """The one column."""
        return [TEXT]

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        if self._pipe is not None:
            with named(self.path):
                yield from self._numbered(self._pipe)
        else:
            with opened(self.path, newline="\n") as file:
                yield from self._numbered(file)

    def _numbered(self, lines: TextIO) -> Iterator[Row]:
        for place, line in enumerate(lines, start=1):
            text = line.rstrip("\r\n")
            if not text:
                raise UserError(f"{self.at(place)}: the line is empty")
            yield Row(place, (text,))


class _JsonPipe(JsonTable):
    """Json lines that can be read once."""

    def __init__(self, pipe: TextIO) -> None:
        super().__init__(Path("standard input"))
        self._pipe = pipe

    def columns(self) -> list[str]:
        return list(self._first[1])

    def at(self, place: int) -> str:
        return f"{self.path}, line {place}"

    def _items(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return itertools.chain([self._first], self._rest)

    @cached_property
    def _first(self) -> tuple[int, dict[str, Any]]:
        first = next(self._rest, None)
        if first is None:
            raise UserError(f"{self.path} is empty")
        return first

    @cached_property
    def _rest(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with named(self.path):
            yield from self._objects(self._lines(self._pipe))
