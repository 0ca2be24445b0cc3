"""Lifting and the lattice against their definitions; what they refuse."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from references import wavelets as reference
from wavspa import lattice_filters, lifting_dec, lifting_rec

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
seeds = st.integers(0, 2**31)


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("learned", [True, False], ids=["learned", "fixed"])
@settings(max_examples=40)
@given(taps=st.integers(1, 12), length=st.integers(1, 30), level=st.integers(1, 4), seed=seeds)
@example(taps=12, length=1, level=3, seed=0)  # more taps than the half signal has samples
@example(taps=12, length=7, level=2, seed=0)
def test_definition(learned, taps, length, level, seed):
    x = random(2, length, 2, seed=seed)
    filters = [random(taps, 2, seed=seed + i) for i in (1, 2)] if learned else [None, None]
    bands = lifting_dec(x, *filters, level)
    expected = reference.each_row(reference.lift_dec, x, *filters, level)
    torch.testing.assert_close(bands, expected, **CLOSE)
    coeffs = [random(*b.shape, seed=seed + 3 + i) for i, b in enumerate(bands)]
    rows = [reference.lift_rec([c[b] for c in coeffs], *filters) for b in range(2)]
    torch.testing.assert_close(lifting_rec(coeffs, *filters), torch.stack(rows), **CLOSE)
    cut = lifting_rec(coeffs, *filters, length)
    torch.testing.assert_close(cut, torch.stack(rows)[:, :length], **CLOSE)


def test_taps_beyond_the_half_signal_are_ignored():
    x, predict, update = random(1, 6, 2), random(9, 2, seed=1), random(9, 2, seed=2)
    other = predict.clone()
    other[3:] = 7
    long, short = lifting_dec(x, predict, update, 1), lifting_dec(x, other, update, 1)
    torch.testing.assert_close(long, short, rtol=0, atol=0)
    other[2] = 7
    assert not torch.allclose(lifting_dec(x, other, update, 1)[1], long[1])


@settings(max_examples=20)
@given(half=st.integers(1, 20), seed=seeds)
def test_lattice_definition(half, seed):
    angles = random(half, 3, seed=seed) * 3
    torch.testing.assert_close(lattice_filters(angles), reference.lattice(angles), **CLOSE)


@settings(max_examples=20)
@given(half=st.integers(1, 20), seed=seeds)
def test_lattice_filters_are_orthonormal_to_their_double_shifts(half, seed):
    filters = lattice_filters(random(half, 2, seed=seed) * 3)
    taps = 2 * half
    for h in filters.t():
        for shift in range(half):
            product = float(h[2 * shift :] @ h[: taps - 2 * shift])
            assert abs(product - (shift == 0)) < 1e-12


def test_lattice_channels_are_independent():
    angles = random(4, 3)
    other = angles.clone()
    other[:, 1] += 1
    changed = (lattice_filters(angles) != lattice_filters(other)).any(dim=0)
    assert changed.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("angles", "message"), [(torch.zeros(4), "angles must be"), (torch.zeros(0, 3), "angles must")]
)
def test_lattice_refuses(angles, message):
    with pytest.raises(ValueError, match=message):
        lattice_filters(angles)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 0}, "level must be at least 1, got 0"),
        ({"update": None}, "both filters, predict and update, or neither"),
        ({"predict": torch.zeros(4, 3, dtype=torch.float64)}, "predict must be .taps, 2 channels."),
        ({"update": torch.zeros(4, 2)}, "the signal is torch.float64, update is torch.float32"),
        ({"x": torch.zeros(4, 2)}, "signal must be"),
        ({"x": torch.zeros(1, 0, 2)}, "signal must be"),
        (
            {"x": torch.zeros(1, 6, 2, dtype=torch.int64), "predict": None, "update": None},
            "a signal must hold floating-point numbers, got torch.int64",
        ),
        (
            {"x": torch.zeros(1, 6, 2, dtype=torch.cfloat), "predict": None, "update": None},
            "a signal must hold floating-point numbers, got torch.complex64",
        ),
    ],
)
def test_analysis_refuses(change, message):
    arguments = {"x": random(1, 6, 2), "predict": random(4, 2), "update": random(4, 2), "level": 1}
    with pytest.raises(ValueError, match=message):
        lifting_dec(**(arguments | change))


@pytest.mark.parametrize(
    ("lengths", "wanted", "message"),
    [
        ([3], None, "at least one detail"),
        ([], None, "at least one detail"),
        ([3, 5], None, "a detail of length 5 does not fit 3 samples"),
        ([5, 4], None, "a detail of length 4 does not fit 5 samples"),
        ([3, 3], 7, "length 7 is impossible: the bands restore 6 samples"),
        ([3, 3], 0, "length 0 is impossible"),
    ],
)
def test_synthesis_refuses(lengths, wanted, message):
    with pytest.raises(ValueError, match=message):
        lifting_rec([random(1, n, 2) for n in lengths], random(4, 2), random(4, 2), wanted)


@pytest.mark.parametrize("learned", [True, False], ids=["learned", "fixed"])
@pytest.mark.parametrize("cut", [(slice(0, 1),), (..., slice(0, 1))], ids=["rows", "channels"])
def test_bands_are_not_broadcast(learned, cut):
    filters = [random(4, 2), random(4, 2)] if learned else [None, None]
    bands = [random(3, 5, 2), random(3, 5, 2)]
    for which in (0, 1):
        one_cut = [band[cut] if i == which else band for i, band in enumerate(bands)]
        with pytest.raises(
            ValueError, match=r"same rows and channels|must be \[taps, 1 channels\]"
        ):
            lifting_rec(one_cut, *filters)
