"""Prepared rows as a torch data set."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from torch.utils.data import Dataset as TorchDataset

from wavspa.data.loading.collate import Example
from wavspa.data.preparation.store import lengths, token_columns

# Which rows `limit` keeps: the same under every training seed, so that runs can be compared.
LIMIT_SEED = 0


class Rows(TorchDataset[Any]):
    """One split: reads whole batches from memory-mapped Arrow, with no Python for each token.

    Args:
        split: columns of tokens and ``label``, as :mod:`wavspa.data.preparation.store` writes them.
        max_length: longer sequences keep their head.
        limit: how many rows, chosen at random once for all, to keep in their order; None: all.
        example: called with the tokens [N] of each column in turn and the label.
        pool: the sequences that the columns of ``split`` number, if they do not hold tokens themselves.
        end: the last token of a sequence that is cut, if there is one.

    Attributes:
        lengths: [rows] int64, after truncation, of the longest sequence of each row.
        labels: [rows] int64, or lists where the data hold such.
    """

    def __init__(
        self,
        split: Dataset,
        max_length: int,
        limit: int | None = None,
        example: Callable[..., Any] = Example,
        pool: Dataset | None = None,
        end: int | None = None,
    ) -> None:
        self._table = split.with_format("arrow")
        self._columns = token_columns(split.column_names)
        self._max_length = max_length
        self._example = example
        self._end = end
        self._pool = None if pool is None else pool.with_format("arrow")
        self._kept = np.arange(len(split))
        if limit is not None:
            chosen = np.random.default_rng(LIMIT_SEED).permutation(len(split))[:limit]
            self._kept = np.sort(chosen)
        full_lengths = np.max(
            [lengths(split.data.column(name), pool) for name in self._columns], axis=0
        )
        self.lengths = np.minimum(full_lengths[self._kept], max_length).astype(np.int64)
        self.labels = split.data.column("label").to_numpy()[self._kept]

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several rows at once: what a DataLoader calls with the indices of a batch."""
        table = self._table[self._kept[indices].tolist()]
        tokens = [self._heads(self._tokens(table[name])) for name in self._columns]
        labels = table["label"].to_pylist()
        return [self._example(*row) for row in zip(*tokens, labels, strict=True)]

    def _tokens(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column if self._pool is None else self._pool[column.to_pylist()]["tokens"]

    def _heads(self, column: pa.ChunkedArray) -> list[np.ndarray]:
        """The first ``max_length`` tokens of each row, not copied unless their end is put in."""
        lists = column.combine_chunks()
        flat = lists.values.to_numpy()
        starts = lists.offsets.to_numpy()
        ends = np.minimum(starts[1:], starts[:-1] + self._max_length)
        heads = [flat[start:end] for start, end in zip(starts[:-1], ends, strict=True)]
        if self._end is not None:
            for row in np.flatnonzero(ends < starts[1:]):
                heads[row] = heads[row].copy()
                heads[row][-1] = self._end
        return heads
