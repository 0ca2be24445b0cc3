"""Encoders of series of numbers."""

import pytest
import torch

from wavspa import Encoder
from wavspa.models.stem import STEMS

SMALL = {"classes": 3, "inputs": 2, "max_len": 16, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 8}


@pytest.mark.parametrize("stem", STEMS)
def test_pads_change_nothing(stem):
    model = Encoder(**SMALL, stem=stem).eval()
    model.embedding.set_scale(torch.tensor([100.0, -3.0]), torch.tensor([10.0, 0.0]))
    values = torch.randn(2, 9, 2)
    longer = torch.cat([values, torch.full((2, 5, 2), torch.nan)], dim=1)
    lengths = torch.tensor([9, 4])
    longer[1, 4:] = torch.nan
    expected = model(values, lengths)
    assert torch.isfinite(expected).all()
    torch.testing.assert_close(model(longer, lengths), expected)


def test_values_are_standardised_by_what_its_weights_hold():
    model, fresh = Encoder(**SMALL).eval(), Encoder(**SMALL).eval()
    scaled = torch.randn(2, 9, 2)
    mean, deviation = torch.tensor([100.0, -3.0]), torch.tensor([10.0, 0.5])
    expected = model(scaled)
    model.embedding.set_scale(mean, deviation)
    fresh.load_state_dict(model.state_dict())
    torch.testing.assert_close(fresh(scaled * deviation + mean), expected, atol=1e-4, rtol=1e-4)


def test_channels_are_not_broadcast():
    model = Encoder(**SMALL)
    one = torch.randn(2, 10, 1)
    with pytest.raises(
        ValueError, match=r"values must be \[batch, length, inputs=\d\], got \[2, 10, 1\]"
    ):
        model(one)
    with pytest.raises(ValueError, match=r"deviation must be \[inputs=\d\], got \[1\]"):
        model.embedding.set_scale(torch.zeros(SMALL["inputs"]), torch.ones(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stem": "lstm"}, "stem='lstm' is unknown; choose one of linear, conv"),
        ({"vocab_size": 5}, "vocab_size .* must be given, and not both"),
        ({"inputs": None}, "must be given, and not both, got None"),
        ({"padding": "upstream"}, "padding must be mask if inputs are numbers"),
        ({"inputs": 0}, "inputs must be at least 1, got 0"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Encoder(**{**SMALL, **options})
