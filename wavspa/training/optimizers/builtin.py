"""The optimizers of torch."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from wavspa.checks import OptionError, number, one_of
from wavspa.config_options import did_you_mean
from wavspa.training.optimizers.groups import Decay, parameter_groups, two_betas


def adamw(
    model: nn.Module,
    lr: float,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    decay: Decay = "matrices",
    filter_lr: float | None = None,
) -> torch.optim.AdamW:
    """AdamW over the trainable parameters of ``model``; on CUDA one kernel per group (fused).

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
    number("eps", eps, 0)
    groups = parameter_groups(model, lr, weight_decay, decay, filter_lr)
    return adamw_of_groups(groups, lr, two_betas(betas), eps)


def adamw_of_groups(
    groups: Sequence[dict[str, Any]], lr: float, betas: tuple[float, float], eps: float
) -> torch.optim.AdamW:
    """AdamW over parameter groups; on CUDA one kernel per group (fused).

    Args:
        groups: The groups.
        lr: Learning rate of those that have none.
        betas: Decay rates of the two moments.
        eps: Added to the root of the second moment.
    """
    on_cuda = all(parameter.is_cuda for group in groups for parameter in group["params"])
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps, fused=on_cuda or None)
    if on_cuda:
        # Else Lightning leaves unscaling to it, and refuses to clip gradients in half types.
        optimizer._step_supports_amp_scaling = False
    return optimizer


def of_torch(
    model: nn.Module,
    kind: str,
    lr: float,
    weight_decay: float = 0.0,
    decay: Decay = "matrices",
    filter_lr: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Optimizer:
    """An optimizer of ``torch.optim`` over the trainable parameters of ``model``.

    Args:
        model: The module to train.
        kind: Name of the class, such as ``SGD``.
        lr: Learning rate.
        weight_decay: Weight decay of the parameters that ``decay`` chooses.
        decay: ``matrices`` (two dimensions or more, except wavelet filters) or ``all``.
        filter_lr: Learning rate of the learned wavelet filters; None is ``lr``.
        options: Further arguments of the class.

    Raises:
        ValueError: An option is unknown or out of range.
    """
    found = getattr(torch.optim, one_of("kind", kind, KINDS))
    legal = set(inspect.signature(found).parameters) - {"params", "lr", "weight_decay"}
    for name in options or {}:
        if name not in legal:
            hint = did_you_mean(name, legal, "optimizer.options.")
            raise OptionError("options", f".{name} is not an option of torch.optim.{kind}{hint}")
    groups = parameter_groups(model, lr, weight_decay, decay, filter_lr)
    optimizer: Optimizer = found(groups, lr=lr, **(options or {}))
    return optimizer


def _kinds() -> list[str]:
    """Classes of ``torch.optim`` that train any model, from the gradients of a step alone."""
    return [
        name
        for name, found in vars(torch.optim).items()
        if isinstance(found, type)
        and issubclass(found, Optimizer)
        and found is not Optimizer
        and {"lr", "weight_decay"} <= inspect.signature(found).parameters.keys()
        # Muon takes matrices alone: optimizer=muon leaves the others to AdamW.
        and name != "Muon"
    ]


KINDS = _kinds()
