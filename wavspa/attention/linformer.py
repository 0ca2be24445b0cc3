"""Linformer: keys and values are projected along time to a fixed number of rows."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention.base import Attention, init_lecun, zero_masked


class Linformer(Attention):
    """Softmax over ``rank`` learned mixtures of the keys (Wang et al. 2020), linear in N.

    One projection along time serves keys, values and all heads; a sequence of N uses its first N
    rows. Projections have biases; dropout on the output before the last projection, as the original.

    Args:
        dim: model width D.
        heads: number of heads H.
        max_len: rows of the projection: the longest sequence (or band) that can come.
        qkv_dim: width of queries, keys and values; None means D.
        rank: number of mixtures.
        bias: whether the projections have biases.
        dropout: rate.

    Raises:
        ValueError: max_len or rank < 1; at call time, a sequence longer than ``max_len``.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        max_len: int,
        qkv_dim: int | None = None,
        rank: int = 128,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(dim, heads, qkv_dim, bias=bias, dropout=dropout)
        if rank < 1 or max_len < 1:
            raise ValueError(f"linformer needs rank and max_len >= 1, not {rank} and {max_len}")
        self.max_len = max_len
        self.along_time = nn.Parameter(torch.empty(max_len, rank))
        init_lecun(self.along_time, fan_in=max_len)
        for projection in (self.query, self.key, self.value, self.out):
            init_lecun(projection.weight, fan_in=projection.in_features)

    def set_projection(self, along_time: Tensor) -> None:
        """Put a projection [max_len, rank] of another size in the place of the initial one."""
        self.along_time, self.max_len = nn.Parameter(along_time), len(along_time)

    @override
    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        length = k.shape[2]
        if length > self.max_len:
            raise ValueError(
                f"linformer was built for sequences (or bands) of at most {self.max_len}, "
                f"not {length}; raise max_len"
            )
        mixture_RN = self.along_time[:length].t()
        k, v = mixture_RN @ zero_masked(k, mask), mixture_RN @ zero_masked(v, mask)
        y = F.scaled_dot_product_attention(q, k, v)
        return F.dropout(y, self.dropout, self.training)
