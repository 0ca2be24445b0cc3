"""Files of words with tags: a word a line, or a table with a list in each row."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq
from typing_extensions import override

from wavspa.data.sources.tables import Row, TableFile, open_table
from wavspa.data.sources.text_files import UTF_8, named, opened, plain_suffix
from wavspa.errors import UserError

CONLL = "conll"
TABLES = ("json", "jsonl", "parquet")
ROWS = ("sentence", "document", "file")
WORDS, TAGS = "tokens", "tags"
"""The columns of a CoNLL file: the first one, and the last one."""
_DOCUMENT = "-DOCSTART-"
# The first fields of CoNLL-U: those of lines that are not words, and those that begin a sentence.
_BETWEEN = re.compile(r"\d+[-.]\d+")
_NUMBERED = re.compile(r"1|1-\d+|0\.1")
# Lines that are looked at to see whether tabs separate columns.
_PROBE = 1000


def open_tagged(
    path: Path, kind: str | None = None, row: str = ROWS[0], encoding: str = UTF_8
) -> TableFile:
    """A file of words and tags by its name: .jsonl, .json or .parquet; any other is a word a line.

    Args:
        path: The file.
        kind: ``conll`` or one of :data:`TABLES`, where the name does not show it.
        row: What a row of CoNLL is: see :class:`ConllFile`.
        encoding: Encoding of a text file.

    Raises:
        UserError: There is no such file, or it is a csv.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    kind = kind or plain_suffix(path)
    if kind == "csv":
        raise UserError(
            f"{path}: a csv holds no lists of tags: use .jsonl, .json or .parquet, or a word and its tag per "
            "line (.conll)"
        )
    return (
        open_table(path, kind, encoding=encoding)
        if kind in TABLES
        else ConllFile(path, row, encoding)
    )


def names_of_numbers(path: Path, column: str) -> list[str] | None:
    """What a parquet of Hugging Face `datasets` calls the numbers in a column of tags (``ClassLabel``)."""
    if plain_suffix(path) != "parquet":
        return None
    with named(path):
        metadata = pq.read_schema(path).metadata or {}
    content = json.loads(metadata.get(b"huggingface", b"{}"))
    feature = content.get("info", {}).get("features", {}).get(column)
    if isinstance(feature, list):
        (feature,) = feature
    names = (feature or {}).get("feature", feature or {}).get("names")
    return None if names is None else list(map(str, names))


class ConllFile(TableFile):
    """A word and its tag in each line, the first column and the last; a blank line ends a sentence.

    Columns are separated by tabs if there are any, else by blanks. Those between are called by their number,
    from 1. A line with ``-DOCSTART-`` begins a document; where tabs separate, a line that begins with ``#``
    and has none is a comment. CoNLL-U (ten columns, of which the first numbers the words) has lines that are
    not words: contractions, numbered ``3-4``, whose words follow, and omitted words, numbered ``5.1``.

    Args:
        path: The file.
        row: ``sentence``, ``document`` or ``file``: what becomes a row.
        encoding: Encoding of the file.
    """

    def __init__(self, path: Path, row: str, encoding: str) -> None:
        super().__init__(path)
        self._row, self._encoding = row, encoding

    @override
    def columns(self) -> list[str]:
        count = len(self._first)
        between = [str(number) for number in range(2, count)]
        return [WORDS, *between, TAGS] if count > 1 else [WORDS]

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        own = self.columns()
        wanted = [own.index(column) for column in columns]
        documents = 0
        place, lines = 1, list[list[str]]()
        for number, fields in self._lines():
            is_document = bool(fields) and fields[0] == _DOCUMENT
            documents += is_document
            ends = (is_document and self._row != "file") or (not fields and self._row == "sentence")
            if fields and not is_document and not self._is_between(fields):
                if len(fields) != len(own):
                    raise self._broken(number, f"{len(fields)} columns, not {len(own)}")
                if not lines:
                    place = number
                lines.append(fields)
            elif ends and lines:
                yield self._made(place, lines, wanted)
                lines = []
        if self._row == "document" and not documents:
            raise UserError(
                f"{self.path} has no line {_DOCUMENT}, with which documents begin: dataset.row must be "
                "sentence or file"
            )
        if lines:
            yield self._made(place, lines, wanted)

    def _is_between(self, fields: Sequence[str]) -> bool:
        """Whether a line of CoNLL-U is not a word."""
        return self._is_conllu and _BETWEEN.fullmatch(fields[0]) is not None

    @cached_property
    def _is_conllu(self) -> bool:
        first = self._first
        return self._has_tabs and len(first) == 10 and _NUMBERED.fullmatch(first[0]) is not None

    def _made(self, place: int, lines: Sequence[Sequence[str]], wanted: Sequence[int]) -> Row:
        parts = list(zip(*lines, strict=True))
        return Row(place, tuple(list(parts[column]) for column in wanted))

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """The fields of each line that is not a comment; none of a blank one."""
        separator = "\t" if self._has_tabs else None
        with opened(self.path, encoding=self._encoding) as file:
            for number, line in enumerate(file, start=1):
                if separator and line.startswith("#") and separator not in line:
                    continue
                text = line.rstrip("\r\n")
                yield number, text.split(separator) if text.strip() else []

    @cached_property
    def _has_tabs(self) -> bool:
        with opened(self.path, encoding=self._encoding) as file:
            return any("\t" in line.strip() for line in itertools.islice(file, _PROBE))

    @cached_property
    def _first(self) -> list[str]:
        for _, fields in self._lines():
            if fields and fields[0] != _DOCUMENT:
                return fields
        raise UserError(f"{self.path} holds no words")


def is_of_lines(path: Path) -> bool:
    """Whether a file's name is that of a word a line, also in prediction, where .txt is plain text."""
    suffix = plain_suffix(path)
    return suffix not in ("", "txt", "csv", *TABLES)
