"""Where an attention looks, without the N x N array of its weights."""

import torch
from torch import Tensor

from wavspa.attention.base import Attention


def attention_received(attention: Attention, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """The weight that each position receives, in the mean over the real queries of its row, [B, H, N].

    Weights are what a base multiplies the values by, whether it makes them (softmax, longformer) or
    not: those that linear, performer and linformer imply are counted alike, and linformer's may be
    negative. Dropout is left out. As the output is linear in the values, its gradient with respect to
    them is the sum of the weights: memory stays that of the base.

    Args:
        attention: Any base.
        x: What it attends to, [B, N, D].
        mask: Real positions [B, N] bool; None means all.
    """
    training = attention.training
    attention.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            q, k, v = attention.project(x.detach().clone())
            values = torch.zeros_like(v, requires_grad=True)
            y = attention.attend(q.detach(), k.detach(), values, mask)
            real = torch.ones(y.shape[0], y.shape[2], device=x.device, dtype=torch.bool)
            real = real if mask is None else mask
            weights = real.to(y.dtype) / real.sum(dim=1, keepdim=True)
            # One channel of the values stands for all: their weights are the same.
            total = (y[..., 0] * weights[:, None]).sum()
            (gradient,) = torch.autograd.grad(total, values)
    finally:
        attention.train(training)
    return gradient[..., 0]
