"""Linear, one-cycle, warm-up-stable-decay and plateau schedules."""

from functools import partial

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from support.tiny_runs import tiny_run
from wavspa.checks import OptionError
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.tasks import Classification
from wavspa.training.plateau import Plateau
from wavspa.training.schedules import linear, one_cycle, wsd


def test_linear_falls_in_a_straight_line_to_the_end():
    values = [linear(step, 110, 10, end=0.1) for step in (0, 5, 10, 60, 110, 111)]
    assert values == pytest.approx([0.0, 0.5, 1.0, 0.55, 0.1, 0.1])


def test_one_cycle_is_torchs():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    # torch counts the step of the peak as one of the rise.
    theirs = OneCycleLR(optimizer, 1.0, total_steps=101, pct_start=31 / 101, cycle_momentum=False)
    for step in range(101):
        rate = optimizer.param_groups[0]["lr"]
        assert one_cycle(step, 101, 30) == pytest.approx(rate, rel=1e-6), step
        optimizer.step()
        if step < 100:
            theirs.step()
    assert one_cycle(101, 101, 30) == one_cycle(100, 101, 30)


@pytest.mark.parametrize(
    ("shape", "half"), [("sqrt", 1 - 0.5**0.5), ("linear", 0.5), ("cosine", 0.5)]
)
def test_wsd_is_stable_until_it_decays(shape, half):
    factor = partial(wsd, total=100, warmup=10, decay=0.2, shape=shape)
    assert [factor(step) for step in (0, 5, 10, 50, 80)] == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert factor(90) == pytest.approx(half)
    assert factor(100) == pytest.approx(0.0)
    assert wsd(100, 100, 10, 20, shape, end=0.3) == pytest.approx(0.3)


def test_without_a_decay_wsd_stays():
    assert wsd(99, 100, 0, 0) == wsd(100, 100, 0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (partial(linear, end=-0.1, warmup=0), "^end must be from 0 to 1"),
        (partial(one_cycle, start=2), "^start must be from 0 to 1"),
        (partial(one_cycle, end=2), "^end must be from 0 to 1"),
        (partial(one_cycle, warmup=-1), "^warmup must be a whole number"),
        (partial(wsd, warmup=0, decay=1.5), "^decay must be a whole number"),
        (partial(wsd, warmup=50, decay=0.6), "^decay=0.6 and the warm-up of 50 steps are longer"),
        (partial(wsd, warmup=0, shape="round"), "^shape='round' is unknown"),
        (lambda *_: Plateau(factor=1.0), "^factor must be at least 0 and below 1"),
        (lambda *_: Plateau(lowest=-1), "^lowest must be"),
        (lambda *_: Plateau(patience=-1), "^patience must be a whole number of at least 0"),
        (lambda *_: Plateau(cooldown=0.5), "^cooldown must be a whole number of at least 0"),
        (lambda *_: Plateau(threshold=-1), "^threshold must be a number of at least 0"),
        (lambda *_: Plateau(warmup=1.5), "^warmup must be"),
    ],
)
def test_impossible_values_are_refused(schedule, message):
    with pytest.raises(OptionError, match=message):
        schedule(0, 100)


METRICS = [0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.2]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_is_torchs(mode):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = ReduceLROnPlateau(optimizer, mode, 0.5, 1, cooldown=1, min_lr=0.2)
    ours = Plateau(factor=0.5, patience=1, cooldown=1, lowest=0.2)
    ours.begin(mode)
    for value in METRICS:
        theirs.step(value)
        ours.see(value)
        assert ours(7, 100) == optimizer.param_groups[0]["lr"]
        # Its state is all there is to it.
        other = Plateau(factor=0.5, patience=1, cooldown=1, lowest=0.2)
        other.begin(mode)
        other.load_state_dict(ours.state_dict())
        ours = other
    assert ours(7, 100) < 1


@pytest.mark.parametrize(
    ("mode", "worse", "better"), [("max", -1.00005, -0.9), ("min", -0.99995, -1.1)]
)
def test_what_is_not_better_than_a_value_below_0_is_not_taken_for_it(mode, worse, better):
    plateau = Plateau(factor=0.5, patience=1)
    plateau.begin(mode)
    factors = []
    for value in (-1.0, -1.0, worse, better, better):
        plateau.see(value)
        factors.append(plateau(7, 100))
    assert factors == [1.0, 1.0, 0.5, 0.5, 0.5]
    assert plateau.state_dict()["best"] == better


def test_a_plateau_warms_up():
    assert [Plateau(warmup=0.1)(step, 100) for step in (0, 5, 10, 99)] == [0.0, 0.5, 1.0, 1.0]


@pytest.mark.slow
def test_a_plateau_lowers_the_rate_of_the_next_step(tmp_path, monkeypatch):
    rates, step = [], Classification.on_before_optimizer_step

    def note(self, optimizer):
        rates.append(optimizer.param_groups[0]["lr"])
        step(self, optimizer)

    monkeypatch.setattr(Classification, "on_before_optimizer_step", note)
    words = ["schedule=plateau", "schedule.warmup=0", "schedule.patience=0", "schedule.threshold=9"]
    folder = tiny_run(tmp_path, *words, "optimizer.lr=1e-3", "trainer.val_every=2")
    run(folder)
    # Nothing is better by so much than the first of the validations, after steps 2, 4 and 6.
    assert rates == pytest.approx([1e-3] * 4 + [1e-4] * 2)
    last = torch.load(layout.last_checkpoint(folder), weights_only=True)
    assert last["callbacks"]["LowerOnPlateau"]["factor"] == pytest.approx(0.01)


@pytest.mark.parametrize(("total", "told"), [(30, "this run has 2 before its last step"), (31, "")])
def test_a_plateau_that_a_run_does_not_reach_is_announced(capsys, total, told):
    # The third validation without improvement, after one that set the best value.
    Plateau(patience=1).check_patience(total, every=10)
    printed = capsys.readouterr().err
    assert told in printed
    assert bool(printed) == bool(told)
