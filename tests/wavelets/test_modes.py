"""The modes: their bands, their first filters, and what they refuse."""

import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavspa import wavedec, waverec
from wavspa.wavelets import (
    BOUNDARIES,
    MODES,
    WaveletOptions,
    band_lengths,
    build_mode,
    daubechies_taps,
    orthogonal_taps,
)
from wavspa.wavelets.transforms import lengths_of

LEARNED = {
    "none": set(),
    "ada": {"taps"},
    "ortho": {"angles"},
    "lift": {"predict", "update"},
    "fixed": set(),
    "lift_fixed": set(),
    "fourier": set(),
    "conv": {"taps"},
}


def signal(batch, length, dim=4, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, length, dim, dtype=dtype, generator=generator)


def test_all_modes_are_covered():
    assert set(LEARNED) == set(MODES)


@pytest.mark.parametrize("name", MODES)
@settings(max_examples=25)
@given(
    length=st.integers(1, 40),
    level=st.integers(1, 4),
    taps=st.sampled_from([2, 4, 10, 20]),
    boundary=st.sampled_from(BOUNDARIES),
)
def test_bands(name, length, level, taps, boundary):
    """`band_lengths` are the lengths that `analyse` returns, of the bands and of each row."""
    mode = build_mode(name, 4, WaveletOptions(taps, level, boundary))
    transform = mode.transform()
    rows = torch.tensor([length, 1])
    bands = transform.analyse(signal(2, length), rows)
    assert len(bands.coefficients) == (1 if name in ("none", "fourier", "conv") else level + 1)
    assert [band.shape for band in bands.coefficients] == [
        (2, n, 4) for n in mode.band_lengths(length)
    ]
    assert [row.tolist() for row in lengths_of(bands)] == [
        list(pair) for pair in zip(mode.band_lengths(length), mode.band_lengths(1), strict=True)
    ]
    assert transform.synthesise(bands).shape == (2, length, 4)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("name", [n for n in MODES if n not in ("none", "conv")])
def test_modes_invert_themselves_at_first(name, boundary):
    transform = build_mode(name, 4, WaveletOptions(10, 3, boundary)).double().transform()
    x = signal(2, 37, dtype=torch.float64)
    bands = transform.analyse(x)
    assert not torch.allclose(bands.coefficients[-1][:, :10], x[:, :10])
    # Ada, fixed: Daubechies' taps are orthonormal to 1e-11; the modules start in float32.
    torch.testing.assert_close(transform.synthesise(bands), x, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODES)
def test_learned_parameters(name):
    mode = build_mode(name, 4, WaveletOptions(8, 2))
    assert {n for n, _ in mode.named_parameters()} == LEARNED[name]
    transform = mode.transform()
    bands = transform.analyse(signal(2, 13))
    loss = sum(band.pow(2).sum() for band in bands.coefficients)
    loss = loss + transform.synthesise(bands).pow(3).sum()
    if LEARNED[name]:
        loss.backward()
    for parameter in mode.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


def test_first_filters():
    torch.manual_seed(0)
    ada, fixed = (build_mode(name, 3, WaveletOptions(12)) for name in ("ada", "fixed"))
    expected = torch.tensor(pywt.Wavelet("db6").dec_lo, dtype=torch.float32)
    assert torch.equal(ada.taps, expected[:, None].expand(-1, 3))
    assert torch.equal(fixed.filters()[0], ada.taps)
    angles = build_mode("ortho", 500, WaveletOptions(8)).angles
    assert angles.shape == (4, 500)
    assert 0 <= angles.min() < 0.1
    assert 6.1 < angles.max() < 2 * torch.pi
    lift = build_mode("lift", 500, WaveletOptions(8))
    for taps in (lift.predict, lift.update):
        assert taps.shape == (8, 500)
        assert abs(taps.std() - 0.02) < 1e-3
        assert abs(taps.mean()) < 1e-3


def test_dwt_modes_are_wavedec_with_their_filters():
    x = signal(2, 21)
    for boundary in BOUNDARIES:
        for name in ("ada", "ortho", "fixed"):
            mode = build_mode(name, 4, WaveletOptions(6, 2, boundary))
            (h,), transform = mode.filters(), mode.transform()
            bands = transform.analyse(x)
            coefficients = bands.coefficients
            torch.testing.assert_close(coefficients, wavedec(x, h, 2, boundary), rtol=0, atol=0)
            rec = transform.synthesise(bands)
            torch.testing.assert_close(rec, waverec(coefficients, h, 21, boundary), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["haar", "sym5", "coif3", "dmey", "db38"])
def test_fixed_takes_any_orthogonal_wavelet(name):
    mode = build_mode("fixed", 2, WaveletOptions(4, wavelet_name=name))
    taps = pywt.Wavelet(name).dec_len
    assert mode.num_taps == taps
    assert mode.band_lengths(50) == [(50 + taps - 1) // 2] * 2
    assert torch.equal(mode.filters()[0][:, 1], orthogonal_taps(name).float())


@pytest.mark.parametrize("name", MODES)
def test_transforms_run_in_float32_under_autocast_and_from_half_types(name):
    transform = build_mode(name, 4, WaveletOptions(6, 2)).transform()
    x = signal(2, 13).bfloat16().float()
    expected = transform.analyse(x)
    rec = transform.synthesise(expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = transform.analyse(x).coefficients
        torch.testing.assert_close(again, expected.coefficients, rtol=0, atol=0)
        torch.testing.assert_close(transform.synthesise(expected), rec, rtol=0, atol=0)
    half = [band.float() for band in transform.analyse(x.bfloat16()).coefficients]
    torch.testing.assert_close(half, expected.coefficients, rtol=0, atol=0)


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"taps": 7}, "taps must be even and at least 2, got 7"),
        ({"taps": 0}, "taps must be even and at least 2, got 0"),
        ({"taps": 4.0}, r"taps must be a whole number, got 4\.0"),
        ({"level": 1.5}, r"level must be a whole number, got 1\.5"),
        ({"level": 0}, "level must be at least 1, got 0"),
        ({"level": -1}, "level must be at least 1, got -1"),
        ({"boundary": "wrap"}, "boundary='wrap' is unknown; choose one of zero, reflect, periodic"),
    ],
)
def test_every_mode_refuses(name, options, message):
    with pytest.raises(ValueError, match=message):
        build_mode(name, 4, WaveletOptions(**options))


def test_too_many_taps():
    for name in ("ada", "fixed"):
        assert build_mode(name, 2, WaveletOptions(76)).num_taps == 76
        with pytest.raises(ValueError, match=r"at most 76 .* got 78; use fewer taps, or wavelet="):
            build_mode(name, 2, WaveletOptions(78))
    for name in set(MODES) - {"ada", "fixed"}:
        assert build_mode(name, 2, WaveletOptions(78)).num_taps == 78
    with pytest.raises(ValueError, match="taps must be even"):
        daubechies_taps(3)


def test_unknown_mode():
    with pytest.raises(ValueError, match=r"wavelet='db2' is unknown; choose one of none, ada, or"):
        build_mode("db2", 4)


@pytest.mark.parametrize("name", ["db99", "bior2.2", "morl", ""])
def test_unknown_wavelet_name(name):
    with pytest.raises(
        ValueError, match=r"wavelet_name=.* choose one of .*coif1.*db1.*sym2"
    ) as error:
        build_mode("fixed", 4, WaveletOptions(wavelet_name=name))
    assert "bior" not in str(error.value).removeprefix(f"wavelet_name={name!r}")
    assert "\n" not in str(error.value)


X, H = signal(2, 9), torch.zeros(4, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filters": torch.zeros(4, 3)}, "the signal has 4 channels, the filters 3"),
        ({"filters": H.double()}, "the signal is torch.float32, the filters are torch.float64"),
        ({"filters": torch.zeros(5, 4)}, "taps must be even and at least 2, got 5"),
        ({"filters": torch.zeros(0, 4)}, "taps must be even and at least 2, got 0"),
        ({"filters": torch.zeros(4)}, "filters must be .taps, channels., got .4."),
        ({"x": torch.zeros(9, 4)}, "a signal must be .batch, length >= 1, channels."),
        ({"x": torch.zeros(2, 0, 4)}, "a signal must be .batch, length >= 1, channels."),
        ({"level": 0}, "level must be at least 1, got 0"),
        ({"boundary": "periodization"}, "boundary='periodization' is unknown; choose one of zero"),
        ({"lengths": [5, 3]}, "lengths must be a tensor, int64 .B., got .5, 3."),
    ],
)
def test_wavedec_refuses(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        wavedec(**({"x": X, "filters": H, "level": 1} | change))


@pytest.mark.parametrize(
    ("level", "boundary", "message"),
    [(0, "zero", "level must be at least 1, got 0"), (1, "wrap", "boundary='wrap' is unknown")],
)
def test_band_lengths_refuses(level, boundary, message):
    with pytest.raises(ValueError, match=message):
        band_lengths(9, 4, level, boundary)


BANDS = wavedec(X, H, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coeffs": BANDS[:1]}, "coeffs must hold an approximation and at least one detail band"),
        ({"coeffs": []}, "coeffs must hold an approximation and at least one detail band"),
        (
            {"coeffs": [BANDS[0][:1], *BANDS[1:]]},
            r"same rows and channels, got \[1, 4, 4\] and \[2, 4, 4\]",
        ),
        ({"coeffs": [*BANDS[:2], BANDS[2][:1]]}, "same rows and channels"),
        ({"coeffs": [BANDS[0], BANDS[1][:, 1:], BANDS[2]]}, "differ in length: 4 and 3"),
        ({"coeffs": [*BANDS[:2], BANDS[2][:, :4]]}, "cD of length 4 does not follow a level"),
        ({"length": 11}, "length 11 is impossible: the bands restore 10 samples"),
        ({"length": 0}, "length 0 is impossible"),
        ({"coeffs": [band.double() for band in BANDS]}, "the signal is torch.float64"),
        ({"coeffs": [band[..., :2] for band in BANDS]}, "the signal has 2 channels"),
        ({"boundary": "wrap"}, "boundary='wrap' is unknown"),
        ({"filters": torch.zeros(5, 4)}, "taps must be even"),
    ],
)
def test_waverec_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        waverec(**({"coeffs": BANDS, "filters": H, "length": 9} | change))


def test_waverec_gives_fewer_samples_when_asked():
    h = orthogonal_taps("db2").float()[:, None].repeat(1, 4)
    rec = waverec(wavedec(X, h, 2), h, 5)
    torch.testing.assert_close(rec, X[:, :5], rtol=0, atol=1e-6)


@pytest.mark.parametrize("lengths", [None, [13, 4]], ids=["full", "ragged"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("name", MODES)
def test_bands_come_in_the_dtype_asked_for(name, dtype, lengths):
    """Rounded once, where they are written: never between levels, nor on the way in."""
    transform = build_mode(name, 4, WaveletOptions(6, 3)).transform()
    rows = None if lengths is None else torch.tensor(lengths)
    x = signal(2, 13).bfloat16()
    whole, bands = transform.analyse(x.float(), rows), transform.analyse(x, rows, dtype)
    for band, expected in zip(bands.coefficients, whole.coefficients, strict=True):
        assert band.dtype == dtype
        assert torch.equal(band, expected.to(dtype))
    y = transform.synthesise(bands, torch.bfloat16)
    assert y.dtype == torch.bfloat16
    rounded = [band.float() for band in bands.coefficients]
    assert torch.equal(y, transform.synthesise(bands._replace(coefficients=rounded)).bfloat16())
    if rows is not None:
        assert (y[1, 4:] == 0).all()
