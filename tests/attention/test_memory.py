"""Longformer's memory grows with the length, not with its square: counted, not timed."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wavspa.attention import AttentionOptions, Longformer, Softmax
from wavspa.attention.dropout import tiles


class LargestTensor(TorchDispatchMode):
    """Remember the elements of the largest tensor that any operation, backward too, makes."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.elements = max(self.elements, leaf.untyped_storage().nbytes() // 4)
        return out


def largest(module, length):
    x = torch.randn(1, length, 8, requires_grad=True)
    with LargestTensor() as mode:
        module(x, torch.tensor([length - 3])).sum().backward()
    return mode.elements


@pytest.mark.parametrize("window", [32, 256])
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_longformer_is_linear(window, training):
    module = Longformer(8, 2, AttentionOptions(window=window, dropout=0.1)).train(training)
    once, twice = largest(module, 2048), largest(module, 4096)
    assert once < 2048 * 2048 / 2
    assert twice <= 2.05 * once


def test_softmax_with_dropout_is_linear(monkeypatch):
    monkeypatch.setattr(tiles, "MOST_SCORES", 2**14)
    module = Softmax(8, 2, AttentionOptions(dropout=0.1)).train()
    assert largest(module, 1024) <= tiles.FEWEST_QUERIES * 1024
    assert largest(module, 2048) <= tiles.FEWEST_QUERIES * 2048


def test_the_count_sees_a_square():
    """A mask makes its whole matrix: what the tests above forbid."""
    x = torch.randn(512, 8)
    with LargestTensor() as mode:
        (x @ x.t()).softmax(-1)
    assert mode.elements == 512**2
