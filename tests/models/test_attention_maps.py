import pytest
import torch

from wavspa import DualEncoder, Encoder
from wavspa.models.attention_maps import attention_maps, footprints
from wavspa.models.introspection import layers_of
from wavspa.wavelets import MODES

OPTIONS = {"max_len": 60, "dim": 8, "depth": 2, "heads": 2, "mlp_dim": 8, "taps": 4, "level": 2}


def encoder(**options):
    torch.manual_seed(0)
    return Encoder(20, 3, **{**OPTIONS, **options}).eval()


TOKENS = torch.arange(37) % 20


@pytest.mark.parametrize("attention", ["softmax", "longformer", "linear", "performer"])
@pytest.mark.parametrize("wavelet", MODES)
def test_every_position_of_every_band_has_its_share(wavelet, attention):
    model = encoder(wavelet=wavelet, attention=attention)
    bands = ["x"] if wavelet in ("none", "fourier", "conv") else ["cA2", "cD2", "cD1"]
    layers = attention_maps(model, TOKENS)
    assert [[band.name for band in layer] for layer in layers] == [bands] * 2
    for layer in layers:
        for band in layer:
            assert band.positions.shape == (37,)
            assert band.coefficients.mean() == pytest.approx(1, abs=1e-4)
            low, high = band.coefficients.min(), band.coefficients.max()
            assert low * 0.999 <= band.positions.min() <= band.positions.max() <= high * 1.001


def test_without_a_wavelet_the_map_is_the_attention_itself():
    for layer in attention_maps(encoder(wavelet="none"), TOKENS):
        torch.testing.assert_close(layer[0].positions, layer[0].coefficients)


def test_footprints_of_an_orthogonal_wavelet_have_energy_one():
    layer = layers_of(encoder(wavelet="ortho", boundary="periodic"))[0]
    for band, size in enumerate((9, 9, 18)):
        energies = footprints(layer, band, 36).sum(dim=1)
        torch.testing.assert_close(energies, torch.ones(size), rtol=0, atol=1e-5)


def test_haar_looks_at_pairs():
    model = encoder(wavelet="ada", taps=2, level=1)
    expected = torch.eye(5).repeat_interleave(2, dim=1) / 2
    torch.testing.assert_close(footprints(layers_of(model)[0], 1, 10), expected)
    for layer in attention_maps(model, TOKENS[:10]):
        for band in layer:
            pairs = band.coefficients.repeat_interleave(2)
            torch.testing.assert_close(band.positions, pairs)


def test_a_cls_token_is_left_out_and_pairs_are_seen_one_by_one():
    assert attention_maps(encoder(pool="cls"), TOKENS)[0][0].positions.shape == (37,)
    pairs = DualEncoder(20, 2, **OPTIONS).eval()
    assert attention_maps(pairs, TOKENS)[1][2].positions.shape == (37,)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("wavelet", MODES)
def test_models_of_other_types(wavelet, dtype):
    model = encoder(wavelet=wavelet)
    expected = attention_maps(model, TOKENS)
    for layer, exact in zip(attention_maps(model.to(dtype), TOKENS), expected, strict=True):
        for band, other in zip(layer, exact, strict=True):
            assert band.positions.dtype == torch.promote_types(dtype, torch.float32)
            for ours, theirs in zip(band[1:], other[1:], strict=True):
                torch.testing.assert_close(ours.float(), theirs, rtol=0, atol=0.15)
