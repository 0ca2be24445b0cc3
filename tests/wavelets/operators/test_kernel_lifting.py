"""Lifting by the kernels against plain torch in float64: values, all gradients, ragged rows, dtypes."""

import pytest
import torch

from support.kernel_checks import (
    DEVICE,
    assert_near,
    layouts,
    needs_kernels,
    needs_triton,
    random,
)
from wavspa.wavelets.operators import use_backend
from wavspa.wavelets.operators.lifting import lift_level, unlift_level
from wavspa.wavelets.operators.lifting.library import (
    ANALYSIS,
    ANALYSIS_GRADIENT,
    SYNTHESIS,
    SYNTHESIS_GRADIENT,
)
from wavspa.wavelets.transforms import Lifting

pytestmark = [needs_triton, needs_kernels]

# (samples, channels, taps, lengths): several tiles and all kinds of rows; a filter longer than any half;
# one sample; an even signal whose channels fill no tile; an odd one that is full.
CASES = [
    (21, 3, 4, [21, 20, 5, 1]),
    (6, 2, 9, [6, 3]),
    (1, 2, 4, [1, 1]),
    (14, 5, 3, None),
    (17, 4, 6, None),
]


def filters(channels, taps, dtype=torch.float64):
    return [random(taps, channels, seed=seed, dtype=dtype) for seed in (1, 2)]


def rows(lengths):
    return None if lengths is None else torch.tensor(lengths, device=DEVICE)


def results(tensors, lengths, second=False):
    """Bands, the signal of other bands, and gradients of all tensors; ``second``: of these as well."""
    tensors = [t.detach().clone().requires_grad_() for t in tensors]
    x, smooth, detail, predict, update = tensors
    bands = lift_level(x, predict, update, lengths)
    y = unlift_level(smooth, detail, predict, update, x.shape[1], lengths)
    outputs = (*bands, y)
    given = [random(*o.shape, seed=10 + i, dtype=o.dtype) for i, o in enumerate(outputs)]
    first = torch.autograd.grad(outputs, tensors, given, create_graph=second)
    if not second:
        return (*outputs, *first)
    given = [random(*g.shape, seed=20 + i, dtype=g.dtype) for i, g in enumerate(first)]
    return (*outputs, *first, *torch.autograd.grad(first, tensors, given))


def inputs(samples, channels, taps, lengths, dtype=torch.float64):
    batch = 2 if lengths is None else len(lengths)
    signals = [random(batch, samples, channels, dtype=dtype)]
    half = (samples + 1) // 2
    signals += [random(batch, half, channels, seed=seed, dtype=dtype) for seed in (3, 4)]
    return [*signals, *filters(channels, taps, torch.promote_types(dtype, torch.float32))]


def check(tensors, lengths, tolerance, second=False):
    ours = results(tensors, lengths, second)
    with use_backend("plain"):
        theirs = results([t.double() for t in tensors], lengths, second)
    assert_near(ours, theirs, tolerance)
    return ours


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_gradients(case):
    tensors = [t.float() for t in inputs(*case)]
    check(tensors, rows(case[3]), 2e-6)


def test_gradients_of_gradients():
    tensors = [t.float() for t in inputs(9, 2, 4, [9, 4])]
    check(tensors, rows([9, 4]), 4e-6, second=True)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 2e-2), (torch.float16, 2e-3)])
def test_narrow_dtypes_lose_their_rounding_only(dtype, tolerance):
    tensors = inputs(15, 4, 4, [15, 6], dtype)
    ours = check(tensors, rows([15, 6]), tolerance)
    assert [o.dtype for o in ours] == [*[dtype] * 6, *[torch.float32] * 2]


def test_rows_of_no_sample():
    ours = check([t.float() for t in inputs(9, 2, 4, [9, 0])], rows([9, 0]), 2e-6)
    assert not any(signal[1].any() for signal in ours[:6])


def test_filters_of_different_lengths():
    x, smooth, detail, predict, _ = (t.float() for t in inputs(15, 2, 4, None))
    update = random(7, 2, seed=5, dtype=torch.float32)
    check([x, smooth, detail, predict, update], None, 2e-6)


def test_nothing_beyond_a_row_is_read():
    lengths = rows([13, 6])
    clean = [t.float() for t in inputs(13, 2, 4, [13, 6])]
    spoilt = [t.clone() for t in clean]
    spoilt[0][1, 6:] = spoilt[1][1, 3:] = spoilt[2][1, 3:] = torch.nan
    pairs = zip(results(spoilt, lengths), results(clean, lengths), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("layout", ["apart", "turned", "spread"])
def test_strides(layout):
    x, *bands, predict, update = (t.float() for t in inputs(9, 3, 4, None))
    expected = (*lift_level(x, predict, update), unlift_level(*bands, predict, update, 9))
    x, *bands = (layouts(t)[layout] for t in (x, *bands))
    predict, update = (t.t().contiguous().t() for t in (predict, update))
    ours = (*lift_level(x, predict, update), unlift_level(*bands, predict, update, 9))
    assert all(o.is_contiguous() for o in ours)
    assert all(torch.equal(o, e) for o, e in zip(ours, expected, strict=True))


def test_expanded_gradients():
    """``sum()`` hands back a gradient that is one number everywhere."""
    x, smooth, detail, predict, update = tensors = inputs(9, 3, 4, None, torch.float32)
    for tensor in tensors:
        tensor.requires_grad_()
    outputs = (*lift_level(x, predict, update), unlift_level(smooth, detail, predict, update, 9))
    ours = torch.autograd.grad(sum(o.sum() for o in outputs), tensors, retain_graph=True)
    theirs = torch.autograd.grad(outputs, tensors, [torch.ones_like(o) for o in outputs])
    assert all(torch.equal(o, t) for o, t in zip(ours, theirs, strict=True))


def test_one_band_alone_has_a_gradient():
    x, _, _, *both = (t.requires_grad_() for t in inputs(9, 3, 4, None, torch.float32))
    detail = lift_level(x, *both)[1]
    of_x, of_predict, of_update = torch.autograd.grad(detail.sum(), (x, *both))
    assert of_x.any()
    assert of_predict.any()
    assert not of_update.any()


def test_no_rows():
    predict, update = filters(3, 4, torch.float32)
    x = predict.new_zeros(0, 9, 3).requires_grad_()
    smooth, detail = lift_level(x, predict, update)
    assert smooth.shape == detail.shape == (0, 5, 3)
    y = unlift_level(smooth, detail, predict, update, 9)
    assert torch.autograd.grad(y.sum(), x)[0].shape == (0, 9, 3)


def test_runs_are_identical():
    tensors = inputs(13, 3, 4, [13, 8], torch.float32)
    pairs = zip(results(tensors, rows([13, 8])), results(tensors, rows([13, 8])), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_three_levels_undo_each_other(dtype):
    """Half types in, out and back: only what is written is rounded."""
    predict, update = filters(4, 6, torch.float32)
    transform, lengths = Lifting(predict, update, 3), rows([19, 11])
    x = random(2, 19, 4).to(dtype)
    x[1, 11:] = 0
    bands = transform.analyse(x, lengths, dtype)
    assert all(band.dtype == dtype for band in bands.coefficients)
    y = transform.synthesise(bands, dtype)
    assert y.dtype == dtype
    assert_near([y], [x], 1e-6 if dtype == torch.float32 else 1e-2)


def test_fewer_samples_than_the_bands_hold():
    _, smooth, detail, *both = inputs(12, 2, 4, None, torch.float32)
    whole = unlift_level(smooth, detail, *both, 12)
    assert torch.equal(unlift_level(smooth, detail, *both, 5), whole[:, :5])


@pytest.mark.parametrize("permuted", [False, True], ids=["compact", "permuted"])
def test_operators_as_torch_wants_them(permuted):
    x, smooth, detail, *both = inputs(7, 2, 4, [7, 4], torch.float32)
    if permuted:
        x, smooth, detail = (layouts(t)["turned"] for t in (x, smooth, detail))
    lengths, check = rows([7, 4]), torch.library.opcheck
    check(ANALYSIS, (x, *both, lengths, torch.float32, torch.bfloat16))
    check(SYNTHESIS, (smooth, detail, *both, 7, lengths, torch.float32))
    check(ANALYSIS_GRADIENT, (smooth, detail, x, detail, *both, lengths))
    check(SYNTHESIS_GRADIENT, (x, smooth, detail, x, *both, lengths))


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 3e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("taps", [16, 40])
def test_large(taps, dtype, tolerance):
    check(inputs(1501, 256, taps, [1501, 778], dtype), rows([1501, 778]), tolerance)


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
def test_captured_in_a_graph():
    x, _, _, *both = inputs(300, 64, 16, None, torch.float32)

    def round_trip():
        return unlift_level(*lift_level(x, *both), *both, 300)

    expected = round_trip()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = round_trip()
    graph.replay()
    assert torch.equal(result, expected)


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
def test_compiled_under_autocast():
    x, _, _, *both = (t.requires_grad_() for t in inputs(300, 64, 16, [300, 120], torch.float32))
    lengths = rows([300, 120])

    def round_trip(x, predict, update):
        smooth, detail = lift_level(x, predict, update, lengths)
        return unlift_level(smooth, detail, predict, update, x.shape[1], lengths)

    compiled = torch.compile(round_trip, fullgraph=True)
    with torch.autocast("cuda", torch.bfloat16):
        results = [f(x, *both) for f in (compiled, round_trip)]
    torch.testing.assert_close(*results)
    gradients = [torch.autograd.grad(r.pow(3).sum(), (x, *both)) for r in results]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-2)
