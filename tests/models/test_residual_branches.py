"""Stochastic depth and layer scale, as options of the encoders."""

import copy

import pytest
import torch
from omegaconf import OmegaConf

from support.tiny_runs import compose_run
from wavspa import DualEncoder, Encoder, WavSpAttention
from wavspa.launching.run.naming import config_hash
from wavspa.models.block import Block

SIZES = {"max_len": 20, "dim": 8, "depth": 4, "heads": 2, "mlp_dim": 12, "taps": 4}


def encoder(**options):
    torch.manual_seed(0)
    return Encoder(11, 3, **(SIZES | options))


def block(**options):
    torch.manual_seed(0)
    return Block(8, 12, WavSpAttention(8, 2, taps=4), **options).double()


@pytest.fixture
def x():
    return torch.randn(6, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_rates_grow_to_that_of_the_last_block():
    assert [b.drop_path for b in encoder(drop_path=0.4).blocks] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4]
    )


def test_a_row_keeps_a_branch_as_it_is_or_loses_it(x):
    plain, dropping = block(), block(drop_path=0.25)
    branch = plain.attention(plain.norm(x))
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found = dropping.train()(x)
        for row in range(len(x)):
            # Of four outcomes: each of the two branches is there, a third larger, or it is not.
            outcomes = {}
            for first in (0, 1):
                y = x[row] + branch[row] * first / 0.75
                outcomes[first, 0] = y
                outcomes[first, 1] = y + plain.mlp(plain.before_mlp(y)) / 0.75
            fits = [key for key, y in outcomes.items() if torch.allclose(found[row], y)]
            assert len(fits) == 1
            seen |= set(fits)
    assert len(seen) == 4


def test_the_mean_is_that_of_the_branch():
    dropping = block(drop_path=0.3).train()
    torch.manual_seed(0)
    kept = dropping._branch(torch.ones(20_000, 1, 1), None)
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert kept.mean().item() == pytest.approx(1, abs=0.02)


def test_evaluation_drops_nothing(x):
    torch.testing.assert_close(block(drop_path=0.9).eval()(x), block().eval()(x), rtol=0, atol=0)


def test_off_nothing_random_is_drawn(x):
    plain = block().train()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    plain(x)
    assert torch.equal(torch.get_rng_state(), before)


def test_pads_stay_without_effect_on_what_is_real(x):
    lengths = torch.tensor([7, 1, 4, 2, 7, 3])
    dropping, other = block(drop_path=0.5, layer_scale=0.5).train(), x.clone()
    for row, length in enumerate(lengths):
        other[row, length:] = 9.0
    outputs = []
    for rows in (x, other):
        torch.manual_seed(3)
        outputs.append(dropping(rows, lengths))
    for row, length in enumerate(lengths):
        torch.testing.assert_close(outputs[0][row, :length], outputs[1][row, :length])


def test_layer_scale_multiplies_each_channel_of_a_branch(x):
    scaled, plain = block(layer_scale=0.5), block()
    assert {n for n, _ in scaled.named_parameters()} - {n for n, _ in plain.named_parameters()} == {
        "attention_scale",
        "mlp_scale",
    }
    with torch.no_grad():
        scaled.attention_scale.copy_(torch.arange(8))
    y = x + torch.arange(8) * plain.attention(plain.norm(x))
    torch.testing.assert_close(scaled(x), y + 0.5 * plain.mlp(plain.before_mlp(y)))
    assert scaled.attention_scale.requires_grad


def test_by_default_checkpoints_and_names_of_runs_are_as_they_were():
    assert not [name for name in encoder().state_dict() if name.endswith("_scale")]
    config = compose_run()
    older = copy.deepcopy(config)
    OmegaConf.set_struct(older, False)
    del older.model["drop_path"], older.model["layer_scale"]
    assert config_hash(older) == config_hash(config)
    assert config_hash(compose_run("model.drop_path=0.1")) != config_hash(config)
    assert config_hash(compose_run("model.layer_scale=1e-4")) != config_hash(config)


def test_pairs_have_them_too():
    model = DualEncoder(11, 3, **SIZES, drop_path=0.2, layer_scale=0.1)
    assert model.encoder.blocks[-1].drop_path == 0.2
    assert model.encoder.blocks[0].mlp_scale.tolist() == pytest.approx([0.1] * 8)


@pytest.mark.parametrize(
    "option",
    [{"drop_path": 1.0}, {"drop_path": -0.1}, {"layer_scale": 0.0}, {"layer_scale": float("nan")}],
)
def test_impossible_values_are_refused(option):
    with pytest.raises(ValueError, match=f"^{next(iter(option))} must be"):
        encoder(**option)


@pytest.mark.slow
def test_compiled_blocks_drop_the_same_share_of_rows():
    attention = WavSpAttention(8, 2, wavelet="none")
    dropping = Block(8, 12, attention, drop_path=0.5, layer_scale=0.1).train()
    compiled = torch.compile(Block.forward, dynamic=True, backend="eager")
    x = torch.randn(64, 5, 8)
    lengths = torch.full((64,), 3)
    with torch.no_grad():
        dropping.mlp_scale.zero_()
    unchanged = (compiled(dropping, x, lengths) == x).all(dim=(1, 2)).sum().item()
    assert 16 < unchanged < 48
