import pytest
import torch

from wavspa import DualEncoder, Encoder
from wavspa.models.attention_maps import _footprints, attention_maps
from wavspa.models.probe import layers_of
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
    bands = ["x"] if wavelet in ("none", "fourier") else ["cA2", "cD2", "cD1"]
    layers = attention_maps(model, TOKENS)
    assert [[band.name for band in layer] for layer in layers] == [bands] * 2
    for layer in layers:
        for band in layer:
            assert band.positions.shape == (37,) and (band.positions >= 0).all()
            assert band.coefficients.mean() == pytest.approx(1, abs=1e-4)
            assert 0.5 < band.positions.mean() < 1.1


def test_without_a_wavelet_the_map_is_the_attention_itself():
    for layer in attention_maps(encoder(wavelet="none"), TOKENS):
        assert torch.equal(layer[0].positions, layer[0].coefficients)


def test_periodic_orthogonal_footprints_are_whole():
    layer = layers_of(encoder(wavelet="ortho", boundary="periodic"))[0]
    for band, size in enumerate((9, 9, 18)):
        shares = _footprints(layer, band, 36)
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(size), rtol=0, atol=1e-5)


def test_haar_footprints_are_where_haar_looks():
    layer = layers_of(encoder(wavelet="ada", taps=2, level=1))[0]
    expected = torch.eye(5).repeat_interleave(2, dim=1) / 2
    for band in (0, 1):
        torch.testing.assert_close(_footprints(layer, band, 10), expected)


def test_a_cls_token_is_left_out_and_pairs_are_seen_one_by_one():
    assert attention_maps(encoder(pool="cls"), TOKENS)[0][0].positions.shape == (37,)
    pairs = DualEncoder(20, 2, **OPTIONS).eval()
    assert attention_maps(pairs, TOKENS)[1][2].positions.shape == (37,)
