"""Gradients of the transforms: numerically (gradcheck, float64) and against the naive definitions."""

import pytest
import torch
from torch.autograd import gradcheck

from references import wavelets as reference
from wavspa.wavelets import (
    BOUNDARIES,
    hartley,
    lattice_filters,
    lifting_dec,
    lifting_rec,
    wavedec,
    waverec,
)

# (batch, length, taps): odd lengths, filters longer than the band, a single sample, batch 1.
SHAPES = [(1, 1, 4), (1, 5, 2), (2, 6, 4), (2, 7, 8)]
RAGGED = [False, True]
LEVEL, CHANNELS = 2, 2


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)


def row_lengths(batch, length, ragged):
    return torch.tensor([max(1, length - 4), length][-batch:]) if ragged else None


def check(function, inputs):
    assert gradcheck(function, inputs, eps=1e-6, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("ragged", RAGGED, ids=["full", "ragged"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_transforms(boundary, shape, ragged):
    batch, length, taps = shape
    lengths = row_lengths(batch, length, ragged)
    x, h = random(batch, length, CHANNELS), random(taps, CHANNELS, seed=1)

    def dec(x, h):
        return tuple(wavedec(x, h, LEVEL, boundary, lengths))

    def rec(h, *coeffs):
        return waverec(coeffs, h, length, boundary, lengths)

    check(dec, (x, h))
    coeffs = [random(*band.shape, seed=2 + i) for i, band in enumerate(dec(x, h))]
    check(rec, (h, *coeffs))


@pytest.mark.parametrize("ragged", RAGGED, ids=["full", "ragged"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("learned", [True, False], ids=["learned", "fixed"])
def test_lifting(learned, shape, ragged):
    batch, length, taps = shape
    lengths = row_lengths(batch, length, ragged)
    x = random(batch, length, CHANNELS)
    filters = [random(taps, CHANNELS, seed=s) for s in (1, 2)] if learned else []

    def dec(x, predict=None, update=None):
        return tuple(lifting_dec(x, predict, update, LEVEL, lengths))

    bands = dec(x, *filters)
    coeffs = [random(*band.shape, seed=3 + i) for i, band in enumerate(bands)]

    def rec(*inputs):
        given, filters = inputs[: LEVEL + 1], inputs[LEVEL + 1 :] or (None, None)
        return lifting_rec(given, *filters, length, lengths)

    check(dec, (x, *filters))
    check(rec, (*coeffs, *filters))


@pytest.mark.parametrize("half", [1, 2, 5])
def test_lattice(half):
    check(lattice_filters, (random(half, CHANNELS),))


@pytest.mark.parametrize("lengths", [None, [7, 4], [1, 7]], ids=str)
def test_hartley(lengths):
    rows = None if lengths is None else torch.tensor(lengths)
    check(lambda x: hartley(x, rows), (random(2, 7, CHANNELS),))


def assert_same_gradients(outputs, expected, inputs):
    """Pull the same random cotangents back through both computations."""
    torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-10)
    cotangents = [random(*o.shape, seed=7 + i).detach() for i, o in enumerate(outputs)]
    ours = torch.autograd.grad(outputs, inputs, cotangents)
    theirs = torch.autograd.grad(expected, inputs, cotangents)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_transforms_against_the_definition(boundary, shape):
    batch, length, taps = shape
    x, h = random(batch, length, CHANNELS), random(taps, CHANNELS, seed=1)
    bands = wavedec(x, h, LEVEL, boundary)
    assert_same_gradients(bands, reference.each_row(reference.dec, x, h, LEVEL, boundary), [x, h])
    coeffs = [random(*band.shape, seed=2 + i) for i, band in enumerate(bands)]
    rows = [reference.rec([c[b] for c in coeffs], h, boundary)[:length] for b in range(batch)]
    rec = waverec(coeffs, h, length, boundary)
    assert_same_gradients([rec], [torch.stack(rows)], [*coeffs, h])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("learned", [True, False], ids=["learned", "fixed"])
def test_lifting_against_the_definition(learned, shape):
    batch, length, taps = shape
    x = random(batch, length, CHANNELS)
    parameters = [random(taps, CHANNELS, seed=s) for s in (1, 2)] if learned else []
    filters = parameters or [None, None]
    bands = lifting_dec(x, *filters, LEVEL)
    expected = reference.each_row(reference.lift_dec, x, *filters, LEVEL)
    assert_same_gradients(bands, expected, [x, *parameters])
    coeffs = [random(*band.shape, seed=3 + i) for i, band in enumerate(bands)]
    rows = [reference.lift_rec([c[b] for c in coeffs], *filters)[:length] for b in range(batch)]
    rec = lifting_rec(coeffs, *filters, length)
    assert_same_gradients([rec], [torch.stack(rows)], [*coeffs, *parameters])


def test_lattice_against_the_definition():
    angles = random(4, CHANNELS)
    assert_same_gradients([lattice_filters(angles)], [reference.lattice(angles)], [angles])


def test_hartley_against_the_definition():
    x = random(2, 9, CHANNELS)
    assert_same_gradients([hartley(x)], [reference.each_row(reference.hartley, x)], [x])
