"""Learning rate schedules: factors of the step, counted from zero.

The factors are upstream's: the first step of a warm-up has learning rate zero. A warm-up is a number of
steps, or a share of the run.
"""

import math
from collections.abc import Callable
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from wavspa.checks import OptionError, at_least, number, one_of
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
            ``1 / sqrt(warmup)``, as in upstream.
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
        cycle: Steps from one restart to the next, as in upstream; None is one cycle that ends with the
            run.

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


def linear(step: int, total: int, warmup: float, end: float = 0.0) -> float:
    """Linear warm-up, then a straight line from one to ``end`` at the end of the run.

    Args:
        step: The step, from 0.
        total: Steps of the run.
        warmup: Steps of the warm-up, or its share of all steps.
        end: The final rate, as a share of the highest.

    Raises:
        ValueError: ``end`` is not from 0 to 1.
    """
    warmup, end = warmup_steps(warmup, total), _from_0_to_1("end", end)
    left = 1.0 - progress(step, warmup, total)
    return linear_warmup(step, warmup) * (end + (1.0 - end) * left)


def one_cycle(
    step: int, total: int, warmup: float = 0.3, start: float = 0.04, end: float = 4e-6
) -> float:
    """Half a cosine up to one, then half a cosine down (Smith & Topin 2018).

    Args:
        step: The step, from 0.
        total: Steps of the run.
        warmup: Steps of the rise, or their share of all steps.
        start: The first step's rate, as a share of the highest.
        end: The last step's rate, as a share of the highest.

    Raises:
        ValueError: ``start`` or ``end`` is not from 0 to 1.
    """
    rise = warmup_steps(warmup, total)
    start, end = _from_0_to_1("start", start), _from_0_to_1("end", end)
    if step < rise:
        return _between(start, 1.0, step / rise)
    return _between(1.0, end, progress(step, rise, total - 1))


def wsd(
    step: int,
    total: int,
    warmup: float,
    decay: float = 0.2,
    shape: Literal["sqrt", "linear", "cosine"] = "sqrt",
    end: float = 0.0,
) -> float:
    """Linear warm-up, a stable part, and a decay at the end (warm-up–stable–decay).

    Args:
        step: The step, from 0.
        total: Steps of the run.
        warmup: Steps of the warm-up, or its share of all steps.
        decay: Steps of the decay, or its share of all steps.
        shape: Shape of the decay: ``sqrt`` (one less the root of what has passed; Hägele et al. 2024),
            ``linear`` or ``cosine``.
        end: The final rate, as a share of the highest.

    Raises:
        ValueError: An option is out of range, or warm-up and decay are longer than the run.
    """
    falling = steps_or_share("decay", decay, total)
    warmup, end = warmup_steps(warmup, total), _from_0_to_1("end", end)
    if warmup + falling > total:
        raise OptionError(
            "decay",
            f"={decay} and the warm-up of {warmup} steps are longer than the run of {total}: set shares, "
            "such as 0.2",
        )
    passed = progress(step, total - falling, total)
    fallen = _SHAPES[one_of("shape", shape, tuple(_SHAPES))](passed)
    return linear_warmup(step, warmup) * (1.0 - (1.0 - end) * fallen)


_SHAPES: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "linear": lambda passed: passed,
    "cosine": lambda passed: 0.5 * (1.0 - math.cos(math.pi * passed)),
}
"""The share of a decay that is done, by the share of its time that has passed."""


def warmup_steps(warmup: float, total: int) -> int:
    """The steps of a warm-up.

    Args:
        warmup: A whole number of steps; or a share of the run, which is rounded down.
        total: Steps of the run.

    Raises:
        OptionError: ``warmup`` is neither.
    """
    return steps_or_share("warmup", warmup, total)


def steps_or_share(option: str, value: float, total: int) -> int:
    """A number of steps.

    Args:
        option: The option's name.
        value: A whole number of steps; or a share of the run, which is rounded down.
        total: Steps of the run.

    Raises:
        OptionError: ``value`` is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, float) and 0 <= value < 1:
        # A share such as 0.29 of 100 is a hair below the number meant.
        return math.floor(value * total + 1e-6)
    raise OptionError(
        option,
        f" must be a whole number of steps of at least 0, or a share of the run below 1, got {value!r}",
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
            f"={warmup} leaves the only step at a learning rate of 0: set 0, or a share such as 0.1",
        )
    if overfits and steps == total:
        return
    warn(
        f"schedule.warmup={warmup} is not shorter than the run of {total} steps, whose learning rate only "
        "rises: set a share of the run, such as schedule.warmup=0.1"
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


def progress(step: int, start: int, end: int) -> float:
    """The progress of a step from one step to another, from 0 to 1."""
    return min(1.0, max(0, step - start) / max(end - start, 1))


def _between(start: float, end: float, passed: float) -> float:
    """Half a cosine from ``start`` to ``end``."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * passed))


def _from_0_to_1(option: str, value: float) -> float:
    if not 0 <= number(option, value) <= 1:
        raise OptionError(option, f" must be from 0 to 1, got {value!r}")
    return value


def scheduler(optimizer: Optimizer, schedule: Schedule, total: int) -> LambdaLR:
    """A torch scheduler, called once per step, that multiplies the rates by ``schedule``."""
    return LambdaLR(optimizer, lambda step: schedule(step, total))
