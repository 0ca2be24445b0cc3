"""The parameter groups of an optimizer: learning rates and decays by what a parameter is."""

from collections.abc import Sequence
from typing import Any, Literal

from torch import nn

from wavspa.checks import OptionError, number, one_of

FILTER_NAMES = ("taps", "angles", "predict", "update")

Decay = Literal["matrices", "all"]


def parameter_groups(
    model: nn.Module, lr: float, weight_decay: float, decay: Decay, filter_lr: float | None
) -> list[dict[str, Any]]:
    """The trainable parameters of ``model``, by learning rate and decay.

    Args:
        model: The module to train.
        lr: Learning rate.
        weight_decay: Decay of the parameters that ``decay`` chooses.
        decay: ``matrices`` (two dimensions or more, except wavelet filters) or ``all``.
        filter_lr: Learning rate of the learned wavelet filters; None is ``lr``.

    Raises:
        ValueError: An option is out of range.
    """
    one_of("decay", decay, ("matrices", "all"))
    number("lr", lr, 0)
    number("weight_decay", weight_decay, 0)
    if filter_lr is not None:
        number("filter_lr", filter_lr, 0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        filters = is_filter(name)
        rate = filter_lr if filters and filter_lr is not None else lr
        decays = decay == "all" or (parameter.ndim >= 2 and not filters)
        groups.setdefault((rate, weight_decay if decays else 0.0), []).append(parameter)
    return [{"params": p, "lr": rate, "weight_decay": d} for (rate, d), p in groups.items()]


def is_filter(name: str) -> bool:
    """Whether a parameter of this dotted name is a learned wavelet filter."""
    *modules, last = name.split(".")
    return last in FILTER_NAMES and "wavelet" in modules


def two_betas(betas: Sequence[float]) -> tuple[float, float]:
    """The decay rates of two moments.

    Raises:
        OptionError: They are not two, or not of at least 0 and below 1.
    """
    if len(betas) != 2 or not all(0 <= number("betas", beta) < 1 for beta in betas):
        raise OptionError("betas", f" must be two numbers of at least 0 and below 1, got {betas!r}")
    return betas[0], betas[1]
