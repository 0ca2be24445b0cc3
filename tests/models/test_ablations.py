"""One attention for all bands, and details that are dropped."""

import copy
import re

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from torch.export import Dim, export

from support.final_state import rows
from support.tiny_runs import compose_run, tiny_run
from wavspa import Encoder, WavSpAttention, wavedec, waverec
from wavspa.attention import BASES
from wavspa.launching.run.naming import config_hash
from wavspa.launching.run.worker import run
from wavspa.models.attention_maps import attention_maps
from wavspa.models.flops import training_flops
from wavspa.models.introspection import band_names, watch_bands

ABLATIONS = [{"share_attention": True}, {"keep_details": False}]
LENGTHS = torch.tensor([13, 6])


def layer(attention="softmax", **options):
    torch.manual_seed(0)
    options = {"taps": 4, "level": 2, "max_len": 40, "window": 5, "rank": 4, **options}
    return WavSpAttention(8, 2, attention, **options)


def x(length=13):
    return torch.randn(2, length, 8, generator=torch.Generator().manual_seed(1))


def test_one_attention_serves_every_band():
    shared = layer(share_attention=True)
    filters, (base,) = shared.wavelet.taps, shared.attentions
    bands = [base(band) for band in wavedec(x(), filters, level=2)]
    torch.testing.assert_close(shared(x()), waverec(bands, filters, length=13))
    each = layer()
    copies = {
        n: shared.state_dict()[re.sub(r"attentions\.\d", "attentions.0", n)]
        for n in each.state_dict()
    }
    each.load_state_dict(copies)
    torch.testing.assert_close(shared(x(), LENGTHS), each(x(), LENGTHS), rtol=0, atol=0)
    # Its gradient is the sum of theirs.
    for module in (shared, each):
        module(x(), LENGTHS).square().sum().backward()
    summed = sum(attention.query.weight.grad for attention in each.attentions)
    torch.testing.assert_close(base.query.weight.grad, summed)


def test_dropped_details_are_zeros():
    dropped = layer(keep_details=False)
    filters, (base,) = dropped.wavelet.taps, dropped.attentions
    approximation, *details = wavedec(x(), filters, level=2)
    bands = [base(approximation), *map(torch.zeros_like, details)]
    torch.testing.assert_close(dropped(x()), waverec(bands, filters, length=13))


@pytest.mark.parametrize("attention", BASES)
@pytest.mark.parametrize("options", ABLATIONS)
def test_pads_do_not_matter(attention, options):
    module = layer(attention, wavelet="ortho", **options).eval()
    y = module(x(), LENGTHS)
    torch.testing.assert_close(module(x()[1:, :6])[0], y[1, :6], rtol=1e-4, atol=1e-6)
    assert (y[1, 6:] == 0).all()


@pytest.mark.parametrize("options", ABLATIONS)
def test_a_layer_is_exported_with_a_free_length(options):
    module = layer(**options).eval()
    program = export(module, (x(16), LENGTHS), dynamic_shapes=({1: Dim.AUTO}, None)).module()
    for length in (16, 23):
        torch.testing.assert_close(program(x(length), LENGTHS), module(x(length), LENGTHS))


def encoder(**options):
    torch.manual_seed(0)
    sizes = {"max_len": 32, "dim": 8, "depth": 2, "heads": 2, "mlp_dim": 8}
    return Encoder(11, 3, **sizes, wavelet="ada", taps=2, level=2, **options).eval()


@pytest.mark.parametrize(("options", "bands"), [(ABLATIONS[0], 3), (ABLATIONS[1], 1)])
def test_what_is_attended_to_is_seen_band_by_band(options, bands):
    model, seen = encoder(**options), []
    watch_bands(model, lambda layer, band, y, _lengths: seen.append((layer, band, y.shape[1])))
    for _ in range(2):
        model(torch.ones(1, 32, dtype=torch.long))
    sizes = list(enumerate((8, 8, 16)[:bands]))
    assert seen == [(number, band, size) for number in (0, 1) for band, size in sizes] * 2
    assert band_names(model.blocks[0].attention) == ["cA2", "cD2", "cD1"][:bands]
    maps = attention_maps(model, torch.ones(20, dtype=torch.long))
    assert [len(of_layer) for of_layer in maps] == [bands, bands]


def test_what_they_cost(tmp_path):
    """Sharing costs no operation less; a dropped band costs no attention; both save parameters."""
    plain, shared, dropped = encoder(), encoder(share_attention=True), encoder(keep_details=False)
    assert training_flops(shared, 32) == training_flops(plain, 32)
    # Two layers: four projections, then scores and sums, of bands of 8 and 16 coefficients.
    saved = 2 * sum(n * 4 * 2 * 8 * 8 + 4 * n * n * 8 for n in (8, 16))
    assert training_flops(plain, 32) - training_flops(dropped, 32) == 3 * saved
    counts = [sum(p.numel() for p in model.parameters()) for model in (plain, shared, dropped)]
    assert counts[0] - counts[1] == counts[0] - counts[2] == 2 * 2 * 4 * 8 * 8
    for model in (shared, dropped):
        save_file(model.state_dict(), tmp_path / "model.safetensors")
        model.load_state_dict(load_file(tmp_path / "model.safetensors"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share_attention": True}, "share_attention must be false if attention lists a base"),
        ({"keep_details": False}, "lists 3 bases, but .* without details has 1 bands"),
    ],
)
def test_lists_of_bases_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        layer(["softmax", "linear", "linear"], **options)


def test_runs_keep_their_names_and_orthogonality_is_logged_without_details(tmp_path):
    config = compose_run()
    older = copy.deepcopy(config)
    OmegaConf.set_struct(older, False)
    del older.model["share_attention"], older.model["keep_details"]
    assert config_hash(older) == config_hash(config)
    assert config_hash(compose_run("model.keep_details=false")) != config_hash(config)
    folder = tiny_run(tmp_path, "model.keep_details=false", "trainer.max_steps=1")
    run(folder)
    logged = {name for row in rows(folder) for name in row if "layer" in name}
    assert logged == {"orthogonality/layer1", "orthogonality/layer2"}
