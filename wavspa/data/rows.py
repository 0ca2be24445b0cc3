"""Prepared rows as a torch data set."""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset
from torch.utils.data import Dataset as TorchDataset

from wavspa.data.batch import Example

# Which rows `limit` keeps: the same under every training seed, so that runs can be compared.
LIMIT_SEED = 0


class Rows(TorchDataset[Example]):
    """One split: reads whole batches from memory-mapped Arrow, with no Python for each token.

    Args:
        split: columns ``tokens`` (list of integers) and ``label``.
        max_length: longer rows keep their head.
        limit: how many rows, chosen at random once for all, to keep in their order; None: all.

    Attributes:
        lengths: [rows] int64, after truncation.
    """

    def __init__(self, split: Dataset, max_length: int, limit: int | None = None) -> None:
        self._table = split.with_format("arrow")
        self._max_length = max_length
        self._kept = np.arange(len(split))
        if limit is not None:
            chosen = np.random.default_rng(LIMIT_SEED).permutation(len(split))[:limit]
            self._kept = np.sort(chosen)
        full_lengths = pc.list_value_length(split.data.column("tokens")).to_numpy()
        self.lengths = np.minimum(full_lengths[self._kept], max_length).astype(np.int64)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> Example:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        """Several rows at once: what a DataLoader calls with the indices of a batch."""
        table = self._table[self._kept[indices].tolist()]
        lists = table["tokens"].combine_chunks()
        flat = lists.values.to_numpy()
        starts = lists.offsets.to_numpy()[:-1]
        return [
            Example(flat[start : start + length], label)
            for start, length, label in zip(
                starts, self.lengths[indices], table["label"].to_pylist(), strict=True
            )
        ]
