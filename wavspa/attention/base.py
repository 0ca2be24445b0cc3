"""What the attention bases share: multi-head projections around a kernel of their own.

Shapes: B batch, N length, D model width, H heads, K head width, Q = H * K. ``mask [B, N]`` bool marks
real positions; False keys are never attended to. Outputs at False positions are not meaningful.
"""

import math

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Project to queries, keys and values, attend (subclasses), merge the heads, project back.

    Args:
        dim: model width D.
        heads: number of heads H.
        qkv_dim: width Q of queries, keys and values together; None means D.
        bias: whether the four projections have biases (zero at first).
        dropout: rate, applied where the base's docstring says.

    Raises:
        ValueError: H does not divide Q.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        qkv_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        width = dim if qkv_dim is None else qkv_dim
        if heads < 1 or width % heads:
            name = "dim" if qkv_dim is None else "qkv_dim"
            raise ValueError(f"{name} {width} is not divisible by heads {heads}")
        self.heads, self.head_dim, self.dropout = heads, width // heads, dropout
        self.query = nn.Linear(dim, width, bias=bias)
        self.key = nn.Linear(dim, width, bias=bias)
        self.value = nn.Linear(dim, width, bias=bias)
        self.out = nn.Linear(width, dim, bias=bias)
        for projection in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)
            if bias:
                nn.init.zeros_(projection.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend within ``x [B, N, D]`` -> [B, N, D]; ``mask [B, N]`` bool, None means all real."""
        y_BHNK = self.attend(*self.project(x), mask)
        y: Tensor = self.out(y_BHNK.transpose(1, 2).flatten(2))
        return y

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of ``x [B, N, D]``, [B, H, N, K] each."""
        q, k, v = (self._split(p(x)) for p in (self.query, self.key, self.value))
        return q, k, v

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """The base's own kernel on ``[B, H, N, K]`` each -> [B, H, N, K], linear in ``v``."""
        raise NotImplementedError

    def _split(self, x_BNQ: Tensor) -> Tensor:
        x_BNHK: Tensor = x_BNQ.unflatten(-1, (self.heads, self.head_dim))
        return x_BNHK.transpose(1, 2)

    @property
    def _probability_dropout(self) -> float:
        return self.dropout if self.training else 0.0


def init_lecun(weight: Tensor, fan_in: int) -> None:
    """Fill with a normal cut at two deviations whose variance is ``1 / fan_in`` (LeCun)."""
    # 0.8796… is the deviation of a standard normal cut at two.
    std = math.sqrt(1.0 / fan_in) / 0.87962566103423978
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def zero_masked(x_BHNK: Tensor, mask: Tensor | None) -> Tensor:
    """Set ``x [B, H, N, K]`` to zero where ``mask [B, N]`` is False."""
    return x_BHNK if mask is None else x_BHNK.masked_fill(~mask[:, None, :, None], 0)


def kernel_attention(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, mask: Tensor | None, epsilon: float = 0.0
) -> Tensor:
    """Attention whose weights are ``phi(q) . phi(k)``, in time linear in N.

    Args:
        phi_q: query features [B, H, N, F], not negative.
        phi_k: key features [B, H, N, F], not negative.
        v: values [B, H, N, K].
        mask: real positions [B, N] bool, or None.
        epsilon: added to the normaliser.

    Returns:
        [B, H, N, K].
    """
    phi_k = zero_masked(phi_k, mask)
    # Where values at masked positions are not finite, zero weight would not save the sum.
    context_BHFK = phi_k.transpose(-1, -2) @ zero_masked(v, mask)
    # The normaliser sums over all of N: in bfloat16 it would lose the small terms.
    total_BHF1 = phi_k.sum(dim=2, dtype=torch.float32 if v.dtype != torch.float64 else None)[
        ..., None
    ]
    normaliser_BHN1 = phi_q.to(total_BHF1.dtype) @ total_BHF1 + epsilon
    return (phi_q @ context_BHFK / normaliser_BHN1).to(v.dtype)
