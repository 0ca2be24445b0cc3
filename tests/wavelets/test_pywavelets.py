"""Analysis and synthesis equal PyWavelets, with another filter in every channel."""

import numpy as np
import pytest
import pywt
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from references import wavelets as reference
from wavspa import wavedec, waverec
from wavspa.wavelets import orthogonal_taps
from wavspa.wavelets.filters import orthogonal_names

CHANNELS = 3
PYWAVELETS_NAME = {"zero": "zero", "reflect": "reflect", "periodic": "periodization"}
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
# Our filters may be far longer than the signal, which PyWavelets warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Level value of")

names = st.sampled_from(orthogonal_names())
lengths = st.integers(1, 70)
levels = st.integers(1, 4)
dtypes = st.sampled_from([torch.float64, torch.float32])
seeds = st.integers(0, 2**31)


def different_filters(name, rng):
    """The wavelet itself, then free filters of its length, [L, CHANNELS] float64."""
    taps = orthogonal_taps(name).numpy()
    free = rng.normal(size=(len(taps), CHANNELS - 1)) / np.sqrt(len(taps))
    return np.column_stack([taps, free])


def bank(taps):
    """A filter bank of ``dec_lo`` taps, orthogonal or not, as a PyWavelets object."""
    high = np.array([(-1) ** (j + 1) * tap for j, tap in enumerate(taps[::-1])])
    return pywt.Wavelet("own", filter_bank=[taps, high, taps[::-1], high[::-1]])


def pywt_dec(x, filters, level, mode):
    """PyWavelets channel by channel; a single sample in reflect, which it refuses, by definition."""
    channels = []
    for d in range(x.shape[2]):
        approximation, details, wavelet = x[:, :, d], [], bank(filters[:, d])
        for _ in range(level):
            if mode == "reflect" and approximation.shape[1] == 1:
                one = torch.tensor(approximation[..., None])
                h = torch.tensor(filters[:, d : d + 1])
                bands = reference.each_row(reference.dec, one, h, 1, "reflect")
                approximation, detail = (band[..., 0].numpy() for band in bands)
            else:
                approximation, detail = pywt.dwt(approximation, wavelet, mode, axis=1)
            details.insert(0, detail)
        channels.append([approximation, *details])
    return [np.stack(bands, axis=2) for bands in zip(*channels, strict=True)]


def pywt_rec(coeffs, filters, mode):
    channels = [
        pywt.waverec([c[:, :, d] for c in coeffs], bank(filters[:, d]), mode, axis=1)
        for d in range(filters.shape[1])
    ]
    return np.stack(channels, axis=2)


def assert_equal(actual, expected, dtype, scale):
    """Within rounding of the largest input or output: a detail may be all cancellation."""
    assert actual.dtype == dtype
    assert tuple(actual.shape) == expected.shape
    error = np.abs(actual.double().numpy() - expected).max()
    assert error <= TOLERANCE[dtype] * scale


def largest(arrays):
    return max(np.abs(array).max() for array in arrays)


@pytest.mark.parametrize("boundary", PYWAVELETS_NAME)
@settings(max_examples=40)
@given(name=names, length=lengths, level=levels, dtype=dtypes, seed=seeds)
@example(name="db38", length=1, level=4, dtype=torch.float64, seed=0)
@example(name="haar", length=2, level=3, dtype=torch.float64, seed=0)
@example(name="coif17", length=3, level=2, dtype=torch.float32, seed=0)
def test_analysis_and_synthesis(boundary, name, length, level, dtype, seed):
    rng = np.random.default_rng(seed)
    filters = different_filters(name, rng)
    x = rng.normal(size=(2, length, CHANNELS))
    mode = PYWAVELETS_NAME[boundary]
    ours = wavedec(
        torch.tensor(x, dtype=dtype), torch.tensor(filters, dtype=dtype), level, boundary
    )
    theirs = pywt_dec(x, filters, level, mode)
    assert len(ours) == len(theirs) == level + 1
    scale = largest([x, *theirs])
    for band, expected in zip(ours, theirs, strict=True):
        assert_equal(band, expected, dtype, scale)

    coeffs = [rng.normal(size=band.shape) for band in theirs]
    given_coeffs = [torch.tensor(c, dtype=dtype) for c in coeffs]
    h = torch.tensor(filters, dtype=dtype)
    natural = pywt_rec(coeffs, filters, mode)
    assert natural.shape[1] == length + length % 2
    scale = largest([*coeffs, natural])
    assert_equal(waverec(given_coeffs, h, None, boundary), natural, dtype, scale)
    assert_equal(waverec(given_coeffs, h, length, boundary), natural[:, :length], dtype, scale)


@pytest.mark.parametrize("boundary", [*PYWAVELETS_NAME, "upstream"])
@settings(max_examples=20)
@given(
    taps=st.sampled_from([2, 4, 6, 8, 10]),
    length=st.integers(1, 20),
    level=st.integers(1, 3),
    seed=seeds,
)
@example(taps=10, length=1, level=2, seed=0)
@example(taps=2, length=5, level=3, seed=0)
def test_definition(boundary, taps, length, level, seed):
    generator = torch.Generator().manual_seed(seed)
    filters = torch.randn(taps, 2, dtype=torch.float64, generator=generator)
    x = torch.randn(2, length, 2, dtype=torch.float64, generator=generator)
    ours = wavedec(x, filters, level, boundary)
    expected = reference.each_row(reference.dec, x, filters, level, boundary)
    for band, definition in zip(ours, expected, strict=True):
        torch.testing.assert_close(band, definition, rtol=1e-10, atol=1e-10)

    coeffs = [torch.randn(b.shape, dtype=torch.float64, generator=generator) for b in ours]
    rows = [
        reference.rec([band[row] for band in coeffs], filters, boundary) for row in range(len(x))
    ]
    natural = torch.stack(rows)
    assert natural.shape[1] == length + length % 2
    rec = waverec(coeffs, filters, None, boundary)
    torch.testing.assert_close(rec, natural, rtol=1e-10, atol=1e-10)
    cut = waverec(coeffs, filters, length, boundary)
    torch.testing.assert_close(cut, natural[:, :length], rtol=1e-10, atol=1e-10)
