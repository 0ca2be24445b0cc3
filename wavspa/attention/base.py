"""The common part of the attention bases: multi-head projections around the base's own kernel.

Shapes: B batch, N length, D model width, H heads, K head width, Q = H * K. ``lengths``, int64 [B], each in
1..N, counts the real positions of each row, which are its first; None means all N. Keys beyond are never
attended to, but must be finite, as the transforms' zeros are; outputs beyond are not meaningful.
"""

import contextlib
import math

import torch
from torch import Tensor, nn

from wavspa.attention.options import AttentionOptions
from wavspa.attention.rotary import check_width, rotate


class Attention(nn.Module):
    """Base class: project to queries, keys and values, attend (in subclasses), merge heads, project back.

    Args:
        dim: Model width D.
        heads: Number of heads H.
        options: Width of queries, keys and values, dropout, and each base's own.
        bias: Whether the four projections have biases (initially zero).

    Raises:
        ValueError: H does not divide Q, or the head width is odd with rotary positions.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        options: AttentionOptions = AttentionOptions(),
        *,
        bias: bool = False,
    ) -> None:
        super().__init__()
        width = dim if options.qkv_dim is None else options.qkv_dim
        if heads < 1:
            raise ValueError(f"heads must be at least 1, got {heads}")
        if width < 1 or width % heads:
            name = "dim" if options.qkv_dim is None else "qkv_dim"
            raise ValueError(f"{name} must be a multiple of heads={heads}, got {width}")
        self.heads, self.head_dim, self.dropout = heads, width // heads, options.dropout
        self.rotary = options.rotary
        if self.rotary:
            check_width("the head width", self.head_dim)
        self.query = nn.Linear(dim, width, bias=bias)
        self.key = nn.Linear(dim, width, bias=bias)
        self.value = nn.Linear(dim, width, bias=bias)
        self.out = nn.Linear(width, dim, bias=bias)
        for projection in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)
            if bias:
                nn.init.zeros_(projection.bias)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Attend within the rows of ``x [B, N, D]`` -> [B, N, D]; ``lengths`` int64 [B] or None."""
        return self.merge(self.attend(*self.project(x), lengths))

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of ``x [B, N, D]``, [B, H, N, K] each."""
        q, k, v = (self._split(p(x)) for p in (self.query, self.key, self.value))
        return q, k, v

    def attend(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None) -> Tensor:
        """The base's own kernel on ``[B, H, N, K]`` each -> [B, H, N, K], linear in ``v``."""
        raise NotImplementedError

    def merge(self, y_BHNK: Tensor) -> Tensor:
        """Merge the heads ``[B, H, N, K]`` and project them back, [B, N, D]."""
        y: Tensor = self.out(y_BHNK.transpose(1, 2).flatten(2))
        return y

    def _split(self, x_BNQ: Tensor) -> Tensor:
        x_BNHK: Tensor = x_BNQ.unflatten(-1, (self.heads, self.head_dim))
        return x_BNHK.transpose(1, 2)

    @property
    def _probability_dropout(self) -> float:
        return self.dropout if self.training else 0.0


def init_lecun(weight: Tensor, fan_in: int) -> None:
    """Fill with a normal of variance ``1 / fan_in``, truncated at two deviations (LeCun)."""
    # 0.8796… is the deviation of a standard normal cut at two.
    std = math.sqrt(1.0 / fan_in) / 0.87962566103423978
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def real_positions(lengths: Tensor, length: int) -> Tensor:
    """A mask of each row's real positions, bool [B, N]."""
    return torch.arange(length, device=lengths.device) < lengths[:, None]


def without_autocast(x: Tensor) -> contextlib.AbstractContextManager[None]:
    """A context in which matmuls on CUDA keep the type of their inputs, entered only where it matters."""
    if x.is_cuda and torch.is_autocast_enabled("cuda"):
        return torch.autocast("cuda", enabled=False)
    return contextlib.nullcontext()


def real_factors(lengths: Tensor, like_BHNK: Tensor) -> Tensor:
    """1 at a row's own positions and 0 beyond, [B, 1, N, 1]: small, so that a pass over N takes it along."""
    real = real_positions(lengths, like_BHNK.shape[2])
    return real[:, None, :, None].to(like_BHNK.dtype)


def kernel_attention(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, epsilon: float = 0.0, rotary: bool = False
) -> Tensor:
    """Attention whose weights are ``phi(q) . phi(k)``, in time linear in N.

    With rotary positions the features are rotated, and the normaliser is that of the unrotated features
    (RoFormer, equation 19), since rotated ones may be negative.

    Args:
        phi_q: Query features [B, H, N, F], not negative.
        phi_k: Key features [B, H, N, F], not negative, zero at pads.
        v: Values [B, H, N, K].
        epsilon: Added to the normaliser.
        rotary: Rotate the features by their positions.

    Returns:
        [B, H, N, K].
    """
    if v.dtype == torch.float16:
        with torch.autocast(v.device.type, enabled=False):  # sums over N leave the range of float16
            full = kernel_attention(phi_q.float(), phi_k.float(), v.float(), epsilon, rotary)
        return full.to(v.dtype)
    turned_k = rotate(phi_k) if rotary else phi_k
    context_BHFK = turned_k.transpose(-1, -2) @ v
    # The normaliser sums over all of N: in bfloat16 it would lose the small terms.
    total_BHF1 = phi_k.sum(dim=2, dtype=torch.float32 if v.dtype != torch.float64 else None)[
        ..., None
    ]
    with without_autocast(v):
        normaliser_BHN1 = phi_q.to(total_BHF1.dtype) @ total_BHF1 + epsilon
    turned_q = rotate(phi_q) if rotary else phi_q
    return (turned_q @ context_BHFK / normaliser_BHN1).to(v.dtype)
