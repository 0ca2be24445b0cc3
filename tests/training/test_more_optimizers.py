"""Lion, Muon, Adafactor and schedule-free AdamW: their groups, their steps, and their states."""

import copy
import sys

import pytest
import torch
from torch import nn

from support.tiny_runs import compose_run
from wavspa import Encoder
from wavspa.checks import OptionError
from wavspa.errors import UserError
from wavspa.training.finite import FiniteWatch, Noted
from wavspa.training.instantiate import instantiate
from wavspa.training.layer_decay import with_layer_decay
from wavspa.training.optimizers import is_filter, lion, muon, schedule_free

CHOICES = ("lion", "muon", "adafactor", "schedule_free")


def build(choice, model, *words):
    return instantiate(compose_run(f"optimizer={choice}", *words).optimizer)(model)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Encoder(
        8, 3, max_len=16, dim=8, depth=2, heads=2, mlp_dim=16, taps=4, positions="learned"
    )


def loss_of(model):
    tokens = torch.arange(32).reshape(2, 16) % 8
    return nn.functional.cross_entropy(model.eval()(tokens), torch.tensor([0, 2]))


def take_steps(model, optimizer, count):
    for _ in range(count):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()


@pytest.mark.parametrize("choice", CHOICES)
def test_each_learns_with_its_defaults(model, choice):
    before = loss_of(model).item()
    take_steps(model, build(choice, model), 20)
    assert loss_of(model).item() < before - 0.02


@pytest.mark.parametrize("choice", CHOICES)
def test_each_has_the_rates_and_decays_of_adamw(model, choice):
    words = ["optimizer.lr=0.1", "optimizer.weight_decay=0.2", "optimizer.filter_lr=0.01"]
    found, ours = (
        {
            id(p): (group["lr"], group["weight_decay"])
            for group in build(name, model, *words).param_groups
            for p in group["params"]
        }
        for name in (choice, "adamw")
    )
    assert found == ours


@pytest.mark.parametrize("choice", CHOICES)
def test_each_resumes_exactly(model, choice):
    other = copy.deepcopy(model)
    first, second = build(choice, model), build(choice, other)
    take_steps(model, first, 3)
    other.load_state_dict(model.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    take_steps(model, first, 2)
    take_steps(other, second, 2)
    assert all(map(torch.equal, model.parameters(), other.parameters()))


@pytest.mark.parametrize("choice", CHOICES)
def test_each_takes_rates_that_fall_by_the_layer(model, choice):
    config = compose_run(f"optimizer={choice}", "optimizer.lr=0.1").optimizer
    optimizer = with_layer_decay(instantiate(config), 0.5)(model)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[id(model.embedding.weight)] == pytest.approx(0.1 * 0.5**3)
    assert rates[id(model.blocks[1].mlp[0].weight)] == pytest.approx(0.1 * 0.5)
    take_steps(model, optimizer, 2)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_step_that_is_left_out_spoils_nothing(model, choice):
    optimizer = build(choice, model)
    take_steps(model, optimizer, 1)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, float("nan"))
    watch = FiniteWatch()
    watch._all_finite = torch.tensor(False)
    watch.leave_out_step(optimizer)
    optimizer.step()
    assert all(p.isfinite().all() for p in model.parameters())
    assert watch.note(Noted("loss", 1, 1), torch.tensor(1.0)) is None


def test_muon_takes_the_matrices_of_blocks_and_adamw_the_rest(model):
    optimizer = muon(model, lr=0.1, matrix_lr=0.02)
    of_muon = {id(p) for g in optimizer.param_groups if g["part"] == "muon" for p in g["params"]}
    for name, parameter in model.named_parameters():
        matrix = name.startswith("blocks.") and parameter.ndim == 2 and not is_filter(name)
        assert (id(parameter) in of_muon) == matrix, name
    assert {g["lr"] for g in optimizer.param_groups if g["part"] == "muon"} == {0.02}


def test_muon_steps_as_torchs_two_optimizers_do(model):
    other = copy.deepcopy(model)
    matrices = {
        name
        for name, p in other.named_parameters()
        if name.startswith("blocks.") and p.ndim == 2 and not is_filter(name)
    }
    named = dict(other.named_parameters())
    theirs = [
        torch.optim.Muon(
            [named[n] for n in matrices],
            lr=0.01,
            weight_decay=0.1,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(
            [p for n, p in named.items() if n not in matrices], 0.01, weight_decay=0.1
        ),
    ]
    take_steps(model, muon(model, lr=0.01, weight_decay=0.1, decay="all"), 3)
    for _ in range(3):
        other.zero_grad()
        loss_of(other).backward()
        for optimizer in theirs:
            optimizer.step()
    assert all(map(torch.equal, model.parameters(), other.parameters()))


def test_muon_of_a_model_without_blocks_is_adamw():
    model = nn.Linear(2, 2)
    assert {group["part"] for group in muon(model, lr=0.1).param_groups} == {"adamw"}


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (muon, {"momentum": 1.0}),
        (muon, {"nesterov": 1}),
        (muon, {"scale": "large"}),
        (muon, {"matrix_lr": -1.0}),
        (muon, {"eps": -1.0}),
        (muon, {"betas": [0.9]}),
        (lion, {"betas": [0.9, 1.0]}),
        (lion, {"lr": -1.0}),
        (schedule_free, {"betas": [0.0, 0.9]}),
        (schedule_free, {"eps": -1.0}),
    ],
)
def test_impossible_values_are_refused(make, option):
    with pytest.raises(OptionError, match=f"^{next(iter(option))}"):
        make(nn.Linear(2, 2), **{"lr": 0.1, **option})


@pytest.mark.parametrize(("make", "choice"), [(lion, "lion"), (schedule_free, "schedule_free")])
def test_a_missing_library_is_named_with_what_installs_it(monkeypatch, make, choice):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(
        UserError, match=rf"^optimizer={choice} needs .*: pip install 'wavspa\[optimizers\]'"
    ):
        make(nn.Linear(2, 2), lr=0.1)


def test_schedule_free_brings_a_constant_schedule_that_can_be_typed_over():
    assert compose_run("optimizer=schedule_free").schedule["_target_"].endswith(".constant")
    typed = compose_run("optimizer=schedule_free", "schedule=cosine")
    assert typed.schedule["_target_"].endswith(".cosine")
