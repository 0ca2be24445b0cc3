"""The attention that each position receives, without the N x N array of weights."""

import torch
from torch import Tensor

from wavspa.attention.base import Attention, real_positions


def attention_received(attention: Attention, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """The weight that each position receives, in the mean over the real queries of its row, [B, H, N].

    Weights are what a base multiplies the values by, whether it makes them (softmax, longformer) or
    not: those that linear, performer and linformer imply count the same, and linformer's may be
    negative. Dropout is left out. As the output is linear in the values, its gradient with respect to
    them is the sum of the weights: memory stays that of the base.

    Args:
        attention: Any base.
        x: What it attends to, [B, N, D].
        lengths: Real positions of each row, int64 [B]; None means all N.
    """
    training = attention.training
    attention.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            q, k, v = attention.project(x.detach().clone())
            values = torch.zeros_like(v, requires_grad=True)
            y = attention.attend(q.detach(), k.detach(), values, lengths)
            if lengths is None:
                lengths = torch.full(x.shape[:1], x.shape[1], device=x.device)
            real = real_positions(lengths, x.shape[1])
            weights = real.to(y.dtype) / lengths[:, None]
            # One channel of the values is enough: all have the same weights.
            total = (y[..., 0] * weights[:, None]).sum()
            (gradient,) = torch.autograd.grad(total, values)
    finally:
        attention.train(training)
    return gradient[..., 0]
