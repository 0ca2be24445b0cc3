"""Batches of sequences, of pairs, of sources with targets: how different lengths become one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from wavspa.data.loading.widths import Width, chosen_width


class Example(NamedTuple):
    """One row: ``tokens`` [N] of any integer dtype and its label."""

    tokens: np.ndarray
    label: Any


class Batch(NamedTuple):
    """What every model and task receives.

    ``tokens`` [B, N] int64, padded on the right with 0; ``lengths`` [B] int64, the tokens of each
    row that are data (only they distinguish a pad from a token 0); ``labels`` [B] int64, or what the
    data set's :class:`wavspa.data.targets.base.Target` makes of them.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor


def collate(examples: Sequence[Example], pad_to: Width = None) -> Batch:
    """Pad examples to the longest of them, or to ``pad_to`` tokens.

    Args:
        examples: At least one row.
        pad_to: The width of the result; or several, of which the narrowest that fits is taken. No row may
            be longer.

    Raises:
        ValueError: A row is longer than ``pad_to``.
    """
    lengths = np.array([len(example.tokens) for example in examples], dtype=np.int64)
    width = chosen_width(int(lengths.max()), pad_to)
    tokens = np.zeros((len(examples), width), dtype=np.int64)
    is_data = np.arange(width) < lengths[:, None]
    tokens[is_data] = np.concatenate([example.tokens for example in examples])
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Batch(torch.from_numpy(tokens), torch.from_numpy(lengths), torch.from_numpy(labels))


def collate_series(examples: Sequence[Example], pad_to: Width = None) -> Batch:
    """As :func:`collate`, of examples whose ``tokens`` are values [N, D].

    Args:
        examples: at least one row.
        pad_to: the width of the result, or several; no row may be longer.

    Returns:
        A batch whose ``tokens`` are [B, N, D] float32, zero at pads.

    Raises:
        ValueError: a row is longer than ``pad_to``.
    """
    lengths = np.array([len(example.tokens) for example in examples], dtype=np.int64)
    width = chosen_width(int(lengths.max()), pad_to)
    values = np.zeros((len(examples), width, examples[0].tokens.shape[1]), dtype=np.float32)
    values[np.arange(width) < lengths[:, None]] = np.concatenate(
        [example.tokens for example in examples]
    )
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Batch(torch.from_numpy(values), torch.from_numpy(lengths), torch.from_numpy(labels))


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


def collate_pairs(examples: Sequence[PairExample], pad_to: Width = None) -> PairBatch:
    """Pad each side to its longest sequence, or both to ``pad_to`` tokens.

    Args:
        examples: At least one row.
        pad_to: The width of both sides, or several for each side to choose from; no row may be longer.

    Raises:
        ValueError: A row is longer than ``pad_to``.
    """
    first = collate([Example(row.tokens1, row.label) for row in examples], pad_to)
    second = collate([Example(row.tokens2, row.label) for row in examples], pad_to)
    return PairBatch(first.tokens, first.lengths, second.tokens, second.lengths, first.labels)


class Seq2SeqExample(NamedTuple):
    """One row: ``source`` [N], ``target`` [M] to learn, the uncut target ``reference`` [R], label 0."""

    source: np.ndarray
    target: np.ndarray
    reference: np.ndarray
    label: int


class Seq2SeqBatch(NamedTuple):
    """What models and tasks that write sequences receive.

    All int64, padded on the right with 0: ``tokens`` [B, N] with ``lengths`` [B] are the sources, ``targets``
    [B, M] with ``target_lengths`` [B] what is to be written, ``references`` [B, R] the same where it is not
    cut; ``labels`` [B] are 0.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    targets: torch.Tensor
    target_lengths: torch.Tensor
    references: torch.Tensor
    labels: torch.Tensor


def collate_seq2seq(examples: Sequence[Seq2SeqExample], pad_to: Width = None) -> Seq2SeqBatch:
    """Pad sources, targets and references to the longest of each, or sources to ``pad_to`` tokens.

    Args:
        examples: At least one row.
        pad_to: The width of the sources, or several to choose from; no row may be longer.

    Raises:
        ValueError: A source is longer than ``pad_to``.
    """
    sources = collate([Example(row.source, row.label) for row in examples], pad_to)
    targets = collate([Example(row.target, row.label) for row in examples])
    references = collate([Example(row.reference, row.label) for row in examples])
    return Seq2SeqBatch(*sources[:2], *targets[:2], references.tokens, sources.labels)


def without_full_lengths(batch: Any) -> Any:
    """A batch whose ``lengths…`` are None where all rows of the corresponding ``tokens…`` are full.

    Models then mask nothing. To be called while the batch is on the host: a device would be waited for.

    Args:
        batch: A named tuple such as :class:`Batch`; anything else is returned as it is.
    """
    if not hasattr(batch, "_replace"):
        return batch
    full: dict[str, None] = {}
    for name in batch._fields:
        tokens = getattr(batch, name.replace("lengths", "tokens"), None)
        if name.startswith("lengths") and isinstance(tokens, torch.Tensor):
            lengths = getattr(batch, name)
            if bool((lengths == tokens.shape[1]).all()):
                full[name] = None
    return batch._replace(**full)
