"""Mode ``conv`` against a naive sum; mode ``fixed`` against ``ada`` at first."""

import pytest
import torch

from wavspa import WavSpAttention
from wavspa.wavelets import WaveletOptions, build_mode


def naive(x, filters, lengths):
    """``y[t] = sum_k f[k] x[t + k - L // 2]``, row by row, tap by tap."""
    taps, y = len(filters), torch.zeros_like(x)
    for row, n in enumerate(lengths):
        for t in range(n):
            for k in range(taps):
                if 0 <= t + k - taps // 2 < n:
                    y[row, t] += filters[k] * x[row, t + k - taps // 2]
    return y


def conv(taps=4, dim=3):
    torch.manual_seed(0)
    mode = build_mode("conv", dim, WaveletOptions(taps)).double()
    with torch.no_grad():
        mode.taps.normal_()
    return mode


@pytest.mark.parametrize("taps", [2, 4, 12])
@pytest.mark.parametrize("lengths", [[7, 7], [7, 1], [4, 6]])
def test_values_and_gradients_are_those_of_the_sum(taps, lengths):
    mode = conv(taps)
    x = torch.randn(2, 7, 3, dtype=torch.float64, requires_grad=True)
    fast = mode.transform().analyse(x, torch.tensor(lengths)).coefficients[0]
    slow = naive(x, mode.taps, lengths)
    torch.testing.assert_close(fast, slow)
    weight = torch.randn_like(fast)
    inputs = (x, mode.taps)
    ours = torch.autograd.grad((fast * weight).sum(), inputs)
    torch.testing.assert_close(ours, torch.autograd.grad((slow * weight).sum(), inputs))


def test_gradients_are_right_by_finite_differences():
    mode, lengths = conv(), torch.tensor([5, 3])

    def first_band(x, taps):
        return mode.bind([taps]).analyse(x, lengths).coefficients[0]

    x = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(first_band, (x, mode.taps))


def test_pads_do_not_matter_even_if_they_are_not_numbers():
    mode = conv()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    padded = torch.cat([x, torch.full((2, 3, 3), torch.nan, dtype=torch.float64)], dim=1)
    y = mode.transform().analyse(padded, torch.tensor([6, 6])).coefficients[0]
    torch.testing.assert_close(y[:, :6], mode.transform().analyse(x).coefficients[0])
    assert (y[:, 6:] == 0).all()


def layer(wavelet):
    torch.manual_seed(0)
    return WavSpAttention(8, 2, wavelet=wavelet, taps=6, level=2)


def test_at_first_the_layer_is_the_plain_base():
    plain, convolved = layer("none"), layer("conv")
    convolved.load_state_dict(plain.state_dict(), strict=False)
    x, lengths = torch.randn(2, 9, 8), torch.tensor([9, 4])
    torch.testing.assert_close(convolved(x, lengths), plain(x, lengths))
    convolved(x).square().sum().backward()
    assert (convolved.wavelet.taps.grad != 0).all()


def test_fixed_is_ada_at_first():
    ada, fixed = layer("ada"), layer("fixed")
    attentions = {k: v for k, v in ada.state_dict().items() if k.startswith("attentions.")}
    fixed.load_state_dict(attentions, strict=False)
    x, lengths = torch.randn(2, 9, 8), torch.tensor([9, 4])
    torch.testing.assert_close(fixed(x, lengths), ada(x, lengths), rtol=0, atol=0)
    assert not list(fixed.wavelet.parameters())
