"""The operators in plain torch, in float64: the transforms' levels, and each other's gradients."""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from support.kernel_checks import EXTENSIONS, INTERPRETED, inputs, random, row_lengths, run
from wavspa.wavelets import BOUNDARIES, wavedec, waverec
from wavspa.wavelets.boundaries import find_boundary
from wavspa.wavelets.operators import (
    Analysis,
    FilterGradient,
    Synthesis,
    analyse_level,
    plain,
    synthesise_level,
)
from wavspa.wavelets.operators.library import ANALYSIS, FILTER_GRADIENT, SYNTHESIS

pytestmark = pytest.mark.skipif(INTERPRETED, reason="nothing here runs a kernel")

SHAPES = [(1, 1, 2, 4), (1, 5, 2, 2), (2, 6, 2, 4), (2, 7, 2, 8)]


@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_levels_are_those_of_the_transforms(boundary, shape, ragged):
    lengths = row_lengths(*shape[:2]) if ragged else None
    x, low, high, filters = inputs(shape, boundary)
    bands = analyse_level(x, filters, find_boundary(boundary), lengths)
    expected = wavedec(x, filters, 1, boundary, lengths)
    for band, wanted in zip(bands, expected, strict=True):
        # wavedec says nothing about what stands beyond a row's own band; a level leaves zeros.
        torch.testing.assert_close(band, torch.where(band == 0, 0, wanted))
    y = synthesise_level(low, high, filters, shape[1], find_boundary(boundary), lengths)
    wanted = waverec([low, high], filters, shape[1], boundary, lengths)
    torch.testing.assert_close(y, wanted)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_the_three_are_derivatives_of_one_number(extension, shape):
    lengths = row_lengths(*shape[:2])
    x, low, high, filters = inputs(shape, extension)
    c_low, c_high, y, g = run(x, low, high, filters, extension, lengths)
    number = (low * c_low + high * c_high).sum()
    torch.testing.assert_close((y * x).sum(), number)
    torch.testing.assert_close((g * filters).sum(), number)


@pytest.mark.parametrize("mirror_low", [False, True], ids=["", "mirror_low"])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_gradients(extension, mirror_low):
    x, low, high, filters = (t.requires_grad_() for t in inputs((2, 6, 2, 4), extension))
    rest, wide = (row_lengths(2, 6), mirror_low), torch.float64
    calls = [
        (
            lambda x, h: Analysis.apply(x, h, extension, low.shape[1], *rest, wide, wide),
            (x, filters),
        ),
        (
            lambda a, d, h: Synthesis.apply(a, d, h, extension, 6, *rest, wide),
            (low, high, filters),
        ),
        (
            lambda x, a, d: FilterGradient.apply(x, a, d, extension, 4, *rest, wide),
            (x, low, high),
        ),
    ]
    for function, tensors in calls:
        assert gradcheck(function, tensors)
        assert gradgradcheck(function, tensors, fast_mode=True)


@pytest.mark.parametrize("permuted", [False, True], ids=["compact", "permuted"])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_operators_as_torch_wants_them(extension, permuted):
    x, low, high, filters = inputs((2, 7, 3, 4), extension)
    if permuted:
        x, low, high = (t.transpose(1, 2).contiguous().transpose(1, 2) for t in (x, low, high))
    rest, bands = (row_lengths(2, 7), False), low.shape[1]
    check = torch.library.opcheck
    check(ANALYSIS, (x, filters, extension, bands, *rest, torch.float64, torch.float32))
    check(SYNTHESIS, (low, high, filters, extension, 7, *rest, torch.float64))
    check(FILTER_GRADIENT, (x, low, high, extension, 4, *rest, torch.float64))


def round_trip(x, filters):
    """One level there and back by the operators, whatever runs them."""
    rest = (None, False)
    low, high = Analysis.apply(x, filters, "zero", (x.shape[1] + 3) // 2, *rest, x.dtype, x.dtype)
    return Synthesis.apply(low, high, filters, "zero", x.shape[1], *rest, x.dtype)


@pytest.mark.slow
# torch's own, where it traces an autograd.Function.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("autocast", [False, True], ids=["", "autocast"])
def test_compiled_in_one_graph(autocast):
    x, filters = random(2, 9, 3).requires_grad_(), random(4, 3, seed=1).requires_grad_()
    compiled = torch.compile(round_trip, fullgraph=True, backend="aot_eager", dynamic=True)
    for length in (9, 6):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            results = [f(x[:, :length], filters) for f in (compiled, round_trip)]
        torch.testing.assert_close(*results)
        gradients = [torch.autograd.grad(r.square().sum(), (x, filters)) for r in results]
        torch.testing.assert_close(*gradients)


def test_autocast_changes_nothing():
    x, filters = random(2, 9, 3).float(), random(4, 3, seed=1).float()
    expected = (*analyse_level(x, filters), round_trip(x, filters))
    with torch.autocast("cpu", torch.bfloat16):
        ours = (*analyse_level(x, filters), round_trip(x, filters))
    assert all(torch.equal(o, e) for o, e in zip(ours, expected, strict=True))


def test_mapped_and_differentiated_forwards():
    x, filters = random(3, 2, 9, 2), random(4, 2, seed=1)
    mapped = torch.vmap(lambda x: analyse_level(x, filters)[0])(x)
    torch.testing.assert_close(mapped[1], analyse_level(x[1], filters)[0])
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x[0], x[1])
        tangent = forward_ad.unpack_dual(analyse_level(dual, filters)[1]).tangent
    torch.testing.assert_close(tangent, analyse_level(x[1], filters)[1])


@pytest.mark.slow
def test_exported_as_plain_torch():
    class Level(torch.nn.Module):
        def forward(self, x, filters):
            return analyse_level(x, filters)

    example = (random(2, 9, 3), random(4, 3, seed=1))
    length = {1: torch.export.Dim("length", min=4, max=64)}
    program = torch.export.export(Level(), example, dynamic_shapes=(length, None))
    assert not [n for n in program.graph.nodes if "wavspa" in str(n.target)]
    x = random(2, 20, 3)
    torch.testing.assert_close(program.module()(x, example[1]), analyse_level(x, example[1]))


def test_dtypes_asked_for():
    x, filters = random(1, 6, 2).bfloat16(), random(4, 2, seed=1).float()
    low, high = analyse_level(x, filters, approximation_dtype=torch.float32)
    assert (low.dtype, high.dtype) == (torch.float32, torch.bfloat16)
    assert synthesise_level(low, high, filters, 6).dtype == torch.bfloat16
    assert synthesise_level(low, high, filters, 6, dtype=torch.float32).dtype == torch.float32
    wide = plain.analysis(x, filters, "zero", 4, None, False, torch.float64, torch.float64)
    assert torch.equal(low, wide[0].float())
