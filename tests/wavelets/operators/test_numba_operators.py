"""Numba's loops against plain torch in float64: values, gradients of both orders, tensors as they come."""

import itertools

import pytest
import torch

from support.kernel_checks import (
    EXTENSIONS,
    INTERPRETED,
    assert_near,
    bands_of,
    inputs,
    random,
    reference,
    row_lengths,
    run,
)
from wavspa import wavedec
from wavspa.backend import HAS_NUMBA, use_backend
from wavspa.wavelets import BOUNDARIES
from wavspa.wavelets.boundaries import find_boundary
from wavspa.wavelets.operators import analyse_level, synthesise_level
from wavspa.wavelets.operators.library import ANALYSIS, FILTER_GRADIENT, SYNTHESIS

pytestmark = [
    pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed"),
    pytest.mark.skipif(INTERPRETED, reason="the tests of Triton's kernels"),
]

# (rows, samples, channels, taps): odd; channels of less than a vector, of two groups, of whole ones; filters
# longer than the signal; one sample; several strips, units and blocks of units.
SHAPES = [
    (2, 27, 3, 4),
    (3, 150, 70, 10),
    (1, 7, 16, 40),
    (2, 5, 2, 6),
    (1, 1, 2, 4),
    (2, 301, 33, 2),
]


@pytest.fixture(autouse=True)
def numba(monkeypatch):
    """Every call takes Numba's loops, whose units are small."""
    from wavspa.wavelets.operators.loops import kernels, operators

    monkeypatch.setattr(operators, "CHUNK", 16)
    monkeypatch.setattr(kernels, "RUN", 64)
    with use_backend("numba"):
        yield


def narrow(tensors):
    return [t.float() for t in tensors]


@pytest.mark.parametrize("mirror_low", [False, True], ids=["own", "mirrored"])
@pytest.mark.parametrize("is_ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_all_three_operators(extension, shape, is_ragged, mirror_low):
    lengths = row_lengths(*shape[:2]) if is_ragged else None
    tensors = narrow(inputs(shape, extension))
    ours = run(*tensors, extension, lengths, mirror_low)
    assert all(o.is_contiguous() and o.dtype == torch.float32 for o in ours)
    theirs = reference(*tensors, extension, lengths, mirror_low=mirror_low)
    assert_near(ours, theirs, 1e-6)


@pytest.mark.parametrize("taps", [2, 4, 6, 8, 16, 18, 40])
def test_taps(taps):
    tensors = narrow(inputs((1, 61, 16, taps), "reflect"))
    assert_near(run(*tensors, "reflect"), reference(*tensors, "reflect"), 1e-6)


@pytest.mark.parametrize("extension", ["zero", "wrap"])
def test_bands_longer_than_the_samples_need(extension):
    x, _, _, filters = narrow(inputs((1, 9, 2, 4), extension))
    tensors = (x, random(1, 8, 2).float(), random(1, 8, 2, seed=1).float(), filters)
    assert_near(run(*tensors, extension), reference(*tensors, extension), 1e-6)


def cotangents(outputs):
    return [random(*o.shape, seed=10 + i, dtype=o.dtype) for i, o in enumerate(outputs)]


def derivatives(function, tensors):
    """Values, gradients of each tensor, and gradients of a number made of these."""
    tensors = [t.clone().requires_grad_() for t in tensors]
    outputs = function(*tensors)
    first = torch.autograd.grad(outputs, tensors, cotangents(outputs), create_graph=True)
    return (*outputs, *first, *torch.autograd.grad(first, tensors, cotangents(first)))


@pytest.mark.parametrize("is_ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_gradients_of_both_orders(boundary, is_ragged):
    shape = (2, 11, 2, 4)
    lengths = row_lengths(*shape[:2]) if is_ragged else None
    x, low, high, filters = inputs(shape, boundary)
    extension = find_boundary(boundary)

    def analyse(x, h):
        return analyse_level(x, h, extension, lengths)

    def synthesise(low, high, h):
        return (synthesise_level(low, high, h, shape[1], extension, lengths),)

    for function, tensors in ((analyse, [x, filters]), (synthesise, [low, high, filters])):
        ours = derivatives(function, narrow(tensors))
        with use_backend("torch"):
            assert_near(ours, derivatives(function, tensors), 2e-6)


@pytest.mark.parametrize("layout", ["apart", "turned", "spread", "expanded"])
def test_strides(layout):
    def laid(x):
        rows, length, channels = x.shape
        if layout == "apart":
            return x.new_zeros(rows, length + 3, channels)[:, :length].copy_(x)
        if layout == "turned":
            return x.transpose(1, 2).contiguous().transpose(1, 2)
        if layout == "spread":
            return x.new_zeros(rows, length, 2 * channels)[..., ::2].copy_(x)
        return x[:1, :1, :1].expand(rows, length, channels)

    x, low, high, filters = narrow(inputs((2, 9, 3, 4), "zero"))
    tensors = [laid(t) for t in (x, low, high)]
    turned = filters.t().contiguous().t()
    compact = [t.contiguous() for t in tensors]
    ours, theirs = run(*tensors, turned, "zero"), run(*compact, filters, "zero")
    assert all(torch.equal(o, t) for o, t in zip(ours, theirs, strict=True))


def test_nothing_beyond_a_row_is_read():
    lengths = row_lengths(2, 13)
    clean = narrow(inputs((2, 13, 2, 4), "reflect"))
    spoilt = [t.clone() for t in clean]
    spoilt[0][1, lengths[1] :] = torch.nan
    bands = bands_of(int(lengths[1]), 4, "reflect")
    spoilt[1][1, bands:] = spoilt[2][1, bands:] = torch.nan
    ours, theirs = run(*spoilt, "reflect", lengths), run(*clean, "reflect", lengths)
    assert all(torch.equal(o, t) for o, t in zip(ours, theirs, strict=True))
    assert not ours[0][1, bands:].any()
    assert not ours[2][1, lengths[1] :].any()


def test_no_rows():
    filters, empty = random(4, 3).float(), torch.zeros(0, dtype=torch.int64)
    for boundary, lengths in itertools.product(map(find_boundary, BOUNDARIES), (None, empty)):
        low, high = analyse_level(filters.new_zeros(0, 10, 3), filters, boundary, lengths)
        assert low.shape == high.shape
        assert len(low) == 0
        x = synthesise_level(low, high, filters, 10, boundary, lengths)
        assert x.shape == (0, 10, 3)


def test_threads_change_nothing():
    tensors, threads, results = narrow(inputs((3, 150, 70, 10), "reflect")), [1, 2, 5], []
    before = torch.get_num_threads()
    try:
        for number in threads:
            torch.set_num_threads(number)
            results.append(run(*tensors, "reflect", row_lengths(3, 150)))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_operators_as_torch_wants_them():
    x, low, high, filters = narrow(inputs((2, 7, 2, 4), "zero"))
    rest = (row_lengths(2, 7), False)
    check = torch.library.opcheck
    check(ANALYSIS, (x, filters, "zero", 5, *rest, torch.float32, torch.bfloat16))
    check(SYNTHESIS, (low, high, filters, "zero", 7, *rest, torch.float32))
    check(FILTER_GRADIENT, (x, low, high, "zero", 4, *rest, torch.float32))


def test_what_torch_transforms_is_plain_torch():
    """vmap and forward mode know no loops; float64 has none."""
    x, _, _, filters = narrow(inputs((2, 9, 3, 4), "zero"))
    expected = wavedec(x, filters, 1)
    mapped = torch.func.vmap(lambda row: wavedec(row[None], filters, 1)[0][0])(x)
    torch.testing.assert_close(mapped, expected[0])
    primal, tangent = torch.func.jvp(lambda x: wavedec(x, filters, 1)[0], (x,), (x,))
    torch.testing.assert_close(primal, tangent)
    wide = wavedec(x.double(), filters.double(), 1)
    torch.testing.assert_close(wide, expected, check_dtype=False)


def test_tables_of_other_lengths_are_not_kept():
    from wavspa.wavelets.operators.loops import operators

    x, _, _, filters = narrow(inputs((2, 61, 3, 4), "reflect"))
    operators._table.cache_clear()
    for length in range(1, 41):
        wavedec(x, filters, 2, "reflect", lengths=torch.tensor([61, length]))
    assert operators._table.cache_info().currsize <= 16
