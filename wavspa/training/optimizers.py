"""Optimizers whose parameter groups know biases, norms and wavelet filters."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from wavspa.checks import OptionError, at_least, one_of

FILTER_NAMES = ("taps", "angles", "predict", "update")


def adamw(
    model: nn.Module,
    lr: float,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    decay: Literal["matrices", "all"] = "matrices",
    filter_lr: float | None = None,
) -> torch.optim.AdamW:
    """AdamW over the trainable parameters of ``model``.

    Args:
        model: The module to train.
        lr: Learning rate.
        betas: Decay rates of the two moments.
        eps: Added to the root of the second moment.
        weight_decay: Decoupled weight decay of the parameters that ``decay`` chooses.
        decay: ``matrices`` (two dimensions or more, except wavelet filters) or ``all``.
        filter_lr: Learning rate of the learned wavelet filters; None is ``lr``.

    Raises:
        ValueError: An option is out of range.
    """
    one_of("decay", decay, ("matrices", "all"))
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        at_least(name, value, 0)
    if filter_lr is not None:
        at_least("filter_lr", filter_lr, 0)
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise OptionError("betas", f" must be two numbers from 0 to below 1, got {list(betas)}")
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        filters = is_filter(name)
        rate = filter_lr if filters and filter_lr is not None else lr
        decays = decay == "all" or (parameter.ndim >= 2 and not filters)
        groups.setdefault((rate, weight_decay if decays else 0.0), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": p, "lr": rate, "weight_decay": d} for (rate, d), p in groups.items()],
        lr=lr,
        betas=(betas[0], betas[1]),
        eps=eps,
    )


def is_filter(name: str) -> bool:
    """Whether a parameter of this dotted name is a learned wavelet filter."""
    *modules, last = name.split(".")
    return last in FILTER_NAMES and "wavelet" in modules
