import pytest
import torch
from torch import nn

from wavspa import Encoder
from wavspa.checks import OptionError
from wavspa.training.optimizers import KINDS, adamw, is_filter, of_torch


@pytest.fixture
def model():
    return Encoder(8, 3, max_len=16, dim=8, depth=1, heads=2, mlp_dim=8, taps=4, wavelet="ada")


def settings(model, optimizer):
    """Learning rate and decay by parameter name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def test_every_parameter_stands_in_one_group(model):
    optimizer = adamw(model, lr=0.1)
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    assert count == len(settings(model, optimizer)) == len(list(model.parameters()))


def test_matrices_decay_and_filters_do_not(model):
    decays = {n: d for n, (_, d) in settings(model, adamw(model, lr=0.1, weight_decay=0.5)).items()}
    filters = [name for name in decays if is_filter(name)]
    assert len(filters) == 1
    for name, parameter in model.named_parameters():
        assert decays[name] == (0.5 if parameter.ndim >= 2 and name not in filters else 0.0), name


def test_all_decays_everything(model):
    found = settings(model, adamw(model, lr=0.1, weight_decay=0.5, decay="all"))
    assert {decay for _, decay in found.values()} == {0.5}


def test_filters_have_a_rate_of_their_own(model):
    found = settings(model, adamw(model, lr=0.1, filter_lr=0.001))
    assert {rate for name, (rate, _) in found.items() if is_filter(name)} == {0.001}
    assert {rate for name, (rate, _) in found.items() if not is_filter(name)} == {0.1}


@pytest.mark.parametrize("mode", ["ada", "ortho", "lift"])
def test_each_learned_mode_has_filters(mode):
    model = Encoder(8, 3, max_len=16, dim=8, depth=2, heads=2, mlp_dim=8, taps=4, wavelet=mode)
    filters = [name for name, _ in model.named_parameters() if is_filter(name)]
    assert len(filters) == (4 if mode == "lift" else 2)


def test_a_filters_name_alone_does_not_make_a_filter():
    assert is_filter("blocks.0.attention.wavelet.taps")
    assert not is_filter("blocks.0.taps")
    assert not is_filter("wavelet.bias")


def test_frozen_parameters_are_left_out():
    model = nn.Linear(2, 2)
    model.bias.requires_grad = False
    assert [len(group["params"]) for group in adamw(model, lr=0.1).param_groups] == [1]


@pytest.mark.parametrize(
    "option",
    [
        {"decay": "some"},
        {"filter_lr": -1.0},
        {"lr": -1.0},
        {"lr": True},
        {"lr": None},
        {"lr": float("nan")},
        {"eps": -1e-8},
        {"weight_decay": "much"},
        {"betas": [0.9]},
        {"betas": [0.9, 1.0]},
    ],
)
def test_impossible_values_are_refused(option):
    with pytest.raises(OptionError, match=f"^{next(iter(option))}"):
        adamw(nn.Linear(2, 2), **{"lr": 0.1, **option})


@pytest.mark.parametrize("kind", KINDS)
def test_optimizers_of_torch_train_with_the_same_groups(model, kind):
    optimizer = of_torch(model, kind, lr=0.1, weight_decay=0.2, filter_lr=0.01)
    assert type(optimizer) is getattr(torch.optim, kind)
    ours = adamw(model, lr=0.1, weight_decay=0.2, filter_lr=0.01)
    groups = [
        [(g["lr"], g["weight_decay"], g["params"]) for g in o.param_groups]
        for o in (optimizer, ours)
    ]
    assert len(groups[0]) == len(groups[1])
    for (lr, decay, mine), (their_lr, their_decay, theirs) in zip(*groups, strict=True):
        assert (lr, decay) == (their_lr, their_decay)
        assert all(x is y for x, y in zip(mine, theirs, strict=True))
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    assert all(not torch.equal(x, y) for x, y in zip(before, model.parameters(), strict=True))


def test_an_optimizer_of_torch_takes_its_own_options():
    optimizer = of_torch(nn.Linear(2, 2), "SGD", lr=0.1, options={"momentum": 0.9})
    assert optimizer.param_groups[0]["momentum"] == 0.9
    with pytest.raises(
        OptionError, match=r"^kind='SDG' is unknown; choose one of .*; did you mean SGD"
    ):
        of_torch(nn.Linear(2, 2), "SDG", lr=0.1)


def test_it_is_torchs_adamw(model):
    assert isinstance(adamw(model, lr=0.1), torch.optim.AdamW)
