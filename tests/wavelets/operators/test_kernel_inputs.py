"""Tensors as they come: strides, expanded gradients, empty ones; and equal results in every run."""

import pytest
import torch

from support.kernel_checks import (
    DEVICE,
    assert_near,
    inputs,
    layouts,
    needs_kernels,
    needs_triton,
    random,
    reference,
    row_lengths,
    run,
)
from wavspa.backend import use_backend
from wavspa.wavelets.boundaries import find_boundary
from wavspa.wavelets.lifting import lifting_dec
from wavspa.wavelets.operators import (
    analyse_level,
    synthesise_level,
    triton_operators,
)
from wavspa.wavelets.operators.library import ANALYSIS, FILTER_GRADIENT, SYNTHESIS
from wavspa.wavelets.transforms import FilterBank

pytestmark = [needs_triton, needs_kernels]


@pytest.mark.parametrize("layout", ["apart", "turned", "spread"])
def test_strides(layout):
    tensors = [t.float() for t in inputs((2, 9, 3, 4), "zero")]
    laid = [layouts(t)[layout] for t in tensors[:3]]
    filters = tensors[3].t().contiguous().t()
    ours = run(*laid, filters, "zero")
    assert all(o.is_contiguous() for o in ours)
    assert all(torch.equal(o, t) for o, t in zip(ours, run(*tensors, "zero"), strict=True))


@pytest.mark.parametrize("lengths", ["column", "expanded"])
def test_lengths_that_are_not_side_by_side(lengths):
    given = {
        "column": torch.tensor([[12, 5], [3, 7], [8, 9]], device=DEVICE)[:, 0],
        "expanded": torch.tensor([5], device=DEVICE).expand(3),
    }[lengths]
    assert not given.is_contiguous() or given.stride() != (1,)
    tensors = [t.float() for t in inputs((3, 12, 4, 4), "zero")]
    ours, theirs = (
        run(*tensors, "zero", of)
        for of in (given, given.clone(memory_format=torch.contiguous_format))
    )
    assert all(torch.equal(o, t) for o, t in zip(ours, theirs, strict=True))
    x, taps = tensors[0], random(4, 4, dtype=torch.float32)
    bands = []
    for backend in ("triton", "torch"):
        with use_backend(backend):
            bands.append(lifting_dec(x, taps, taps, 2, lengths=given))
    assert_near(*bands, 2e-6)


def test_expanded_gradients():
    """``sum()`` hands back a gradient that is one number everywhere."""
    x, _, _, filters = (t.float().requires_grad_() for t in inputs((2, 9, 3, 4), "zero"))
    low, high = analyse_level(x, filters)
    ours = torch.autograd.grad(low.sum() + high.sum(), (x, filters), retain_graph=True)
    ones = [torch.ones_like(band) for band in (low, high)]
    theirs = torch.autograd.grad((low, high), (x, filters), ones)
    assert all(torch.equal(o, t) for o, t in zip(ours, theirs, strict=True))


def test_one_band_alone_has_a_gradient():
    x, _, _, filters = (t.float().requires_grad_() for t in inputs((1, 9, 2, 4), "zero"))
    low, _ = analyse_level(x, filters)
    assert all(g.any() for g in torch.autograd.grad(low.sum(), (x, filters)))


def test_no_rows():
    filters = random(4, 3, dtype=torch.float32)
    low, high = analyse_level(filters.new_zeros(0, 9, 3), filters)
    assert low.shape == high.shape == (0, 6, 3)
    assert synthesise_level(low, high, filters, 9).shape == (0, 9, 3)


def test_runs_are_identical():
    tensors = [t.float() for t in inputs((2, 19, 3, 4), "zero")]
    first, second = run(*tensors, "zero"), run(*tensors, "zero")
    assert all(torch.equal(o, t) for o, t in zip(first, second, strict=True))


def test_partial_sums_are_small():
    x = torch.empty(8, 4096, 256, device=DEVICE)
    for taps in (2, 16, 40):
        run_of = triton_operators.steps_of_program(x, taps, steps=300, channel_tiles=16)
        programs = -(-300 // run_of)
        assert programs * 2 * taps * 256 * 4 <= x.numel() * 4 / 100


def test_the_table_has_tiles_for_every_filter_and_width():
    for taps in range(2, 78, 2):
        for channels in (1, 3, 64, 100, 768):
            for itemsize in (2, 4):
                level = triton_operators.level_tile(channels, itemsize)
                gradient = triton_operators.gradient_tile(channels, taps, itemsize)
                assert level.unroll % 4 == 0
                assert gradient.blocks * gradient.taps >= taps
                assert gradient.strips >= gradient.blocks


@pytest.mark.parametrize("permuted", [False, True], ids=["compact", "permuted"])
def test_operators_as_torch_wants_them(permuted):
    x, low, high, filters = (t.float() for t in inputs((2, 7, 2, 4), "zero"))
    if permuted:
        x, low, high = (layouts(t)["turned"] for t in (x, low, high))
    rest = (row_lengths(2, 7), False)
    check = torch.library.opcheck
    check(ANALYSIS, (x, filters, "zero", 5, *rest, torch.float32, torch.bfloat16))
    check(SYNTHESIS, (low, high, filters, "zero", 7, *rest, torch.float32))
    check(FILTER_GRADIENT, (x, low, high, "zero", 4, *rest, torch.float32))


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("taps", [16, 40])
def test_large(taps, dtype):
    lengths = torch.tensor([1500, 777], device=DEVICE)
    tensors = inputs((2, 1500, 256, taps), "reflect", dtype)
    ours = run(*tensors, "reflect", lengths)
    theirs = reference(*tensors, "reflect", lengths)
    assert_near(ours, theirs, 2e-6 if dtype == torch.float32 else 4e-3)


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
def test_captured_in_a_graph():
    x, _, _, filters = (t.float() for t in inputs((2, 300, 64, 16), "zero"))

    def round_trip():
        return synthesise_level(*analyse_level(x, filters), filters, 300)

    expected = round_trip()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = round_trip()
    graph.replay()
    assert torch.equal(result, expected)


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
def test_compiled_under_autocast():
    x, _, _, filters = (t.float().requires_grad_() for t in inputs((2, 300, 64, 16), "zero"))

    def round_trip(x, filters):
        low, high = analyse_level(x, filters, detail_dtype=torch.bfloat16)
        return synthesise_level(low, high, filters, x.shape[1], dtype=torch.float32)

    compiled = torch.compile(round_trip, fullgraph=True)
    with torch.autocast("cuda", torch.bfloat16):
        results = [f(x, filters) for f in (compiled, round_trip)]
    torch.testing.assert_close(*results)
    gradients = [torch.autograd.grad(r.square().sum(), (x, filters)) for r in results]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_bands_in_the_type_of_the_activations(dtype):
    """Half types in, out and back, three levels: only what is written is rounded."""
    boundary = find_boundary("reflect")
    x, filters = random(2, 27, 4).to(dtype).requires_grad_(), random(6, 4, seed=1).float()
    transform, rows = FilterBank(filters.requires_grad_(), 3, boundary), row_lengths(2, 27)

    def results():
        bands = transform.analyse(x, rows, torch.bfloat16)
        assert all(band.dtype == torch.bfloat16 for band in bands.coefficients)
        y = transform.synthesise(bands, dtype)
        assert y.dtype == dtype
        return y, *torch.autograd.grad(y.float().square().sum(), (x, filters))

    ours = results()
    with use_backend("torch"):
        theirs = results()
    assert [our.dtype for our in ours] == [their.dtype for their in theirs]
    # A value between two of the half type may be rounded to either, and gradients add up several.
    assert_near(ours, theirs, 2e-2)
