"""Optimizers that torch does not have, from pytorch-optimizer (the extra ``optimizers``)."""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from wavspa.checks import OptionError, number
from wavspa.errors import UserError
from wavspa.training.optimizers.groups import Decay, parameter_groups, two_betas


def lion(
    model: nn.Module,
    lr: float,
    betas: Sequence[float] = (0.9, 0.99),
    weight_decay: float = 0.1,
    decay: Decay = "matrices",
    filter_lr: float | None = None,
) -> Optimizer:
    """Lion (Chen et al. 2023): steps by the sign of a momentum.

    Its rates are a third to a tenth of AdamW's, and its decay larger by the same factor.

    Args:
        model: The module to train.
        lr: Learning rate.
        betas: Decay rates of the update's and of the kept momentum.
        weight_decay: Decoupled weight decay of the parameters that ``decay`` chooses.
        decay: ``matrices`` (two dimensions or more, except wavelet filters) or ``all``.
        filter_lr: Learning rate of the learned wavelet filters; None is ``lr``.

    Raises:
        ValueError: An option is out of range.
        UserError: Pytorch-optimizer is missing.
    """
    pair = two_betas(betas)
    groups = parameter_groups(model, lr, weight_decay, decay, filter_lr)
    return _build("Lion", "lion", groups, lr=lr, betas=pair)


def schedule_free(
    model: nn.Module,
    lr: float,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    decay: Decay = "matrices",
    filter_lr: float | None = None,
) -> Optimizer:
    """Schedule-free AdamW (Defazio et al. 2024): evaluates an average of the weights, and needs no decay.

    Args:
        model: The module to train.
        lr: Learning rate.
        betas: How close to the average gradients are taken, above 0; decay rate of the second moment.
        eps: Added to the root of the second moment.
        weight_decay: Weight decay of the parameters that ``decay`` chooses.
        decay: ``matrices`` (two dimensions or more, except wavelet filters) or ``all``.
        filter_lr: Learning rate of the learned wavelet filters; None is ``lr``.

    Raises:
        ValueError: An option is out of range.
        UserError: Pytorch-optimizer is missing.
    """
    number("eps", eps, 0)
    pair = two_betas(betas)
    if pair[0] == 0:
        raise OptionError("betas", f" must begin with a number above 0, got {betas!r}")
    groups = parameter_groups(model, lr, weight_decay, decay, filter_lr)
    return _build("ScheduleFreeAdamW", "schedule_free", groups, lr=lr, betas=pair, eps=eps)


def _build(name: str, choice: str, groups: list[dict[str, Any]], **options: Any) -> Optimizer:
    # An optional part, which takes half a second to load.
    try:
        import pytorch_optimizer
    except ModuleNotFoundError as error:
        raise UserError(
            f"optimizer={choice} needs {error.name}: pip install 'wavspa[optimizers]'"
        ) from error
    optimizer: Optimizer = getattr(pytorch_optimizer, name)(groups, **options)
    return optimizer
