"""Batches of texts whose words have tags."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from wavspa.data.loading.collate import Example, collate
from wavspa.data.loading.widths import Width

NOWHERE = -1
"""The place of a word that has no token, or none that the model reads."""
NO_WORD = -100
"""The label where a row has no word."""


class TagExample(NamedTuple):
    """One row: ``tokens`` [N], the ``places`` [W] of the first token of each word, and the tags' ids [W]."""

    tokens: np.ndarray
    places: np.ndarray
    label: Sequence[int]


class TagBatch(NamedTuple):
    """What models and tasks of tags receive.

    ``tokens`` [B, N] and ``lengths`` [B] int64 as in :class:`wavspa.data.Batch`. Of the words of each row,
    both [B, W] int64: ``places``, where the first token of each is, -1 where it has none that is read;
    ``labels``, its tag, -100 where a row has no word.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    places: torch.Tensor
    labels: torch.Tensor


def collate_tags(
    examples: Sequence[TagExample], pad_to: Width = None, has_end: bool = False
) -> TagBatch:
    """Pad tokens to the longest row or to ``pad_to`` tokens, and words to the row with the most of them.

    Args:
        examples: At least one row; those without labels get the tag 0.
        pad_to: The width of the tokens, or several to choose from; no row may be longer.
        has_end: Whether the last token of a row is an end, and not of a word.

    Raises:
        ValueError: A row is longer than ``pad_to``.
    """
    tokens, lengths, _ = collate([Example(row.tokens, 0) for row in examples], pad_to)
    words = max(len(row.places) for row in examples)
    places = np.full((len(examples), words), NOWHERE, np.int64)
    labels = np.full((len(examples), words), NO_WORD, np.int64)
    for number, row in enumerate(examples):
        count, read = len(row.places), len(row.tokens) - has_end
        places[number, :count] = np.where(row.places < read, row.places, NOWHERE)
        labels[number, :count] = row.label if len(row.label) else 0
    return TagBatch(tokens, lengths, torch.from_numpy(places), torch.from_numpy(labels))
