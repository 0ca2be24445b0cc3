"""Optimizers whose parameter groups know biases, norms and wavelet filters."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer

from wavspa.checks import OptionError, number, one_of
from wavspa.config_options import did_you_mean

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
    """AdamW over the trainable parameters of ``model``; on CUDA one kernel a group of them (fused).

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
    if len(betas) != 2 or not all(0 <= number("betas", beta) < 1 for beta in betas):
        raise OptionError("betas", f" must be two numbers of at least 0 and below 1, got {betas!r}")
    groups = parameter_groups(model, lr, weight_decay, decay, filter_lr)
    on_cuda = all(parameter.is_cuda for group in groups for parameter in group["params"])
    optimizer = torch.optim.AdamW(
        groups, lr=lr, betas=(betas[0], betas[1]), eps=eps, fused=on_cuda or None
    )
    if on_cuda:
        # Else Lightning leaves unscaling to it, and refuses to clip gradients in half types.
        optimizer._step_supports_amp_scaling = False
    return optimizer


def of_torch(
    model: nn.Module,
    kind: str,
    lr: float,
    weight_decay: float = 0.0,
    decay: Literal["matrices", "all"] = "matrices",
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
        # Muon takes matrices alone.
        and name != "Muon"
    ]


KINDS = _kinds()


def parameter_groups(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    decay: Literal["matrices", "all"],
    filter_lr: float | None,
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
