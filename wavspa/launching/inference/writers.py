"""Answers as files: csv, json lines, parquet, plain text, CoNLL, and leaderboard submissions."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from wavspa.checks import one_of
from wavspa.data.tagging.files import CONLL
from wavspa.errors import UserError
from wavspa.launching.answers.tags import TagColumns
from wavspa.launching.inference.predictor import Answers
from wavspa.tasks.written_texts import on_one_line

TABLES = ("csv", "jsonl", "parquet")
SUBMISSIONS = ("d2a", "codexglue")
LINES = "txt"
FORMATS = (*TABLES, LINES, CONLL, *SUBMISSIONS)
NO_TAG = "_"
"""The tag, in CoNLL, of a word that the model has not read."""
_BREAKS = re.compile(r"[\t\r\n]")
"""The separators of columns and lines in CoNLL."""


class Form(NamedTuple):
    """The form in which answers are written."""

    kind: str
    """one of :data:`FORMATS`"""
    ids: Sequence[str]
    """the names of the input's columns that are kept"""
    labels: Sequence[str]
    """the names of the classes; empty for a run that embeds or writes"""
    writes: bool = False
    """whether the answers are texts"""
    targets: Sequence[str] = ()
    """the names of the answer columns of a run whose targets are not a single class"""


def check_form(form: Form) -> None:
    """Refuse a form that cannot be written.

    Raises:
        UserError: The format is unknown or does not fit the answers, or two columns have the same name.
    """
    one_of("format", form.kind, FORMATS)
    if form.kind == LINES and not form.writes:
        raise UserError(
            "format=txt is for texts that a run writes; this one has classes or embeddings"
        )
    if form.kind == CONLL and tuple(form.targets) != TagColumns.names:
        raise UserError("format=conll is for tags of words; this run has none")
    if form.kind in (LINES, CONLL) and form.ids:
        what = "text" if form.kind == LINES else "word"
        raise UserError(
            f"id={','.join(form.ids)}: format={form.kind} has one {what} per line and cannot hold columns "
            "of the input: choose csv or jsonl"
        )
    if form.kind in SUBMISSIONS and len(form.labels) != 2:
        count = len(form.labels) or "none"
        raise UserError(f"format={form.kind} needs two classes; this run has {count}")
    names = [*form.ids, *_names_of_classes(form)]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"id={','.join(form.ids)}: there would be two columns {name!r}")


def write_answers(file: BinaryIO, answers: Iterable[Answers], form: Form) -> int:
    """Write answers as they come.

    Args:
        file: The open file to write to.
        answers: The answers, in one or more parts.
        form: The form to write them in.

    Returns:
        The number of examples.
    """
    if form.kind in SUBMISSIONS:
        return _write_submission(file, answers, form)
    if form.kind == LINES:
        return _write_lines(file, answers)
    if form.kind == CONLL:
        return _write_words(file, answers)
    tables = (_table(part, form) for part in answers)
    first = next(tables)
    rows = 0
    with _writer(file, first.schema, form.kind) as writer:
        table: pa.Table | None = first
        while table is not None:
            writer.write_table(table)
            rows += table.num_rows
            table = next(tables, None)
    return rows


def _write_submission(file: BinaryIO, answers: Iterable[Answers], form: Form) -> int:
    rows = 0
    for part in answers:
        assert part.classes is not None
        assert part.probabilities is not None
        if form.kind == "d2a":
            last = [f" {probability:.9g}" for probability in part.probabilities[:, 1]]
        else:
            last = [f"\t{number}" for number in part.classes]
        lines = ("\t".join(ids) + end for ids, end in zip(part.ids, last, strict=True))
        file.write("".join(f"{line}\n" for line in lines).encode())
        rows += len(last)
    return rows


def _write_lines(file: BinaryIO, answers: Iterable[Answers]) -> int:
    rows = 0
    for part in answers:
        assert part.texts is not None
        file.write("".join(f"{on_one_line(text.text)}\n" for text in part.texts).encode())
        rows += len(part.texts)
    return rows


def _write_words(file: BinaryIO, answers: Iterable[Answers]) -> int:
    """Write a word and its tag per line, and a blank line after each example.

    Tabs and line breaks in a listed word become blanks: they would make further columns and lines.
    """
    rows = 0
    for part in answers:
        assert part.targets is not None
        words, tags, _ = (column.to_pylist() for column in part.targets)
        for pair in zip(words, tags, strict=True):
            lines = (
                f"{_BREAKS.sub(' ', word)}\t{tag or NO_TAG}\n"
                for word, tag in zip(*pair, strict=True)
            )
            file.write("".join([*lines, "\n"]).encode())
        rows += len(words)
    return rows


def _names_of_classes(form: Form) -> list[str]:
    if form.writes:
        return ["text", "score", "ended"]
    if form.targets:
        return list(form.targets)
    return ["class", *(f"probability_{label}" for label in form.labels)] if form.labels else []


def _table(part: Answers, form: Form) -> pa.Table:
    """A table with a row for each example."""
    columns = [pa.array(column, pa.string()) for column in zip(*part.ids, strict=True)]
    names = [*form.ids, *_names_of_classes(form)]
    if part.classes is not None and part.probabilities is not None:
        classes = [form.labels[number] for number in part.classes]
        columns += [pa.array(classes), *_columns(part.probabilities)]
    if part.targets is not None:
        columns += map(_as_json, part.targets) if form.kind == "csv" else part.targets
    if part.texts is not None:
        columns += [pa.array([text[place] for text in part.texts]) for place in range(3)]
    if part.embeddings is not None and form.kind == "csv":
        columns += _columns(part.embeddings)
        names += [f"embedding_{place}" for place in range(part.embeddings.shape[1])]
    elif part.embeddings is not None:
        columns.append(pa.array(list(part.embeddings)))
        names.append("embedding")
    return pa.table(columns, names)


def _as_json(column: pa.Array) -> pa.Array:
    """A column of lists as json text, which a csv can hold; any other column unchanged."""
    if not pa.types.is_list(column.type):
        return column
    return pa.array([json.dumps(value, ensure_ascii=False) for value in column.to_pylist()])


def _columns(values: np.ndarray) -> list[pa.Array]:
    """The columns of values [n, W]."""
    return [pa.array(column) for column in values.T.copy()]


class _JsonLines:
    """Writes tables as json, one object per line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._encode = json.JSONEncoder(ensure_ascii=False).encode

    def __enter__(self) -> "_JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write_table(self, table: pa.Table) -> None:
        lines = (self._encode(row) + "\n" for row in table.to_pylist())
        self._file.write("".join(lines).encode())


def _writer(
    file: BinaryIO, schema: pa.Schema, kind: str
) -> pa.csv.CSVWriter | pa.parquet.ParquetWriter | _JsonLines:
    if kind == "csv":
        return pa.csv.CSVWriter(file, schema)
    return pa.parquet.ParquetWriter(file, schema) if kind == "parquet" else _JsonLines(file)
