import math

import pytest
import torch

from wavspa.checks import OptionError
from wavspa.training import schedules

STEPS = [0, 1, 7, 99, 100, 101, 250, 999]


def original(step: int, factors: str, warmup: int, cycle: int) -> float:
    """The original's product of factors, as its description gives it."""
    factor = 1.0
    if "warmup" in factors:
        factor *= min(1.0, step / warmup)
    if "rsqrt" in factors:
        factor /= math.sqrt(max(step, warmup))
    if "cosine" in factors:
        progress = max(0.0, (step - warmup) / cycle)
        factor *= max(0.0, 0.5 * (1.0 + math.cos(math.pi * (progress % 1.0))))
    return factor


@pytest.mark.parametrize("step", STEPS)
def test_factors_are_the_originals(step):
    assert schedules.constant(step, 1000, 100) == original(step, "warmup", 100, 1)
    rsqrt = schedules.rsqrt(step, 1000, 100, lr_is_peak=False)
    assert rsqrt == pytest.approx(original(step, "warmup rsqrt", 100, 1), rel=1e-12)
    cosine = schedules.cosine(step, 1000, 100, cycle=150)
    assert cosine == pytest.approx(original(step, "warmup cosine", 100, 150), abs=1e-12)


def test_a_warmup_begins_at_zero():
    for factor in (schedules.constant, schedules.rsqrt, schedules.cosine):
        assert factor(0, 1000, 100) == 0.0
        assert factor(100, 1000, 100) == pytest.approx(1.0)


def test_without_warmup_nothing_is_divided_by_zero():
    assert schedules.constant(0, 10, 0) == 1.0
    assert schedules.rsqrt(0, 10, 0) == 1.0
    assert schedules.cosine(0, 10, 0) == 1.0


def test_one_cosine_cycle_falls_to_the_end_of_the_run():
    values = [schedules.cosine(step, 500, 100) for step in range(100, 501)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 1e-4


def test_cosine_restarts():
    assert schedules.cosine(249, 1000, 100, cycle=150) < 1e-3
    assert schedules.cosine(250, 1000, 100, cycle=150) == 1.0


@pytest.mark.parametrize("warmup", [-1, 1.5, 1.0, -0.1, True, math.nan, "10", None])
@pytest.mark.parametrize("schedule", [schedules.constant, schedules.rsqrt, schedules.cosine])
def test_an_impossible_warmup_is_refused(schedule, warmup):
    with pytest.raises(OptionError, match=r"^warmup must be a whole number .*, got "):
        schedule(0, 100, warmup)


def test_an_impossible_cycle_is_refused():
    with pytest.raises(OptionError, match=r"^cycle must be at least 1, got 0"):
        schedules.cosine(0, 9, 1, 0)


@pytest.mark.parametrize(
    ("share", "total", "steps"),
    [(0.1, 2000, 200), (0.29, 100, 29), (0.1, 5, 0), (0.9, 1, 0), (0.0, 9, 0), (0.5, 7, 3)],
)
def test_a_warmup_may_be_a_share_of_the_run(share, total, steps):
    assert schedules.warmup_steps(share, total) == steps
    for schedule in (schedules.constant, schedules.rsqrt, schedules.cosine):
        for step in range(min(total, 40)):
            assert schedule(step, total, share) == schedule(step, total, steps)


def test_a_warmup_that_the_run_does_not_get_through_is_announced(capsys):
    schedules.check_warmup(99, 100)
    schedules.check_warmup(0.99, 100)
    assert capsys.readouterr().err == ""
    schedules.check_warmup(100, 100)
    assert "schedule.warmup=100 is not shorter than the run of 100 steps" in capsys.readouterr().err


def test_one_step_is_not_trained_at_rate_zero():
    with pytest.raises(
        OptionError, match=r"^warmup=100 leaves the only step at a learning rate of 0"
    ):
        schedules.check_warmup(100, 1)
    schedules.check_warmup(0.9, 1)
    assert schedules.cosine(0, 1, 0.9) == 1


def test_the_scheduler_multiplies_every_groups_rate():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD(
        [{"params": [weights[0]], "lr": 1.0}, {"params": [weights[1]], "lr": 0.1}]
    )
    scheduler = schedules.scheduler(optimizer, lambda step, total: step / total, total=4)
    rates = []
    for _ in range(4):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    assert rates == [[0.0, 0.0], [0.25, 0.025], [0.5, 0.05], [0.75, pytest.approx(0.075)]]
