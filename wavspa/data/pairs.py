"""Pairs of sequences: one row, and a batch of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from wavspa.data.batch import Example, collate


class PairExample(NamedTuple):
    """One row: ``tokens1`` [N1] and ``tokens2`` [N2] of any integer dtype and their label."""

    tokens1: np.ndarray
    tokens2: np.ndarray
    label: int


class PairBatch(NamedTuple):
    """What models and tasks of pairs receive.

    Each side as in :class:`wavspa.data.Batch`: ``tokens1`` [B, N1] and ``tokens2`` [B, N2] int64,
    padded on the right with 0, ``lengths1`` and ``lengths2`` [B] int64; ``labels`` [B] int64.
    """

    tokens1: torch.Tensor
    lengths1: torch.Tensor
    tokens2: torch.Tensor
    lengths2: torch.Tensor
    labels: torch.Tensor


def collate_pairs(examples: Sequence[PairExample], pad_to: int | None = None) -> PairBatch:
    """Pads each side to its longest sequence, or both to ``pad_to`` tokens.

    Args:
        examples: at least one row.
        pad_to: the width of both sides; no row may be longer.

    Raises:
        ValueError: a row is longer than ``pad_to``.
    """
    first = collate([Example(row.tokens1, row.label) for row in examples], pad_to)
    second = collate([Example(row.tokens2, row.label) for row in examples], pad_to)
    return PairBatch(first.tokens, first.lengths, second.tokens, second.lengths, first.labels)
