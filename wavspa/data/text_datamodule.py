"""The base of data sets of texts: rows of one text or two become tokens, piece by piece."""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from wavspa.checks import whole_number_or_none
from wavspa.data.datamodule import SequenceDataModule
from wavspa.data.loading.collate import PairExample, collate_pairs
from wavspa.data.preparation import store
from wavspa.data.preparation.overlap import Overlap
from wavspa.data.tokenizers import Tokenizer, cut
from wavspa.errors import UserError

# Texts that are in memory at a time while they are prepared.
CHUNK = 256


class TextRow(NamedTuple):
    """One example as read: its text, or the two of a pair, and its label."""

    texts: tuple[str, ...]
    label: Any


class TextSplit(NamedTuple):
    """One split as read: ``rows()`` starts at its first row each time it is called."""

    rows: Callable[[], Iterable[TextRow]]
    examples: int | None
    """how many rows there are, if that is known before they are read"""


class Texts(SequenceDataModule):
    """Labelled texts, or pairs of texts, read once and kept as tokens.

    A data set is a subclass with :meth:`read`, :meth:`source_cache_key` and :meth:`card_facts`.

    Args:
        tokenizer: Makes tokens of texts.
        stored_length: The number of tokens of each text kept on disk; None: all. At least
            ``max_length``.
        **options: See :class:`SequenceDataModule`.

    Raises:
        UserError: An option is out of range.
    """

    columns: Sequence[str] = ("tokens",)
    input_columns: Sequence[str] = ("text",)
    has_words = True

    def __init__(
        self, *, tokenizer: Tokenizer, stored_length: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.tokenizer = tokenizer
        self._overlap = Overlap()
        self.stored_length = whole_number_or_none("stored_length", stored_length)
        if self.stored_length is not None and self.stored_length < self.max_length:
            raise UserError(
                f"dataset.stored_length={stored_length} is less than "
                f"dataset.max_length={self.max_length}"
            )

    @abstractmethod
    def read(self) -> Mapping[str, TextSplit]:
        """The splits ``train``, ``val`` and ``test`` as they are on disk."""

    @abstractmethod
    def source_cache_key(self) -> Mapping[str, Any]:
        """Everything that shapes :meth:`read`, as JSON can hold it."""

    def cache_key(self) -> Mapping[str, Any]:
        """What shapes the rows and what shapes their tokens."""
        return {
            **self.source_cache_key(),
            "tokenizer": self.tokenizer.cache_key(),
            "stored_length": self.stored_length,
        }

    def build(self) -> Mapping[str, store.Source]:
        """The splits as tables of tokens, made while they are written."""
        splits = self.read()
        self.tokenizer.fit(text for row in splits["train"].rows() for text in row.texts)
        return {
            name: store.Source(self._tables(self._watched(name, split)), split.examples)
            for name, split in splits.items()
        }

    def _watched(self, name: str, split: TextSplit) -> Iterator[TextRow]:
        """The rows of a split, which are compared with those of train."""
        return self._overlap.watch(name, split.rows(), lambda row: row.texts)

    def card_entries(self, splits: store.Splits) -> store.Facts:
        """With the tokenizer's number of tokens, of which the data may lack some, and with what val
        and test share with train.
        """
        shared = self._overlap.counts()
        return {
            **super().card_entries(splits),
            "shared_with_train": shared,
            "vocab_size": self.tokenizer.size,
        }

    def infer_auto(self) -> dict[str, Any]:
        """With the number of tokens that the tokenizer has."""
        return {**super().infer_auto(), "vocab_size": self.card["vocab_size"]}

    @property
    def end_token(self) -> int | None:
        """The tokenizer's; of a vocabulary that was learned, the largest token that it can have."""
        if not self.tokenizer.end:
            return None
        return int(self.card["vocab_size"]) - 1

    def word_kinds(self) -> np.ndarray:
        """What each token is to its word: see :meth:`wavspa.data.tokenizers.Tokenizer.word_kinds`."""
        if self.tokenizer.learns:
            self.tokenizer.load(self.folder)
        return self.tokenizer.word_kinds()

    def files(self) -> Mapping[str, str]:
        """The tokenizer's vocabulary, if it has learned one."""
        return self.tokenizer.files()

    def encode_inputs(self, texts: Sequence[tuple[str, ...]]) -> list[Any]:
        """As :meth:`prepare_data` and the loaders make them, by a tokenizer that has learned."""
        sides = (
            self.tokenizer.encode(side, self.stored_length) for side in zip(*texts, strict=True)
        )
        end = self.tokenizer.end_token
        heads = ([cut(tokens, self.max_length, end) for tokens in side] for side in sides)
        label = self.target.unlabelled
        return [self.example(*tokens, label) for tokens in zip(*heads, strict=True)]

    def open_vocabulary(self, kept: Path | None = None) -> None:
        """Read what the tokenizer learned when the data were prepared, which they are if need be."""
        if not self.tokenizer.learns:
            return
        if kept is None:
            self.prepare_data()
        self.tokenizer.load(kept or self.folder)

    def _tables(self, rows: Iterable[TextRow]) -> Iterator[pa.Table]:
        rows = iter(rows)
        while chunk := list(itertools.islice(rows, CHUNK)):
            sides = zip(*(row.texts for row in chunk), strict=True)
            tokens = {
                name: store.ragged(self.tokenizer.encode(texts, self.stored_length))
                for name, texts in zip(self.columns, sides, strict=True)
            }
            yield pa.table({**tokens, "label": self.target.array([row.label for row in chunk])})


class TextPairs(Texts):
    """As :class:`Texts`, each example two texts and one label."""

    example = PairExample
    collate = staticmethod(collate_pairs)
    columns = ("tokens1", "tokens2")
    input_columns: Sequence[str] = ("text1", "text2")


class PooledPairs(TextPairs):
    """As :class:`TextPairs`, of texts that occur in many pairs: each is tokenized and kept once."""

    def build(self) -> Mapping[str, store.Source]:
        """The distinct texts as tokens, and the splits as tables of their numbers."""
        numbers: dict[str, int] = {}
        splits = {}
        for name, split in self.read().items():
            rows = (
                (*(numbers.setdefault(text, len(numbers)) for text in row.texts), row.label)
                for row in self._watched(name, split)
            )
            splits[name] = np.fromiter(rows, np.dtype((np.int32, len(self.columns) + 1)))
            if name == "train":
                self.tokenizer.fit(list(numbers))
        pool = {store.POOL: store.Source(self._pool(list(numbers)), len(numbers))}
        return pool | {name: self._numbers(rows) for name, rows in splits.items()}

    def _pool(self, texts: Sequence[str]) -> Iterator[pa.Table]:
        for start in range(0, len(texts), CHUNK):
            tokens = self.tokenizer.encode(texts[start : start + CHUNK], self.stored_length)
            yield pa.table({"tokens": store.ragged(tokens)})

    def _numbers(self, rows: np.ndarray) -> store.Source:
        *texts, labels = rows.T
        columns = {name: pa.array(text) for name, text in zip(self.columns, texts, strict=True)}
        table = pa.table({**columns, "label": pa.array(labels, pa.int64())})
        return store.Source([table], len(rows))
