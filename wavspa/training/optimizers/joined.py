"""Muon for the matrices of the blocks, and AdamW for everything else."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer
from typing_extensions import override

from wavspa.checks import OptionError, number, one_of, true_or_false
from wavspa.training.optimizers.builtin import adamw_of_groups
from wavspa.training.optimizers.groups import Decay, is_filter, parameter_groups, two_betas

_IN_A_BLOCK = re.compile(r"(^|\.)blocks\.\d+\.")
_PART = "part"


def muon(
    model: nn.Module,
    lr: float,
    matrix_lr: float | None = None,
    momentum: float = 0.95,
    nesterov: bool = True,
    scale: Literal["match_rms_adamw", "original"] = "match_rms_adamw",
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    decay: Decay = "matrices",
    filter_lr: float | None = None,
) -> Optimizer:
    """Muon over the matrices of the model's blocks, AdamW over its other trainable parameters.

    The others are the embedding, the head, vectors, and wavelet filters.

    Args:
        model: The module to train.
        lr: Learning rate.
        matrix_lr: Learning rate of the matrices; None is ``lr``.
        momentum: Momentum of the matrices' gradients.
        nesterov: Whether the momentum looks ahead.
        scale: Factor of a matrix's rate: ``match_rms_adamw`` makes its steps as large as those of AdamW,
            so that one rate fits both; ``original`` is that of Muon's author, for rates near 0.02.
        betas: Decay rates of AdamW's two moments.
        eps: Added to the root of AdamW's second moment.
        weight_decay: Decoupled weight decay of the parameters that ``decay`` chooses.
        decay: ``matrices`` (two dimensions or more, except wavelet filters) or ``all``.
        filter_lr: Learning rate of the learned wavelet filters; None is ``lr``.

    Raises:
        ValueError: An option is out of range.
    """
    number("eps", eps, 0)
    true_or_false("nesterov", nesterov)
    one_of("scale", scale, ("match_rms_adamw", "original"))
    if not 0 <= number("momentum", momentum) < 1:
        raise OptionError("momentum", f" must be at least 0 and below 1, got {momentum!r}")
    if matrix_lr is not None:
        number("matrix_lr", matrix_lr, 0)
    pair = two_betas(betas)
    matrices = {id(p) for name, p in model.named_parameters() if is_block_matrix(name, p)}
    groups = parameter_groups(model, lr, weight_decay, decay, filter_lr)
    of_muon = _only(groups, lambda p: id(p) in matrices)
    of_adamw = _only(groups, lambda p: id(p) not in matrices)
    parts: dict[str, Optimizer] = {}
    if of_muon:
        if matrix_lr is not None:
            of_muon = [{**group, "lr": matrix_lr} for group in of_muon]
        parts["muon"] = torch.optim.Muon(
            of_muon, lr=lr, momentum=momentum, nesterov=nesterov, adjust_lr_fn=scale
        )
    if of_adamw:
        parts["adamw"] = adamw_of_groups(of_adamw, lr, pair, eps)
    return Joined(parts)


class Joined(Optimizer):
    """Several optimizers as one: each steps the parameter groups that are its own.

    Args:
        parts: The optimizers by name; a group's ``part`` names one.
    """

    def __init__(self, parts: dict[str, Optimizer]) -> None:
        groups = [
            {**group, _PART: name}
            for name, optimizer in parts.items()
            for group in optimizer.param_groups
        ]
        super().__init__(groups, {})
        self._parts = parts

    @override
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for name, optimizer in self._parts.items():
            # Loading a state, and a decay of rates by layers, put other groups in place of the first.
            optimizer.param_groups = [g for g in self.param_groups if g[_PART] == name]
            optimizer.state = self.state
            optimizer.step()
        return loss


def is_block_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter of this dotted name is a matrix of a block, but not a wavelet filter."""
    return bool(_IN_A_BLOCK.search(name)) and parameter.ndim == 2 and not is_filter(name)


def _only(
    groups: Sequence[dict[str, Any]], belongs: Callable[[nn.Parameter], bool]
) -> list[dict[str, Any]]:
    """The groups with the parameters that belong; those that are left without any are left out."""
    chosen = [{**group, "params": [p for p in group["params"] if belongs(p)]} for group in groups]
    return [group for group in chosen if group["params"]]
