"""Learning rate schedules: factors of the step, counted from zero.

The factors are upstream's: the first step of a warm-up has learning rate zero.
"""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from wavspa.checks import at_least

Schedule = Callable[[int, int], float]
"""``(step, total steps) -> factor of the learning rate``."""


def constant(step: int, total: int, warmup: int = 0) -> float:
    """One, after a linear warm-up over ``warmup`` steps."""
    return linear_warmup(step, warmup)


def rsqrt(step: int, total: int, warmup: int, lr_is_peak: bool = True) -> float:
    """Linear warm-up, then ``1 / sqrt(step)``.

    Args:
        step: The step, from 0.
        total: Steps of the run (not used).
        warmup: Steps of the warm-up.
        lr_is_peak: Scale by ``sqrt(warmup)``, so that the factor's peak is 1; without it the peak is
            ``1 / sqrt(warmup)``, as upstream.
    """
    scale = math.sqrt(max(warmup, 1)) if lr_is_peak else 1.0
    return scale * linear_warmup(step, warmup) * rsqrt_decay(step, warmup)


def cosine(step: int, total: int, warmup: int, cycle: int | None = None) -> float:
    """Linear warm-up, then half a cosine from one to zero.

    Args:
        step: The step, from 0.
        total: Steps of the run.
        warmup: Steps of the warm-up.
        cycle: Steps from one restart to the next, as upstream; None is one cycle that ends with
            the run.

    Raises:
        ValueError: ``cycle`` is below 1.
    """
    if cycle is None:
        # The last scheduler step, behind the last training step, must not start a second cycle.
        step, cycle = min(step, total - 1), max(total - warmup, 1)
    else:
        at_least("cycle", cycle, 1)
    return linear_warmup(step, warmup) * cosine_decay(step, warmup, cycle)


def linear_warmup(step: int, warmup: int) -> float:
    """``min(1, step / warmup)``; one where there is no warm-up."""
    at_least("warmup", warmup, 0)
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
