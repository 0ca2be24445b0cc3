"""Linformer: keys and values are projected along time to a fixed number of rows."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention.base import Attention, init_lecun, real_positions
from wavspa.attention.options import AttentionOptions
from wavspa.attention.rotary import rotate


class Linformer(Attention):
    """Softmax over ``rank`` learned mixtures of the keys (Wang et al. 2020), linear in N.

    One projection along time serves keys, values and all heads; a sequence of N uses its first N
    rows. Projections have biases; dropout on the output before the last projection, as in upstream.

    Args:
        dim: Model width D.
        heads: Number of heads H.
        options: ``max_len`` is the rows of the projection: the longest sequence (or band) that can
            come; ``rank`` the number of mixtures.
        bias: Whether the projections have biases.

    Raises:
        ValueError: No max_len; at call time, a sequence longer than ``max_len``.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        options: AttentionOptions,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(dim, heads, options, bias=bias)
        if options.max_len is None:
            raise ValueError("linformer needs max_len: its projections have that many rows")
        self.max_len = options.max_len
        self.along_time = nn.Parameter(torch.empty(self.max_len, options.rank))
        init_lecun(self.along_time, fan_in=self.max_len)
        for projection in (self.query, self.key, self.value, self.out):
            init_lecun(projection.weight, fan_in=projection.in_features)

    def set_projection(self, along_time: Tensor) -> None:
        """Replace the initial projection by one [max_len, rank] of another size."""
        self.along_time, self.max_len = nn.Parameter(along_time), len(along_time)

    @override
    def attend(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None) -> Tensor:
        length = k.shape[2]
        if length > self.max_len:
            raise ValueError(
                f"linformer was built for sequences (or bands) of at most {self.max_len}, "
                f"got {length}; raise max_len"
            )
        if self.rotary:
            q, k = rotate(q), rotate(k)
        mixture_RN = self.along_time[:length].t()
        if lengths is None:
            k, v = mixture_RN @ k, mixture_RN @ v
        else:
            k, v = self._mix_real(mixture_RN.to(k.dtype), k, v, lengths)
        y = F.scaled_dot_product_attention(q, k, v)
        return F.dropout(y, self.dropout, self.training)

    def _mix_real(
        self, mixture_RN: Tensor, k: Tensor, v: Tensor, lengths: Tensor
    ) -> Iterator[Tensor]:
        """Mixtures of the real keys and values; a row's own weights are fewer numbers than its keys."""
        real = real_positions(lengths, k.shape[2])[:, None]
        mixture_BRN = mixture_RN * real.to(mixture_RN.dtype)
        for x_BHNK in (k, v):
            # All heads at once, as they are contiguous.
            mixed_BRQ = mixture_BRN @ x_BHNK.transpose(1, 2).flatten(2)
            yield mixed_BRQ.unflatten(-1, (self.heads, -1)).transpose(1, 2)
