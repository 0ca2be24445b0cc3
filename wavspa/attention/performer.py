"""Performer: kernel attention with relu features, or positive orthogonal random features."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention.base import Attention, kernel_attention, real_factors
from wavspa.attention.options import AttentionOptions
from wavspa.attention.rotary import check_width

LAYER_NORM_EPS = 1e-6


class Performer(Attention):
    """Attention with weights ``phi(q) . phi(k)`` (Choromanski et al. 2021), linear in N, no dropout.

    ``features="relu"`` is upstream's ``phi(x) = relu(x) + 1e-3``. ``"favor"`` approximates
    softmax attention by ``random_features`` positive orthogonal random features (FAVOR+), drawn once
    and kept in the checkpoint.

    Args:
        dim: Model width D.
        heads: Number of heads H.
        options: ``features`` is ``relu`` or ``favor``; ``random_features`` the number of features of
            ``favor``, None means ``K ceil(ln K)``, at least K.
        norm: LayerNorm queries, keys and values over the head width, as in upstream.

    Raises:
        ValueError: Unknown features, or fewer than one random feature, or an odd number with rotary
            positions.
    """

    projection: Tensor

    def __init__(
        self,
        dim: int,
        heads: int,
        options: AttentionOptions = AttentionOptions(),
        *,
        norm: bool = True,
    ) -> None:
        super().__init__(dim, heads, options)
        self.features, count = options.features, options.random_features
        width = self.head_dim
        self.norms = nn.ModuleList(
            nn.LayerNorm(width, eps=LAYER_NORM_EPS) if norm else nn.Identity() for _ in range(3)
        )
        if self.features == "favor":
            if count is None:
                count = width * max(1, math.ceil(math.log(width)))
            if self.rotary:
                check_width("random_features", count)
            self.register_buffer("projection", orthogonal_features(count, width))

    @override
    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (norm(y) for norm, y in zip(self.norms, super().project(x), strict=True))
        return q, k, v

    @override
    def attend(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None) -> Tensor:
        if self.features == "favor":
            phi_q, phi_k = self._positive(q), self._positive(k, lengths, keys=True)
            # The features are at least float32, and a product takes one type.
            wide = v.to(phi_k.dtype)
            return kernel_attention(phi_q, phi_k, wide, rotary=self.rotary).to(v.dtype)
        phi_k = F.relu(k) + 1e-3
        if lengths is not None:
            phi_k = phi_k * real_factors(lengths, phi_k)
        return kernel_attention(F.relu(q) + 1e-3, phi_k, v, rotary=self.rotary)

    def _positive(self, x: Tensor, lengths: Tensor | None = None, keys: bool = False) -> Tensor:
        """FAVOR+ features [B, H, N, F] of queries or keys [B, H, N, K], at least float32, zero at pads."""
        x = x.float() if x.dtype != torch.float64 else x
        x = x * x.shape[-1] ** -0.25
        exponent = x @ self.projection.to(x.dtype).t() - x.square().sum(-1, keepdim=True) / 2
        real = None if lengths is None else real_factors(lengths, exponent)
        if real is not None:
            exponent = exponent + real.log()  # no pad is the largest, and all become zero
        # The largest exponent cancels in the quotient; keys share one, each query has its own.
        largest = exponent.amax(dim=(-1, -2) if keys else -1, keepdim=True).detach()
        features = torch.exp((exponent - largest).clamp(max=0))
        return features + 1e-6 if real is None else torch.add(features, real, alpha=1e-6)


def orthogonal_features(count: int, width: int) -> Tensor:
    """Random directions [count, width], orthogonal in blocks of ``width``, with chi lengths."""
    dtype = torch.get_default_dtype()
    # torch cannot make orthogonal matrices of a half type.
    wide = torch.promote_types(dtype, torch.float32)
    blocks = []
    for _ in range(-(-count // width)):
        blocks.append(nn.init.orthogonal_(torch.empty(width, width, dtype=wide)))
    lengths: Tensor = torch.randn(count, width, dtype=wide).norm(dim=1, keepdim=True)
    return (torch.cat(blocks)[:count] * lengths).to(dtype)
