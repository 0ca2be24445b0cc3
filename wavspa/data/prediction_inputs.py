"""New examples: rows of a table, plain lines or pictures, from a file, a folder or a pipe."""

import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from wavspa.checks import one_of
from wavspa.data.image_datamodule import ENDINGS
from wavspa.data.sources.tables import JsonTable, Row, TableFile, open_table
from wavspa.data.sources.text_files import UTF_8, named, opened, plain_suffix
from wavspa.errors import UserError

STANDARD_INPUT = "-"
KINDS = ("txt", "csv", "tsv", "json", "jsonl", "parquet", "conll")
PIPED = ("txt", "jsonl")
NAMED = ("csv", "tsv")


def check_input(source: str, kind: str | None = None, names: Sequence[str] = ()) -> None:
    """Refuse words that :func:`open_input` has no use for.

    Raises:
        UserError: The kind is unknown, or cannot be combined with the input or the names.
    """
    if kind is not None:
        one_of("kind", kind, KINDS)
    if names and (kind or plain_suffix(Path(source))) not in NAMED:
        raise UserError(f"names= is for {' and '.join(NAMED)} without header, and not for {source}")
    if source == STANDARD_INPUT and kind not in (None, *PIPED):
        raise UserError(f"kind={kind}: standard input is read as {' or '.join(PIPED)}")


def open_input(
    source: str, kind: str | None = None, names: Sequence[str] = (), **options: Any
) -> TableFile:
    """A table of examples.

    Args:
        source: A file as :func:`wavspa.data.sources.tables.open_table` takes it, or one of plain text, .txt,
            of which every line is a row; a picture, or a folder of such; ``-`` is standard input.
        kind: One of :data:`KINDS`, where the name does not show it; of standard input ``txt`` (if None)
            or ``jsonl``.
        names: The columns of a csv or tsv without header, where quotes are plain characters.
        **options: How a table is read; see :func:`wavspa.data.sources.tables.open_table`.

    Raises:
        UserError: There is no such file, or :func:`check_input` refuses the words.
    """
    check_input(source, kind, names)
    if source == STANDARD_INPUT:
        pipe = TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="\n")
        return _JsonPipe(pipe) if kind == "jsonl" else Lines(Path("standard input"), pipe)
    path = Path(os.path.expanduser(source))
    if path.is_dir() or (kind is None and path.suffix.lower() in ENDINGS):
        return PictureFiles(path)
    if (kind or plain_suffix(path)) == "txt":
        if not path.is_file():
            raise UserError(f"there is no file {path}")
        return Lines(path, encoding=options.get("encoding", UTF_8))
    if names:
        options["quoted"] = False
    return open_table(path, kind, names, **options)


class OneColumn(TableFile):
    """Rows of a single text, whose column is called ``name``: :meth:`texts`, each with its place."""

    name: str

    def columns(self) -> list[str]:
        """The one column."""
        return [self.name]

    def texts(self) -> Iterator[tuple[int, str]]:
        """The rows."""
        raise NotImplementedError

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        for place, text in self.texts():
            yield Row(place, (text,) * len(columns))


class PictureFiles(OneColumn):
    """The paths of the pictures of a folder, by name, those of the folders in it after its own; or of one.

    What does not end in one of :data:`wavspa.data.image_datamodule.ENDINGS` is left out.
    """

    name = "path"

    def at(self, place: int) -> str:
        """The path next to it is more helpful than any number."""
        return "input"

    def texts(self) -> Iterator[tuple[int, str]]:
        """The paths, each beginning with that of the folder."""
        if not self.path.is_dir():
            yield 1, str(self.path)
            return
        place = 0
        with named(self.path):
            for folder, folders, files in os.walk(self.path, onerror=_fail):
                folders.sort()
                for file in sorted(files):
                    if file.lower().endswith(ENDINGS):
                        place += 1
                        yield place, os.path.join(folder, file)
        if not place:
            raise UserError(f"{self.path} holds no pictures ({', '.join(ENDINGS)})")


class Lines(OneColumn):
    """Plain text, of which every line is a row.

    Args:
        path: The file, or what messages call the pipe.
        pipe: Is read instead of the file.
        encoding: Encoding of the file.
    """

    name = "line"

    def __init__(self, path: Path, pipe: TextIO | None = None, encoding: str = UTF_8) -> None:
        super().__init__(path)
        self._pipe = pipe
        self._encoding = encoding

    def texts(self) -> Iterator[tuple[int, str]]:
        """The lines without their ends."""
        if self._pipe is not None:
            with named(self.path):
                yield from self._numbered(self._pipe)
        else:
            with opened(self.path, "\n", self._encoding) as file:
                yield from self._numbered(file)

    def _numbered(self, lines: TextIO) -> Iterator[tuple[int, str]]:
        for place, line in enumerate(lines, start=1):
            text = line.rstrip("\r\n")
            if not text:
                raise UserError(f"{self.at(place)}: the line is empty")
            yield place, text


class _JsonPipe(JsonTable):
    """Json lines that can be read once."""

    def __init__(self, pipe: TextIO) -> None:
        super().__init__(Path("standard input"))
        self._pipe = pipe

    def columns(self) -> list[str]:
        return list(self._first[1])

    def at(self, place: int) -> str:
        return f"{self.path}, line {place}"

    def _has_later(self, column: str) -> bool:
        return False  # to look would take rows out of the pipe

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


def _fail(error: OSError) -> None:
    """Make os.walk name a folder that it cannot read, and not pass over it."""
    raise error
