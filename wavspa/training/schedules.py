"""Learning rate schedules: factors of the step, counted from zero.

The factors are upstream's: the first step of a warm-up has learning rate zero. A warm-up is a number of
steps, or a share of the run.
"""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from wavspa.checks import OptionError, at_least
from wavspa.reporting import warn

Schedule = Callable[[int, int], float]
"""``(step, total steps) -> factor of the learning rate``."""


def constant(step: int, total: int, warmup: float = 0) -> float:
    """One, after a linear warm-up over ``warmup`` steps or that share of all steps."""
    return linear_warmup(step, warmup_steps(warmup, total))


def rsqrt(step: int, total: int, warmup: float, lr_is_peak: bool = True) -> float:
    """Linear warm-up, then ``1 / sqrt(step)``.

    Args:
        step: The step, from 0.
        total: Steps of the run.
        warmup: Steps of the warm-up, or its share of all steps.
        lr_is_peak: Scale by ``sqrt(warmup)``, so that the factor's peak is 1; without it the peak is
            ``1 / sqrt(warmup)``, as upstream.
    """
    warmup = warmup_steps(warmup, total)
    scale = math.sqrt(max(warmup, 1)) if lr_is_peak else 1.0
    return scale * linear_warmup(step, warmup) * rsqrt_decay(step, warmup)


def cosine(step: int, total: int, warmup: float, cycle: int | None = None) -> float:
    """Linear warm-up, then half a cosine from one to zero.

    Args:
        step: The step, from 0.
        total: Steps of the run.
        warmup: Steps of the warm-up, or its share of all steps.
        cycle: Steps from one restart to the next, as upstream; None is one cycle that ends with
            the run.

    Raises:
        ValueError: ``cycle`` is below 1.
    """
    warmup = warmup_steps(warmup, total)
    if cycle is None:
        # The last scheduler step, behind the last training step, must not start a second cycle.
        step, cycle = min(step, total - 1), max(total - warmup, 1)
    else:
        at_least("cycle", cycle, 1)
    return linear_warmup(step, warmup) * cosine_decay(step, warmup, cycle)


def warmup_steps(warmup: float, total: int) -> int:
    """The steps of a warm-up.

    Args:
        warmup: A whole number of steps; or a share of the run, which is rounded down.
        total: Steps of the run.

    Raises:
        OptionError: ``warmup`` is neither.
    """
    if isinstance(warmup, int) and not isinstance(warmup, bool) and warmup >= 0:
        return warmup
    if isinstance(warmup, float) and 0 <= warmup < 1:
        # A share such as 0.29 of 100 is a hair below the number meant.
        return math.floor(warmup * total + 1e-6)
    raise OptionError(
        "warmup",
        f" must be a whole number of steps of at least 0, or a share of the run below 1, got {warmup!r}",
    )


def check_warmup(warmup: float, total: int, overfits: bool = False) -> None:
    """Refuse a warm-up that leaves every step at a rate of zero; warn of one that outlasts the run.

    Args:
        warmup: A whole number of steps, or a share of the run.
        total: Steps of the run.
        overfits: The run trains on a few batches over and over: its rate need not fall, only reach its peak.

    Raises:
        OptionError: Nothing would be trained.
    """
    steps = warmup_steps(warmup, total)
    if steps < total:
        return
    if total == 1:
        raise OptionError(
            "warmup",
            f"={warmup} leaves the only step at a learning rate of 0: give 0, or a share such as 0.1",
        )
    if overfits and steps == total:
        return
    warn(
        f"schedule.warmup={warmup} is not shorter than the run of {total} steps, whose learning rate only "
        "rises: give a share of the run, such as schedule.warmup=0.1"
    )


def linear_warmup(step: int, warmup: int) -> float:
    """``min(1, step / warmup)``; one where there is no warm-up."""
    return min(1.0, step / warmup) if warmup else 1.0


def rsqrt_decay(step: int, warmup: int) -> float:
    """``1 / sqrt(max(step, warmup))``."""
    return 1.0 / math.sqrt(max(step, warmup, 1))


def cosine_decay(step: int, warmup: int, cycle: int) -> float:
    """Half a cosine from one to zero, again every ``cycle`` steps after ``warmup``."""
    return 0.5 * (1.0 + math.cos(math.pi * (max(0, step - warmup) / cycle % 1.0)))


def scheduler(optimizer: Optimizer, schedule: Schedule, total: int) -> LambdaLR:
    """A torch scheduler, stepped once a step, that multiplies the rates by ``schedule``."""
    return LambdaLR(optimizer, lambda step: schedule(step, total))
