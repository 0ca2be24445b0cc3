"""Prepared rows as a torch data set."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from torch.utils.data import Dataset as TorchDataset

from wavspa.data.loading.collate import Example
from wavspa.data.preparation.store import lengths

# Which rows `limit` keeps: the same under every training seed, so that runs can be compared.
LIMIT_SEED = 0


class View(NamedTuple):
    """The part of a column that an example has: its first ``length`` tokens; None: all, in any batch."""

    column: str
    length: int | None


class Rows(TorchDataset[Any]):
    """One split: reads batches at once from memory-mapped Arrow, with no Python for each token.

    Args:
        split: Columns of tokens and ``label``, as :mod:`wavspa.data.preparation.store` writes them.
        views: What an example is made of.
        limit: How many rows, chosen at random once for all, to keep in their order; None: all.
        example: Called with the tokens [N] of each view in turn and the label.
        pool: The sequences that the columns of ``split`` number, if they do not hold tokens themselves.
        end: The last token of a sequence that is cut, if there is one.
        width: For series, the number of values in a step, which are stored side by side; None: tokens.

    Attributes:
        lengths: [rows] int64, after truncation, of the longest sequence of each row.
        labels: [rows] int64, or lists where the data hold such.
    """

    def __init__(
        self,
        split: Dataset,
        views: Sequence[View],
        limit: int | None = None,
        example: Callable[..., Any] = Example,
        pool: Dataset | None = None,
        end: int | None = None,
        width: int | None = None,
    ) -> None:
        self._width = width
        self._split = split
        self._table = split.with_format("arrow")
        self._views = views
        self._example = example
        self._end = end
        self._pool = None if pool is None else pool.with_format("arrow")
        self._kept = np.arange(len(split))
        if limit is not None:
            chosen = np.random.default_rng(LIMIT_SEED).permutation(len(split))[:limit]
            self._kept = np.sort(chosen)
        self._full_lengths = {
            name: lengths(split.data.column(name), pool)[self._kept] // (width or 1)
            for name, length in views
            if length is not None
        }
        self.lengths = np.max(
            [np.minimum(self._full_lengths[name], length) for name, length in views if length],
            axis=0,
        ).astype(np.int64)
        self.labels = split.data.column("label").to_numpy()[self._kept]

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several rows at once: what a DataLoader calls with the indices of a batch."""
        table = self._table[self._kept[indices].tolist()]
        tokens = [self._heads(self._tokens(table[name]), length) for name, length in self._views]
        labels = table["label"].to_pylist()
        return [self._example(*row) for row in zip(*tokens, labels, strict=True)]

    def cut(self, column: str) -> int:
        """How many rows an example shows of a column only the head of."""
        longest = max(length for name, length in self._views if name == column and length)
        return int((self._full_lengths[column] > longest).sum())

    def beyond(self, column: str, least: int) -> tuple[int, int]:
        """How many numbers in the lists of a column are ``least`` or more, and their number."""
        flat = pc.list_flatten(self._split.data.column(column).take(self._kept))
        return int(pc.sum(pc.greater_equal(flat, least)).as_py() or 0), len(flat)

    def _tokens(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column if self._pool is None else self._pool[column.to_pylist()]["tokens"]

    def _heads(self, column: pa.ChunkedArray, length: int | None) -> list[np.ndarray]:
        """The first ``length`` tokens of each row, not copied unless their end is put in."""
        lists = column.combine_chunks()
        flat = lists.values.to_numpy()
        starts = lists.offsets.to_numpy()
        if self._width is not None:
            flat, starts = flat.reshape(-1, self._width), starts // self._width
        ends = starts[1:] if length is None else np.minimum(starts[1:], starts[:-1] + length)
        heads = [flat[start:end] for start, end in zip(starts[:-1], ends, strict=True)]
        if self._end is not None:
            for row in np.flatnonzero(ends < starts[1:]):
                heads[row] = heads[row].copy()
                heads[row][-1] = self._end
        return heads
