"""The user's own files of texts with a tag for each word, or with labelled spans."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.checks import one_of, shown
from wavspa.data.custom import Files
from wavspa.data.loading.dataset import View
from wavspa.data.prediction_inputs import STANDARD_INPUT, OneColumn, open_input
from wavspa.data.preparation import store
from wavspa.data.sources.tables import TableFile
from wavspa.data.tagging.collate import NOWHERE, TagExample, collate_tags
from wavspa.data.tagging.entities import SCHEMES, scheme_of
from wavspa.data.tagging.files import (
    CONLL,
    ROWS,
    TAGS,
    WORDS,
    ConllFile,
    is_of_lines,
    names_of_numbers,
    open_tagged,
)
from wavspa.data.tagging.tags import Tagged, Tags
from wavspa.data.tagging.words import (
    UNITS,
    Words,
    joined_words,
    read_spans,
    split_text,
    tags_of_spans,
)
from wavspa.data.text_datamodule import CHUNK, TextRow
from wavspa.data.tokenizers import cut
from wavspa.errors import UserError
from wavspa.reporting import report


class Tagging(Files):
    """Files of texts (see :mod:`wavspa.data.tagging.files`) with a tag for each word, or with labelled spans.

    A row is a list of words with a list of their tags, or a text with a list of spans, whose words then have
    tags of the scheme IOB2. A word is labelled, and read, at the token in which it begins; the text of
    listed words has a blank between two. The loaders yield :class:`wavspa.data.TagBatch`. Words beyond
    ``max_length`` tokens are not learned, and their tags count as missed.

    Args:
        text: The column of the words or of the texts.
        label: The column of the tags or of the spans.
        tag_names: The names of numeric tags, in their order; None: as a parquet file of Hugging Face
            `datasets` itself names them, or by their numbers.
        unit: What has a tag in texts with spans: one of :data:`wavspa.data.tagging.words.UNITS`.
        row: What a row of CoNLL is: ``sentence``, ``document`` or ``file``.
        scheme: How tags make entities: ``lenient``, ``none`` (there are none) or strictly by a scheme;
            ``auto``: as the tags of train look. It changes scores and predicted spans alone.
        **options: See :class:`wavspa.data.Files`.

    Raises:
        UserError: An option is out of range.
    """

    example = TagExample

    def __init__(
        self,
        *,
        text: str = WORDS,
        label: str = TAGS,
        tag_names: Sequence[str] | None = None,
        unit: str = "word",
        row: str = ROWS[0],
        scheme: str = "auto",
        **options: Any,
    ) -> None:
        super().__init__(text=text, label=label, **options)
        self.target = Tags(str(label), tag_names)
        collate: Any = partial(collate_tags, has_end=self.tokenizer.end)
        self.collate = collate
        self.tag_names = tag_names
        self.unit = one_of("unit", unit, tuple(UNITS))
        self.row = one_of("row", row, ROWS)
        self.scheme = one_of("scheme", scheme, ("auto", *SCHEMES))

    def source_cache_key(self) -> Mapping[str, Any]:
        """The content of the files, and how rows are made of it."""
        return {
            **super().source_cache_key(),
            "data": "tagging",
            "label": self.target.columns[0],
            "tag_names": self.tag_names and list(self.tag_names),
            "unit": self.unit,
            "row": self.row,
        }

    def infer_auto(self) -> dict[str, Any]:
        """With how the tags of train make entities."""
        return {**super().infer_auto(), "scheme": scheme_of(self.card["label_names"])}

    def setup(self, stage: str | None = None) -> None:
        """Open the prepared data; print how many words are beyond what the model reads."""
        super().setup(stage)
        if stage != "fit":
            return
        for split, rows in self._rows.items():
            beyond, words = rows.beyond(store.PLACES, self.max_length - self.tokenizer.end)
            if beyond:
                report(
                    f"{beyond:,} of {words:,} words of {split} begin after "
                    f"dataset.max_length={self.max_length} tokens: they are not learned, and their tags "
                    "count as missed"
                )

    def views(self, columns: Sequence[str]) -> list[View]:
        """The head of the tokens, and the places of all words."""
        return [View("tokens", self.max_length), View(store.PLACES, None)]

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[Words]:
        """The words of a row: those of a list, or those of a text."""
        (value,) = values
        column = next(iter(columns or self.input_columns))
        if isinstance(value, str) and value:
            return (split_text(value, self.unit),)
        if isinstance(value, list) and any(value):
            for number, word in enumerate(value, start=1):
                if not isinstance(word, str):
                    raise UserError(f"{where}: word {number} is {shown(word)}, which is not text")
            return (joined_words(value),)
        if isinstance(value, str) or (isinstance(value, list) and not any(value)):
            raise UserError(f"{where}: the column {column!r} holds {shown(value)}: no words")
        raise UserError(
            f"{where}: the column {column!r} holds {shown(value)}, which is neither a list of words nor text"
        )

    def tagged_rows(
        self, table: TableFile, column: str, label: str
    ) -> Iterator[tuple[str, Words, Tagged]]:
        """The place, the words and the tags of every row of a table.

        Args:
            table: The table.
            column: The column of the words or of the texts.
            label: The column of the tags or of the spans.

        Raises:
            UserError: A row cannot be used.
        """
        assert isinstance(self.target, Tags)
        names = names_of_numbers(table.path, label)
        for place, (value, told) in table.read([column, label], blank=[column, label]):
            where = table.at(place)
            (words,) = self.parse_input([value], where, [column])
            found = self.target.read([told], where)
            if isinstance(value, str):
                tags = tags_of_spans(words, read_spans(found, where), where)
            else:
                tags = self.target.named(found, names, where)
            if not len(words):
                raise UserError(f"{where}: the column {column!r} holds no words")
            if len(tags) != len(words):
                raise UserError(
                    f"{where}: there are {len(words)} words in {column!r} and {len(tags)} tags in {label!r}"
                )
            yield where, words, Tagged(_placed(words), tags)

    def encode_inputs(self, parts: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As :meth:`prepare_data` and the loaders make them, by a tokenizer that has learned."""
        rows: list[Words] = [words for (words,) in parts]
        tokens = self.tokenizer.encode([words.text for words in rows])
        end = self.tokenizer.end_token
        return [
            TagExample(cut(row, self.max_length, end), self._places(words.text, _placed(words)), ())
            for row, words in zip(tokens, rows, strict=True)
        ]

    def open_input(self, source: str, kind: str | None, names: Sequence[str] = ()) -> TableFile:
        """Another file: a table, a word a line, or in .txt and standard input plain text."""
        if kind == CONLL or (
            kind is None and source != STANDARD_INPUT and is_of_lines(Path(source))
        ):
            return open_tagged(Path(source).expanduser(), CONLL, self.row, self.encoding)
        return open_input(source, kind, names, encoding=self.encoding)

    def columns_in(self, table: TableFile) -> tuple[str, str]:
        """The columns of a file that hold the words and the tags: the run's own, of a word a line any."""
        column, label = self.input_columns[0], self.target.columns[0]
        if isinstance(table, OneColumn):
            return table.columns()[0], label
        if isinstance(table, ConllFile):
            there = table.columns()
            column, label = (
                own if own in there else first for own, first in ((column, WORDS), (label, TAGS))
            )
        return column, label

    def _check_label_options(self) -> None:
        if len(self.input_columns) != 1 or len(self.target.columns) != 1 or not self.has_labels:
            raise UserError(
                "dataset.text and dataset.label must name one column each for dataset=tagging"
            )
        for split, path in self.paths.items():
            if path.is_dir():
                raise UserError(f"dataset.{split}={path} must be a file, and is a folder")

    def _read(self, split: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        table = open_tagged(self.paths[split], row=self.row, encoding=self.encoding)
        for where, words, tagged in self.tagged_rows(
            table, self.input_columns[0], self.target.columns[0]
        ):
            yield where, (words.text,), tagged

    def _tables(self, rows: Iterable[TextRow]) -> Iterator[pa.Table]:
        rows = iter(rows)
        while chunk := list(itertools.islice(rows, CHUNK)):
            tokens = self.tokenizer.encode([row.texts[0] for row in chunk], self.stored_length)
            places = [self._places(row.texts[0], row.label.starts) for row in chunk]
            yield pa.table(
                {
                    "tokens": store.ragged(tokens),
                    store.PLACES: store.ragged(places),
                    "label": self.target.array([row.label for row in chunk]),
                }
            )

    def _places(self, text: str, starts: np.ndarray) -> np.ndarray:
        """The token in which each word begins, [W] int32; of one without any -1."""
        places = np.full(len(starts), NOWHERE, np.int32)
        there = starts >= 0
        places[there] = self.tokenizer.places(text, starts[there])
        return places


def _placed(words: Words) -> np.ndarray:
    return np.where(words.ends > words.starts, words.starts, NOWHERE)
