"""Softmax attention: every position attends to every other."""

import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from wavspa.attention.base import Attention, real_positions
from wavspa.attention.dropout import attend_with_dropout, runs_here
from wavspa.attention.flash import flash_attention, runs_flash
from wavspa.attention.rotary import rotate


class Softmax(Attention):
    """``softmax(q k^T / sqrt(K)) v`` (Vaswani et al. 2017); dropout on the probabilities.

    With ``rotary`` queries and keys are rotated by their positions, so that scores depend on distances.
    Arguments: see :class:`~wavspa.attention.base.Attention`.
    """

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
