import numpy as np
import pytest
import torch

from wavspa.data import Example, collate


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
