"""Gradients of levels by the kernels, of every tensor and of gradients, against float64."""

import pytest
import torch

from support.kernel_checks import (
    assert_near,
    inputs,
    needs_kernels,
    needs_triton,
    random,
    row_lengths,
)
from wavspa.backend import use_backend
from wavspa.wavelets import BOUNDARIES
from wavspa.wavelets.boundaries import find_boundary
from wavspa.wavelets.operators import analyse_level, synthesise_level

pytestmark = [needs_triton, needs_kernels]

SHAPE = (2, 11, 2, 4)


def cotangents(outputs):
    return [random(*o.shape, seed=10 + i, dtype=o.dtype) for i, o in enumerate(outputs)]


def derivatives(function, tensors, second):
    """Gradients of each tensor; with ``second`` also those of a number made of the gradients."""
    tensors = [t.clone().requires_grad_() for t in tensors]
    outputs = function(*tensors)
    first = torch.autograd.grad(outputs, tensors, cotangents(outputs), create_graph=second)
    if not second:
        return (*outputs, *first)
    return (*outputs, *first, *torch.autograd.grad(first, tensors, cotangents(first)))


def check(function, tensors, second=False):
    ours = derivatives(function, [t.float() for t in tensors], second)
    with use_backend("torch"):
        assert_near(ours, derivatives(function, tensors, second), 2e-6)


@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_levels(boundary, ragged):
    lengths = row_lengths(*SHAPE[:2]) if ragged else None
    x, low, high, filters = inputs(SHAPE, boundary)
    check(lambda x, h: analyse_level(x, h, find_boundary(boundary), lengths), [x, filters])

    def synthesise(low, high, h):
        return (synthesise_level(low, high, h, SHAPE[1], find_boundary(boundary), lengths),)

    check(synthesise, [low, high, filters])


@pytest.mark.parametrize("boundary", ["zero", "periodic"])
def test_double_backward(boundary):
    x, low, high, filters = inputs(SHAPE, boundary)
    check(lambda x, h: analyse_level(x, h, find_boundary(boundary)), [x, filters], second=True)

    def synthesise(low, high, h):
        return (synthesise_level(low, high, h, SHAPE[1], find_boundary(boundary)),)

    check(synthesise, [low, high, filters], second=True)


def test_round_trip_through_a_wide_approximation():
    """bfloat16 in and out, float32 between levels; the filters' gradient is in their dtype."""
    x, _, _, filters = inputs((1, 12, 8, 4), "zero")
    x = x.bfloat16().requires_grad_()
    filters = filters.float().requires_grad_()
    low, high = analyse_level(x, filters, approximation_dtype=torch.float32)
    assert (low.dtype, high.dtype) == (torch.float32, torch.bfloat16)
    y = synthesise_level(low, high, filters, 12)
    assert y.dtype == torch.bfloat16
    gradients = torch.autograd.grad(y, (x, filters), y.detach())
    assert [g.dtype for g in gradients] == [torch.bfloat16, torch.float32]
    wide = [x.detach().double().requires_grad_(), filters.detach().double().requires_grad_()]
    with use_backend("torch"):
        bands = analyse_level(*wide)
        result = synthesise_level(*bands, wide[1], 12)
    expected = torch.autograd.grad(result, wide, y.detach().double())
    assert_near((y.detach(), *gradients), (result.detach(), *expected), 1e-2)
