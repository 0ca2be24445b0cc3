"""What must come back exactly, and rows of different lengths in one batch."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavspa.wavelets import (
    BOUNDARIES,
    band_lengths,
    hartley,
    lattice_filters,
    lifting_dec,
    lifting_rec,
    wavedec,
    waverec,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
taps = st.integers(1, 16).map(lambda half: 2 * half)
lengths = st.integers(1, 70)
levels = st.integers(1, 4)
seeds = st.integers(0, 2**31)


def random(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@settings(max_examples=60)
@given(taps=taps, length=lengths, level=levels, seed=seeds)
@example(taps=32, length=1, level=4, seed=0)
@example(taps=2, length=3, level=4, seed=0)
def test_free_angles_reconstruct(boundary, taps, length, level, seed):
    """Orthonormal filters give every sample back: any boundary, odd lengths (periodic too)."""
    filters = lattice_filters(random(taps // 2, 3, seed=seed) * 3)
    x = random(2, length, 3, seed=seed + 1)
    coeffs = wavedec(x, filters, level, boundary)
    torch.testing.assert_close(waverec(coeffs, filters, length, boundary), x, **CLOSE)
    # An odd signal comes back with one more sample, of which nothing is said.
    natural = waverec(coeffs, filters, None, boundary)
    assert natural.shape[1] == length + length % 2
    torch.testing.assert_close(natural[:, :length], x, **CLOSE)


@pytest.mark.parametrize("learned", [True, False], ids=["learned", "fixed"])
@settings(max_examples=60)
@given(taps=st.integers(1, 20), length=lengths, level=levels, seed=seeds)
@example(taps=20, length=1, level=4, seed=0)
def test_lifting_reconstructs(learned, taps, length, level, seed):
    filters = [random(taps, 3, seed=seed + i) for i in (1, 2)] if learned else [None, None]
    x = random(2, length, 3, seed=seed)
    coeffs = lifting_dec(x, *filters, level)
    torch.testing.assert_close(lifting_rec(coeffs, *filters, length), x, **CLOSE)


@settings(max_examples=30)
@given(length=lengths, seed=seeds)
def test_hartley_is_its_own_inverse(length, seed):
    x = random(2, length, 3, seed=seed)
    torch.testing.assert_close(hartley(hartley(x)), x, **CLOSE)
    spectrum = hartley(x)
    torch.testing.assert_close(spectrum.square().sum(), x.square().sum(), **CLOSE)


rows = st.lists(st.integers(1, 40), min_size=1, max_size=5)


def ragged(lengths, seed, pads=3):
    """A batch whose rows have these lengths, not a number where nothing is said."""
    x = random(len(lengths), max(lengths) + pads, 2, seed=seed)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = float("nan")
    return x


def row(tensors, index, lengths):
    return [t[index : index + 1, :n] for t, n in zip(tensors, lengths, strict=True)]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@settings(max_examples=40)
@given(lengths=rows, taps=taps, level=st.integers(1, 3), seed=seeds)
@example(lengths=[1], taps=4, level=1, seed=0)
@example(lengths=[1, 40, 2, 13], taps=32, level=3, seed=0)
def test_ragged_rows(boundary, lengths, taps, level, seed):
    """A row in a batch has the coefficients, and the signal back, that it has alone."""
    x, h = ragged(lengths, seed), random(taps, 2, seed=seed + 1)
    batch = wavedec(x, h, level, boundary, torch.tensor(lengths))
    alone = [wavedec(x[i : i + 1, :n], h, level, boundary) for i, n in enumerate(lengths)]
    bands = [band_lengths(n, taps, level, boundary) for n in lengths]
    for i, expected in enumerate(alone):
        torch.testing.assert_close(row(batch, i, bands[i]), expected, **CLOSE)

    garbage = [b.nan_to_num(0) + random(*b.shape, seed=seed + 2) for b in batch]
    rec = waverec(garbage, h, x.shape[1], boundary, torch.tensor(lengths))
    for i, n in enumerate(lengths):
        expected = waverec(row(garbage, i, bands[i]), h, n, boundary)
        torch.testing.assert_close(rec[i : i + 1, :n], expected, **CLOSE)
        assert (rec[i, n:] == 0).all()


@pytest.mark.parametrize("learned", [True, False], ids=["learned", "fixed"])
@settings(max_examples=40)
@given(lengths=rows, taps=st.integers(1, 20), level=st.integers(1, 3), seed=seeds)
@example(lengths=[1], taps=4, level=1, seed=0)
@example(lengths=[1, 40, 2, 13], taps=20, level=3, seed=0)
def test_ragged_lifting(learned, lengths, taps, level, seed):
    x = ragged(lengths, seed)
    filters = [random(taps, 2, seed=seed + i) for i in (1, 2)] if learned else [None, None]
    batch = lifting_dec(x, *filters, level, torch.tensor(lengths))
    bands = [band_lengths(n, 2, level, "periodic") for n in lengths]
    for i, n in enumerate(lengths):
        alone = lifting_dec(x[i : i + 1, :n], *filters, level)
        torch.testing.assert_close(row(batch, i, bands[i]), alone, **CLOSE)

    garbage = [b.nan_to_num(0) + random(*b.shape, seed=seed + 3) for b in batch]
    rec = lifting_rec(garbage, *filters, x.shape[1], torch.tensor(lengths))
    for i, n in enumerate(lengths):
        expected = lifting_rec(row(garbage, i, bands[i]), *filters, n)
        torch.testing.assert_close(rec[i : i + 1, :n], expected, **CLOSE)
        assert (rec[i, n:] == 0).all()


@settings(max_examples=40)
@given(lengths=rows, seed=seeds)
@example(lengths=[1], seed=0)
def test_ragged_hartley(lengths, seed):
    x = ragged(lengths, seed)
    batch = hartley(x, torch.tensor(lengths))
    for i, n in enumerate(lengths):
        torch.testing.assert_close(batch[i : i + 1, :n], hartley(x[i : i + 1, :n]), **CLOSE)
        assert (batch[i, n:] == 0).all()


def test_long_ragged_hartley_keeps_float32():
    """The phases of Bluestein's chirp grow with the square of the length; they must not lose it."""
    n = 16_384
    x = random(1, n + 5, 1, seed=0)
    exact = hartley(x[:, :n])
    batch = hartley(x.float(), torch.tensor([n]))[:, :n]
    torch.testing.assert_close(batch.double(), exact, rtol=0, atol=2e-5)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_mirror_low_takes_the_low_pass_from_the_mirrored_channel(boundary):
    """The original's flip: a signal alone in channel 1 meets the low pass of channel D - 2."""
    x, h = random(1, 9, 4, seed=0), random(4, 4, seed=1)
    flipped = wavedec(x, h, 1, boundary, mirror_low=True)
    straight = wavedec(x, h, 1, boundary)
    mirrored = wavedec(x, h.flip(1), 1, boundary)
    torch.testing.assert_close(flipped, [mirrored[0], straight[1]], rtol=0, atol=0)
    assert not torch.allclose(flipped[0], straight[0])
    low_only = [flipped[0], torch.zeros_like(flipped[1])]
    high_only = [torch.zeros_like(flipped[0]), flipped[1]]
    rec = waverec(flipped, h, 9, boundary, mirror_low=True)
    expected = waverec(low_only, h.flip(1), 9, boundary) + waverec(high_only, h, 9, boundary)
    torch.testing.assert_close(rec, expected, **CLOSE)
