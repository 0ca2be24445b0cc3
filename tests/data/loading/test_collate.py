import numpy as np
import pytest
import torch

from wavspa.data import Example, PairBatch, collate
from wavspa.data.loading.collate import without_full_lengths


def rows(*tokens: list[int]) -> list[Example]:
    return [Example(np.array(row, dtype=np.uint8), label) for label, row in enumerate(tokens)]


def test_pads_right_to_the_longest_row() -> None:
    batch = collate(rows([5, 6, 7], [8], [9, 1]))
    assert batch.tokens.tolist() == [[5, 6, 7], [8, 0, 0], [9, 1, 0]]
    assert batch.lengths.tolist() == [3, 1, 2]
    assert batch.labels.tolist() == [0, 1, 2]
    assert {part.dtype for part in batch} == {torch.int64}


def test_pads_to_a_width() -> None:
    assert collate(rows([5, 6], [7]), pad_to=4).tokens.tolist() == [[5, 6, 0, 0], [7, 0, 0, 0]]


def test_token_zero_is_data() -> None:
    batch = collate(rows([0, 0, 3], [0]))
    assert batch.lengths.tolist() == [3, 1]


def test_refuses_rows_longer_than_the_width() -> None:
    with pytest.raises(ValueError, match="3 tokens cannot be padded to 2"):
        collate(rows([1, 2, 3]), pad_to=2)


def test_takes_the_narrowest_width_that_fits() -> None:
    for longest, width in ((1, 2), (2, 2), (3, 5), (5, 5)):
        assert collate(rows([1] * longest, [1]), pad_to=(2, 5)).tokens.shape == (2, width)
    with pytest.raises(ValueError, match="6 tokens cannot be padded to 5"):
        collate(rows([1] * 6), pad_to=(2, 5))


def test_lengths_that_cut_nothing_are_left_out() -> None:
    full, ragged = collate(rows([1, 2], [3, 4])), collate(rows([1, 2], [3]))
    assert without_full_lengths(full).lengths is None
    assert without_full_lengths(full).tokens is full.tokens
    assert without_full_lengths(ragged).lengths is ragged.lengths
    pair = PairBatch(full.tokens, full.lengths, ragged.tokens, ragged.lengths, full.labels)
    assert without_full_lengths(pair).lengths1 is None
    assert without_full_lengths(pair).lengths2 is ragged.lengths
    assert without_full_lengths([1]) == [1]
