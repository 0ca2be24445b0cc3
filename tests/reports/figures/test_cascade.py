import numpy as np
import pytest
import pywt

from wavspa.reports.figures.cascade import cascade, draw_cascade
from wavspa.reports.figures.filters import Filters
from wavspa.reports.figures.style import save


@pytest.mark.parametrize("name", ["haar", "db4", "sym5", "coif2"])
def test_it_is_pywavelets_own(name):
    wavelet = pywt.Wavelet(name)
    times, scaling, mother = cascade(np.array(wavelet.dec_lo), iterations=7)
    expected_scaling, expected_mother, expected_times = wavelet.wavefun(level=7)
    # PyWavelets puts a zero at either end.
    size = len(times)
    assert scaling == pytest.approx(expected_scaling[1 : size + 1], abs=2e-2)
    sign = np.sign(mother @ expected_mother[1 : size + 1])
    assert sign * mother == pytest.approx(expected_mother[1 : size + 1], abs=2e-2)
    assert times == pytest.approx(expected_times[:size])


def test_any_filter_has_energy_one():
    low = np.random.default_rng(0).normal(size=8)
    for function in cascade(low, iterations=6)[1:]:
        assert (function**2).sum() / 2**6 == pytest.approx(1)


def test_layers_are_labelled(tmp_path):
    initial = np.repeat(np.array(pywt.Wavelet("db2").dec_lo)[:, None], 3, axis=1)
    learned = initial + np.array([0.0, 0.2, 0.1])
    random = np.random.default_rng(0).normal(size=(4, 3))
    layers = [Filters("layer 1", learned, initial), Filters("layer 2", random, random + 0.1)]
    save(draw_cascade(layers), tmp_path / "cascade.svg")
    text = (tmp_path / "cascade.svg").read_text()
    for label in (
        "channel 0",
        "channel 1",
        "all, before",
        "layer 2: scaling functions",
        "wavelets",
    ):
        assert f"<!-- {label} -->" in text, label
