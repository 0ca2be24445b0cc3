"""Attention with dropout on a CPU: values and gradients of both implementations, by a mask made explicit."""

import pytest
import torch
import torch.nn.functional as F

from wavspa.attention import AttentionOptions, build_attention
from wavspa.attention.dropout import attend_with_dropout, runs_here, tiles
from wavspa.attention.dropout.mask import Mask
from wavspa.backend import HAS_NUMBA, use_backend

needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")
BACKENDS = ["torch", pytest.param("numba", marks=needs_numba)]
# (batch, heads, length, head width): odd, one row, one position, several tiles of the smallest kind.
SHAPES = [(2, 3, 37, 4), (1, 1, 20, 2), (2, 1, 1, 4), (1, 2, 150, 8)]
WINDOWS = [None, (3, 2), (0, 0), (40, 300)]
RATE = 0.3


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Several tiles of each kind; sizes that divide nothing."""
    monkeypatch.setattr(tiles, "MOST_SCORES", 1500)
    monkeypatch.setattr(tiles, "FEWEST_QUERIES", 7)
    monkeypatch.setattr(tiles, "MOST_QUERIES", 13)


def inputs(shape, dtype=torch.float64):
    """q, k and v, with heads beside each other in memory as projections leave them."""
    generator = torch.Generator().manual_seed(0)
    batch, heads, length, width = shape
    return [
        torch.randn(batch, length, heads, width, generator=generator, dtype=torch.float64)
        .to(dtype)
        .transpose(1, 2)
        .requires_grad_()
        for _ in range(3)
    ]


def ragged(shape):
    return torch.tensor([max(1, shape[2] - 11 * row) for row in range(shape[0])])


def next_seed():
    return int(torch.randint(2**63 - 1, (1,)))


def naive(q, k, v, lengths, window, mask):
    """The formula with all N x N probabilities; rows of pads that see nothing are zero."""
    batch, heads, length, width = q.shape
    position = torch.arange(length)
    hidden = torch.zeros(batch, 1, length, length, dtype=torch.bool)
    if lengths is not None:
        hidden |= position >= lengths[:, None, None, None]
    if window is not None:
        offset = position - position[:, None]
        hidden |= (offset < -window[0]) | (offset > window[1])
    scores = (q @ k.transpose(-1, -2) / width**0.5).masked_fill(hidden, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    rows = torch.arange(batch * heads * length).view(batch, heads, length)
    return weights * mask.kept(rows, 0, length) * mask.scale @ v


def with_gradients(y, tensors, lengths):
    generator = torch.Generator().manual_seed(1)
    upstream = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y.dtype)
    if lengths is not None:
        real = torch.arange(y.shape[2]) < lengths[:, None]
        y = y * real[:, None, :, None]
    return y, *torch.autograd.grad(y, tensors, upstream)


@pytest.mark.parametrize("is_ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_values_and_gradients(backend, shape, window, is_ragged):
    dtype = torch.float32 if backend == "numba" else torch.float64
    lengths = ragged(shape) if is_ragged else None
    ours, theirs = inputs(shape, dtype), inputs(shape)
    torch.manual_seed(5)
    mask = Mask(next_seed(), RATE)
    torch.manual_seed(5)
    with use_backend(backend):
        y = attend_with_dropout(*ours, lengths, RATE, window)
        assert y.isfinite().all()
        result = with_gradients(y, ours, lengths)
    expected = with_gradients(naive(*theirs, lengths, window, mask), theirs, lengths)
    tolerance = {"rtol": 1e-5, "atol": 3e-6} if backend == "numba" else {}
    torch.testing.assert_close(result, expected, check_dtype=False, **tolerance)


@pytest.mark.parametrize("window", [None, (3, 2)], ids=str)
def test_gradcheck(window):
    def attend(q, k, v):
        torch.manual_seed(3)
        return attend_with_dropout(q, k, v, torch.tensor([17, 5]), RATE, window)[:, :, :5]

    torch.autograd.gradcheck(attend, inputs((2, 1, 17, 2)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_state_of_the_generator_decides(backend):
    q, k, v = inputs((2, 2, 33, 4), torch.float32)
    with use_backend(backend):
        state = torch.get_rng_state()
        first, second = (attend_with_dropout(q, k, v, None, RATE) for _ in range(2))
        torch.set_rng_state(state)
        again = attend_with_dropout(q, k, v, None, RATE)
    assert torch.equal(first, again)
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_change_nothing(backend):
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            tensors = inputs((2, 2, 50, 4), torch.float32)
            torch.manual_seed(5)
            with use_backend(backend):
                results.append(
                    with_gradients(attend_with_dropout(*tensors, None, RATE), tensors, None)
                )
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_finite_stays_so(backend):
    q, k, v = inputs((1, 1, 20, 2), torch.float32)
    with torch.no_grad():
        q[0, 0, 3, 0] = torch.nan
        k[0, 0, 7, 1] = torch.nan
    with use_backend(backend):
        assert not attend_with_dropout(q, k, v, None, RATE).isfinite().all(-1).any()
        k.data[0, 0, 7, 1] = 1
        finite = attend_with_dropout(q, k, v, None, RATE).isfinite().all(-1)
    assert finite.sum() == 19
    assert not finite[0, 0, 3]


@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_far_apart(backend):
    """Probabilities of zero and one, without overflow."""
    q, k, v = (100 * x.detach() for x in inputs((1, 2, 20, 4), torch.float32))
    torch.manual_seed(5)
    mask = Mask(next_seed(), RATE)
    torch.manual_seed(5)
    with use_backend(backend):
        y = attend_with_dropout(q, k, v, None, RATE)
    expected = naive(q.double(), k.double(), v.double(), None, None, mask)
    torch.testing.assert_close(y.double(), expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_types_sum_in_float32(backend):
    half, wide = inputs((1, 2, 30, 4), torch.bfloat16), inputs((1, 2, 30, 4), torch.bfloat16)
    wide = [x.float().detach().requires_grad_() for x in wide]
    results = []
    for tensors in (half, wide):
        torch.manual_seed(5)
        with use_backend(backend), torch.autocast("cpu", enabled=True):
            y = attend_with_dropout(*tensors, None, RATE)
        results.append((y, *torch.autograd.grad(y.float().sum(), tensors)))
    assert all(x.dtype == torch.bfloat16 for x in results[0])
    torch.testing.assert_close(*results, check_dtype=False, rtol=2e-2, atol=1e-2)


@pytest.mark.parametrize("name", ["softmax", "longformer"])
def test_the_bases_in_training_and_evaluation(name):
    """In the mean over many masks the output is what it is without dropout."""
    options = AttentionOptions(dropout=RATE, window=8)
    base = build_attention(name, 8, 2, options)
    x = torch.randn(1, 40, 8)
    base.eval()
    expected = base(x)
    base.train()
    with torch.no_grad():
        outputs = base(x.expand(4000, -1, -1))
    error = (outputs.mean(0) - expected[0]).abs() / (outputs.std(0) / 4000**0.5)
    assert error.max() < 5
    assert error.mean() < 1


def test_rates_at_the_ends_are_torch_s():
    """At 1 all is dropped; nothing is at a rate below the least that 16 bits can tell."""
    q = torch.randn(1, 1, 9, 2)
    assert runs_here(q, 0.1)
    assert not runs_here(q, 1.0)
    assert not runs_here(q, 1e-9)
    base = build_attention("softmax", 4, 1, AttentionOptions(dropout=1.0)).train()
    assert not base(torch.randn(1, 9, 4)).any()


def test_under_vmap_it_is_torch_s():
    base = build_attention("softmax", 4, 2, AttentionOptions(dropout=RATE)).train()
    x = torch.randn(3, 1, 9, 4)
    mapped = torch.func.vmap(base, randomness="different")
    assert mapped(x).shape == x.shape


@pytest.mark.slow
def test_compiled_without_a_break():
    base = build_attention("softmax", 8, 2, AttentionOptions(dropout=RATE)).train()
    x, lengths = torch.randn(2, 21, 8), torch.tensor([21, 9])
    compiled = torch.compile(base, fullgraph=True, backend="aot_eager")
    results = []
    for module in (base, compiled):
        torch.manual_seed(5)
        y = module(x, lengths)
        results.append((y, *torch.autograd.grad(y.square().sum(), base.parameters())))
    torch.testing.assert_close(*results)


def test_without_dropout_it_would_be_softmax():
    """The least rate that is taken drops next to nothing: torch's own attention is near."""
    q, k, v = (x.detach() for x in inputs((1, 2, 30, 4)))
    y = attend_with_dropout(q, k, v, None, 1.6e-5)
    near = (y - F.scaled_dot_product_attention(q, k, v)).abs().amax(-1) < 1e-3
    assert near.float().mean() > 0.9
