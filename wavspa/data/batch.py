"""The one batch type, and how examples of different lengths become one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch


class Example(NamedTuple):
    """One row: ``tokens`` [N] of any integer dtype and its label."""

    tokens: np.ndarray
    label: int


class Batch(NamedTuple):
    """What every model and task receives.

    ``tokens`` [B, N] int64, padded on the right with 0; ``lengths`` [B] int64, the tokens of each
    row that are data (only they tell a pad from a token 0); ``labels`` [B] int64.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor


def collate(examples: Sequence[Example], pad_to: int | None = None) -> Batch:
    """Pads examples to the longest of them, or to ``pad_to`` tokens.

    Args:
        examples: at least one row.
        pad_to: the width of the result; no row may be longer.

    Raises:
        ValueError: a row is longer than ``pad_to``.
    """
    lengths = np.array([len(example.tokens) for example in examples], dtype=np.int64)
    width = int(lengths.max()) if pad_to is None else pad_to
    if lengths.max() > width:
        raise ValueError(f"a row of {lengths.max()} tokens cannot be padded to {width}")
    tokens = np.zeros((len(examples), width), dtype=np.int64)
    is_data = np.arange(width) < lengths[:, None]
    tokens[is_data] = np.concatenate([example.tokens for example in examples])
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Batch(torch.from_numpy(tokens), torch.from_numpy(lengths), torch.from_numpy(labels))
