"""Learning rates that fall towards the input."""

import pytest
import torch

from wavspa.models import DualEncoder, Encoder
from wavspa.training.layer_decay import layer, with_layer_decay
from wavspa.training.optimizers import adamw

MODELS = {
    "single": lambda: Encoder(
        9, 3, max_len=8, dim=8, depth=3, heads=2, mlp_dim=8, taps=4, pool="cls"
    ),
    "pair": lambda: DualEncoder(9, 3, max_len=8, dim=8, depth=3, heads=2, mlp_dim=8, taps=4),
}


@pytest.mark.parametrize("model", MODELS)
def test_each_layer_has_its_rate_and_each_parameter_one(model):
    model = MODELS[model]()
    optimizer = with_layer_decay(lambda m: adamw(m, 0.1, filter_lr=0.01), 0.5)(model)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        base = 0.01 if name.endswith("wavelet.taps") else 0.1
        assert rates[id(parameter)] == pytest.approx(base * 0.5 ** (4 - layer(name, 3))), name
    # It is the rate that runs log.
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_layers():
    names = ["cls", "embedding.weight", "blocks.0.norm.weight", "encoder.blocks.2.mlp.0.bias"]
    names += ["norm.weight", "encoder.norm.bias", "head.0.weight", "decoder.blocks.0.norm.weight"]
    assert [layer(name, 3) for name in names] == [0, 0, 1, 3, 4, 4, 4, 4]


def test_decay_of_weights_and_frozen_parameters_stay_as_they_are():
    model = MODELS["single"]()
    model.embedding.requires_grad_(False)
    plain = adamw(model, 0.1, weight_decay=0.3)
    decayed = with_layer_decay(lambda m: adamw(m, 0.1, weight_decay=0.3), 0.9)(model)
    found = [
        {id(p): g["weight_decay"] for g in o.param_groups for p in g["params"]}
        for o in (plain, decayed)
    ]
    assert found[0] == found[1]
    assert id(model.embedding.weight) not in found[1]
    model(torch.ones(2, 8, dtype=torch.long)).sum().backward()
    decayed.step()
