"""Rows as segments of one sequence: bounds and windows, by a stand-in for the kernel that any device runs."""

from itertools import pairwise

import pytest
import torch

from references import attention as reference
from support.attention_checks import (
    CLOSE,
    WINDOWS,
    assert_matches,
    build,
    ragged,
    random,
)
from wavspa.attention import flash, longformer, softmax
from wavspa.attention.flash import runs_flash, segment_bounds

CPU = torch.device("cpu")


def kernel(q, k, v, bounds, also_bounds, longest, also_longest, dropout, causal, debug, **window):
    """What the operator's documentation promises, one segment after the other, [T, H, K]."""
    assert bounds is also_bounds
    assert bounds.dtype == torch.int32
    assert longest == also_longest
    assert (dropout, causal, debug) == (0.0, False, False)
    # Rows and heads as the projections left them: not one copy.
    assert all(x._is_view() and x.is_contiguous() for x in (q, k, v))
    left, right = window["window_size_left"], window["window_size_right"]
    edges = bounds.tolist()
    assert edges[0] == 0
    assert edges[-1] == len(q)
    parts = []
    for start, end in pairwise(edges):
        assert 0 <= end - start <= longest
        place = torch.arange(end - start)
        distance = place - place[:, None]
        seen = torch.ones(end - start, end - start, dtype=torch.bool)
        if left >= 0:
            seen &= distance >= -left
        if right >= 0:
            seen &= distance <= right
        for head in range(q.shape[1]):
            weights = reference.softmax_weights(q[start:end, head], k[start:end, head], seen)
            parts.append(reference.weighted(weights, v[start:end, head]))
    by_segment = [
        torch.stack(parts[i : i + q.shape[1]], 1) for i in range(0, len(parts), q.shape[1])
    ]
    return (torch.cat(by_segment),)


@pytest.fixture
def everywhere(monkeypatch):
    """The path of CUDA and half types, on any device and in any type."""
    monkeypatch.setattr(flash, "_KERNEL", kernel)
    for module in (softmax, longformer):
        monkeypatch.setattr(module, "runs_flash", lambda q: True)


def test_bounds_of_ragged_rows():
    bounds = segment_bounds(torch.tensor([3, 5, 1]), 3, 5, CPU)
    assert bounds.dtype == torch.int32
    assert bounds.is_contiguous()
    assert bounds.tolist() == [0, 3, 5, 10, 10, 11, 15]


def test_bounds_of_full_rows():
    assert segment_bounds(None, 3, 5, CPU).tolist() == [0, 5, 10, 15]
    assert segment_bounds(torch.tensor([5]), 1, 5, CPU).tolist() == [0, 5, 5]
    assert segment_bounds(torch.tensor([1, 1]), 2, 1, CPU).tolist() == [0, 1, 1, 2, 2]


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("shape", [(3, 13), (1, 6), (2, 1)], ids=str)
@pytest.mark.parametrize("width", [None, 12])
def test_softmax_by_segments(shape, width):
    module = build("softmax", qkv_dim=width)
    for lengths in (None, ragged(*shape), torch.full(shape[:1], shape[1])):
        assert_matches(module, random(*shape, 8), lengths, CLOSE)


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("length", [1, 2, 7, 17])
def test_longformer_by_segments(window, length):
    """Even and odd windows at both ends of a row, and wider than it."""
    module = build("longformer", window=window)
    for lengths in (None, ragged(3, length)):
        assert_matches(module, random(3, length, 8), lengths, CLOSE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_not_on_a_cpu(dtype):
    assert not runs_flash(torch.zeros(1, 1, 8, 8, dtype=dtype))


@pytest.mark.skipif(
    torch.version.cuda is not None and not torch.cuda.is_available(),
    reason="a torch built for CUDA asks its driver, which is absent",
)
def test_the_choice_is_a_constant_to_the_compiler():
    """Neither torch's switches nor the device's properties can be traced."""

    def choose(x):
        return x + 1 if flash._is_enabled(0) else x - 1

    zero = torch.zeros(1)
    compiled = torch.compile(choose, fullgraph=True, backend="eager")
    assert torch.equal(compiled(zero), choose(zero))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softmax", "longformer"])
def test_one_graph_for_all_lengths(monkeypatch, name):
    """The operator's own shapes and gradients, traced without a device: no break, no value asked for."""
    module = build(name).bfloat16().to("meta")
    monkeypatch.setattr({"softmax": softmax, "longformer": longformer}[name], "runs_flash", bool_of)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager", dynamic=True)
    for batch, length in ((2, 12), (3, 40)):
        x = torch.empty(batch, length, 8, dtype=torch.bfloat16, device="meta", requires_grad=True)
        y = compiled(x, torch.empty(batch, dtype=torch.int64, device="meta"))
        assert y.shape == x.shape
        y.sum().backward()
        assert x.grad.shape == x.shape


def bool_of(q):
    return q.dtype == torch.bfloat16
