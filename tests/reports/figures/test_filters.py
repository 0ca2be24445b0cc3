import numpy as np
import pytest
import pywt

from wavspa.errors import UserError
from wavspa.reports.figures.filters import Filters, draw_filters, frequencies, gain, shown_channels
from wavspa.reports.figures.style import save


def moved(by):
    """Eight channels of db4, channel c moved by ``by[c]``."""
    initial = np.repeat(np.array(pywt.Wavelet("db4").dec_lo)[:, None], len(by), axis=1)
    return Filters("layer 1", initial + np.array(by), initial)


def test_the_gain_of_a_daubechies_filter():
    """sqrt(2) at rest, nothing at the highest frequency; power of low and high pass is 2."""
    (low,) = gain(moved([0.0]).learned).T
    assert low[[0, -1]] == pytest.approx([2**0.5, 0], abs=1e-6)
    assert low**2 + low[::-1] ** 2 == pytest.approx(2)
    assert frequencies()[[0, -1]].tolist() == [0, 0.5]


def test_channels_are_shown_from_the_least_to_the_most_moved():
    assert shown_channels(moved([0.5, 0.1, 0.0, 0.4, 0.2, 0.3, 0.6])) == [2, 4, 3, 6]
    assert shown_channels(moved([0.5, 0.1])) == [1, 0]


def test_layers_are_labelled(tmp_path):
    layers = [moved([0.1, 0.0]), Filters("layer 2", moved([0.2]).learned)]
    save(draw_filters(layers), tmp_path / "filters.svg")
    text = (tmp_path / "filters.svg").read_text()
    labels = ("layer 1", "layer 2", "tap", "weight", "gain", "channel 1", "all, before")
    for label in (*labels, "frequency / cycles per sample"):
        assert f"<!-- {label} -->" in text, label
    assert [path.name for path in tmp_path.iterdir()] == ["filters.svg"]


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(UserError, match="figures cannot be written as 'txt'"):
        save(draw_filters([moved([0.1])]), tmp_path / "filters.txt")
