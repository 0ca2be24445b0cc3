"""The lifting operators in plain torch, in float64: gradients written out against torch's own."""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from support.kernel_checks import INTERPRETED, layouts, random
from wavspa import lifting_dec
from wavspa.wavelets.operators.lifting import LiftingAnalysis, LiftingSynthesis, lift_level
from wavspa.wavelets.operators.lifting.library import (
    ANALYSIS,
    ANALYSIS_GRADIENT,
    SYNTHESIS,
    SYNTHESIS_GRADIENT,
)

pytestmark = pytest.mark.skipif(INTERPRETED, reason="nothing here runs a kernel")

WIDE = torch.float64


def tensors(samples=7, taps=4):
    """x, s, d, predict and update, two rows of two channels."""
    half = (samples + 1) // 2
    sizes = [(2, samples, 2), (2, half, 2), (2, half, 2), (taps, 2), (taps, 2)]
    return [random(*size, seed=seed) for seed, size in enumerate(sizes)]


@pytest.mark.parametrize("lengths", [None, [7, 6], [7, 3], [7, 1]], ids=str)
def test_gradients(lengths):
    rows = None if lengths is None else torch.tensor(lengths)
    x, smooth, detail, predict, update = (t.requires_grad_() for t in tensors())

    def analysis(*tensors):
        return LiftingAnalysis.apply(*tensors, rows, WIDE, WIDE)

    def synthesis(*tensors):
        return LiftingSynthesis.apply(*tensors, 7, rows, WIDE)

    for function, given in (
        (analysis, (x, predict, update)),
        (synthesis, (smooth, detail, predict, update)),
    ):
        assert gradcheck(function, given)
        assert gradgradcheck(function, given, fast_mode=True)


def test_gradients_of_some_tensors():
    x, _, _, predict, update = tensors(6, 3)
    x.requires_grad_()
    smooth, detail = LiftingAnalysis.apply(x, predict, update, None, WIDE, WIDE)
    (first,) = torch.autograd.grad(smooth.sum() + detail.sum(), x, create_graph=True)
    assert torch.autograd.grad(first.square().sum(), x)[0].any()


def test_gradients_that_autograd_records_where_a_signal_depends_on_the_filters():
    x, _, _, *both = (t.requires_grad_() for t in tensors())
    given = (x, *both)

    def loss(x, predict, update):
        both = (predict, update)
        smooth, fine = LiftingAnalysis.apply(x, *both, None, WIDE, WIDE)
        smooth, coarse = LiftingAnalysis.apply(smooth, *both, None, WIDE, WIDE)
        smooth = LiftingSynthesis.apply(smooth.tanh(), coarse, *both, 4, None, WIDE)
        return LiftingSynthesis.apply(smooth, fine.tanh(), *both, 7, None, WIDE).square().sum()

    expected = torch.autograd.grad(loss(*given), given)
    recorded = torch.autograd.grad(loss(*given), given, create_graph=True)
    torch.testing.assert_close(recorded, expected)
    assert gradgradcheck(loss, given, fast_mode=True)


@pytest.mark.parametrize("permuted", [False, True], ids=["compact", "permuted"])
def test_operators_as_torch_wants_them(permuted):
    x, smooth, detail, *both = tensors()
    if permuted:
        x, smooth, detail = (layouts(t)["turned"] for t in (x, smooth, detail))
    lengths, check = torch.tensor([7, 4]), torch.library.opcheck
    check(ANALYSIS, (x, *both, lengths, WIDE, torch.float32))
    check(SYNTHESIS, (smooth, detail, *both, 7, lengths, WIDE))
    check(ANALYSIS_GRADIENT, (smooth, detail, x, detail, *both, lengths))
    check(SYNTHESIS_GRADIENT, (x, smooth, detail, x, *both, lengths))


def round_trip(x, predict, update):
    """One level there and back by the operators, whatever runs them."""
    smooth, detail = LiftingAnalysis.apply(x, predict, update, None, x.dtype, x.dtype)
    samples = x.shape[1]
    return LiftingSynthesis.apply(smooth, detail, predict, update, samples, None, x.dtype)


@pytest.mark.slow
# torch's own, where it traces an autograd.Function.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("autocast", [False, True], ids=["", "autocast"])
def test_compiled_in_one_graph(autocast):
    x, _, _, *both = (t.requires_grad_() for t in tensors(9))
    compiled = torch.compile(round_trip, fullgraph=True, backend="aot_eager", dynamic=True)
    for length in (9, 6):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            results = [f(x[:, :length], *both) for f in (compiled, round_trip)]
        torch.testing.assert_close(*results)
        gradients = [torch.autograd.grad(r.pow(3).sum(), (x, *both)) for r in results]
        torch.testing.assert_close(*gradients)


def test_autocast_changes_nothing():
    x, _, _, *both = (t.float() for t in tensors())
    expected = (*lift_level(x, *both), round_trip(x, *both))
    with torch.autocast("cpu", torch.bfloat16):
        ours = (*lift_level(x, *both), round_trip(x, *both))
    assert all(torch.equal(o, e) for o, e in zip(ours, expected, strict=True))


def test_mapped_and_differentiated_forwards():
    x, _, _, *both = tensors()
    mapped = torch.vmap(lambda x: lift_level(x, *both)[0])(torch.stack([x, -x]))
    torch.testing.assert_close(mapped[1], lift_level(-x, *both)[0])
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, -x)
        assert forward_ad.unpack_dual(lift_level(dual, *both)[1]).tangent.any()


def test_levels_are_zero_beyond_a_row():
    x, _, _, *both = tensors(9)
    lengths = torch.tensor([9, 3])
    bands = lifting_dec(x, *both, 2, lengths)
    assert [int(band[1].any(-1).sum()) for band in bands] == [1, 1, 2]


def test_half_types_between_float32_filters():
    x, _, _, *both = (t.float() for t in tensors(9))
    bands = lifting_dec(x.bfloat16(), *both, 2)
    expected = lifting_dec(x.bfloat16().float(), *both, 2)
    for band, wide in zip(bands, expected, strict=True):
        assert torch.equal(band, wide.bfloat16())
