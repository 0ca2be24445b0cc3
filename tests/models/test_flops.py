"""What counts operations from sizes, held to torch's own counter and to sums by hand."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from wavspa import DualEncoder, Encoder
from wavspa.models.flops import training_flops

SIZES = {"max_len": 96, "dim": 32, "depth": 2, "heads": 4, "mlp_dim": 48, "window": 96, "rank": 16}


def counted(model, *rows):
    """What torch counts of a forward pass: of matrix products and attention."""
    with (
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),  # it does not know the CPU's fused one
    ):
        model.eval()(*rows)
    return counter.get_total_flops()


@pytest.mark.parametrize("attention", ["softmax", "linformer", "linear", "performer"])
@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_plain_bases_are_counted_as_torch_does(attention, pool):
    model = Encoder(20, 3, attention=attention, wavelet="none", pool=pool, **SIZES)
    there = counted(model, torch.randint(20, (1, 96)))
    # Sums of keys are products of matrices in some bases.
    assert training_flops(model, 96) == pytest.approx(3 * there, rel=0.02)


@pytest.mark.parametrize("stem", ["linear", "conv"])
def test_the_stem_of_series_counts(stem):
    model = Encoder(inputs=7, stem=stem, attention="softmax", wavelet="none", **SIZES)
    assert training_flops(model, 96) == 3 * counted(model, torch.randn(1, 96, 7))


def test_a_pair_costs_two_encoders_and_a_head():
    model = DualEncoder(20, 2, attention="softmax", wavelet="none", **SIZES)
    rows = [torch.randint(20, (1, 96)) for _ in range(2)]
    assert training_flops(model, 96) == 3 * counted(model, *rows)


def test_the_window_bounds_the_scores():
    narrow, wide = (
        Encoder(20, 3, attention="longformer", wavelet="none", **{**SIZES, "window": window})
        for window in (16, 500)
    )
    # Two products of 2 · 96 · keys · 32 in each of two layers.
    assert training_flops(wide, 96) - training_flops(narrow, 96) == 3 * 2 * 4 * 96 * (96 - 16) * 32


def test_transforms_add_two_filters_a_coefficient_each_way():
    sizes = {**SIZES, "depth": 1}
    plain = Encoder(20, 3, attention="linear", wavelet="none", **sizes)
    ada = Encoder(20, 3, attention="linear", wavelet="ada", taps=2, level=1, **sizes)
    # Haar splits 96 positions into 48 and 48: the attention of both together costs what the plain one does.
    assert training_flops(ada, 96) - training_flops(plain, 96) == 3 * (8 * 48 * 2 * 32)
    fixed = Encoder(20, 3, attention="linear", wavelet="lift_fixed", taps=2, level=1, **sizes)
    assert training_flops(fixed, 96) == training_flops(plain, 96)
    conv = Encoder(20, 3, attention="linear", wavelet="conv", taps=6, **sizes)
    assert training_flops(conv, 96) - training_flops(plain, 96) == 3 * (2 * 96 * 6 * 32)


def test_nothing_is_computed():
    with torch.device("meta"):
        model = Encoder(20, 3, attention="softmax", wavelet="ortho", **{**SIZES, "max_len": 65536})
    assert training_flops(model, 65536) > 1e12


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="must be an Encoder or a DualEncoder, got Linear"):
        training_flops(nn.Linear(2, 2), 4)
