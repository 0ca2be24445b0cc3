"""Softmax attention: every position attends to every other."""

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from wavspa.attention.base import Attention, real_positions
from wavspa.attention.dropout import attend_with_dropout, runs_here
from wavspa.attention.flash import flash_attention, runs_flash
from wavspa.attention.options import AttentionOptions


class Softmax(Attention):
    """``softmax(q k^T / sqrt(K)) v`` (Vaswani et al. 2017); dropout on the probabilities.

    With ``rotary`` queries and keys are turned by their position (RoFormer, Su et al. 2021), so that
    scores depend on distances: a modern control for the other bases. Other arguments: see
    :class:`~wavspa.attention.base.Attention`.
    """

    def __init__(
        self, dim: int, heads: int, options: AttentionOptions = AttentionOptions()
    ) -> None:
        super().__init__(dim, heads, options)
        self.rotary = options.rotary
        if self.rotary and self.head_dim % 2:
            raise ValueError(f"rotary positions need an even head width, got {self.head_dim}")

    @override
    def attend(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None) -> Tensor:
        if self.rotary:
            q, k = rotate(q), rotate(k)
        dropout = self._probability_dropout
        if lengths is not None and runs_flash(q):
            return flash_attention(q, k, v, lengths, dropout)
        if dropout and runs_here(q, dropout):
            return attend_with_dropout(q, k, v, lengths, dropout)
        keys = None if lengths is None else real_positions(lengths, k.shape[2])[:, None, None]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=keys, dropout_p=dropout)


def rotate(x_BHNK: Tensor, base: float = 10_000.0) -> Tensor:
    """Turn each pair (x_i, x_{i+K/2}) at position n by the angle ``n * base^(-2i/K)``."""
    length, width = x_BHNK.shape[-2:]
    half = torch.arange(0, width, 2, device=x_BHNK.device, dtype=torch.float32)
    position = torch.arange(length, device=x_BHNK.device, dtype=torch.float32)
    angle_NK = position[:, None] * base ** (-half / width)
    cosine, sine = angle_NK.cos().to(x_BHNK.dtype), angle_NK.sin().to(x_BHNK.dtype)
    first, second = x_BHNK.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
