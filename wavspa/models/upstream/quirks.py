"""Upstream's departures from its own intent, and its baseline encoder's block.

The channel flip is ``mirror_low`` of :func:`wavspa.wavelets.operators.analyse_level`.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention import Attention, Longformer
from wavspa.attention.longformer import attend_in_window
from wavspa.models.block import LAYER_NORM_EPS, Mlp
from wavspa.wavelets.lifting import lifting_rec
from wavspa.wavelets.modes import LiftFixed
from wavspa.wavelets.primitives import zero_pads
from wavspa.wavelets.transforms import Bands, Lifting, Transform


class MisalignedLift(LiftFixed):
    """The mode of :class:`MisalignedLifting`."""

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        return MisalignedLifting(None, None, self.level)


class MisalignedLifting(Lifting):
    """The fixed lifting, whose inverse is wrong if a half signal has an odd length.

    If the approximation is longer than the detail, upstream appends a zero to the detail
    instead of dropping the approximation's last sample.
    """

    @override
    def synthesise(self, bands: Bands, dtype: torch.dtype | None = None) -> Tensor:
        smooth = bands.coefficients[0]
        for detail in bands.coefficients[1:]:
            detail = F.pad(detail, (0, 0, 0, smooth.shape[1] - detail.shape[1]))
            smooth = lifting_rec([smooth, detail], None, None)
        return zero_pads(smooth[:, : bands.length], bands.rows[0]).to(dtype or smooth.dtype)


class BaselineBlock(nn.Module):
    """Upstream's plain encoder block: pre-norm attention and MLP, the stream not zeroed at pads.

    Args:
        attention: The base.
        dim: Model width D.
        mlp_dim: Hidden width of the MLP.
        dropout: Rate.
        ported: It is one of the baselines that upstream itself cannot run; only names depend on this.
        masked: Mask queries and keys at pads. In upstream the scores of a masked query all have the same
            lowest value, so that it attends uniformly to every position, pads included.
    """

    def __init__(
        self,
        attention: Attention,
        dim: int,
        mlp_dim: int,
        dropout: float,
        ported: bool,
        masked: bool,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attention = attention
        self.branch_dropout = nn.Dropout(dropout)
        self.before_mlp = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(dim, mlp_dim, dropout)
        self.ported, self.masked = ported, masked

    def forward(self, x: Tensor, lengths: Tensor | None, mask: Tensor) -> Tensor:
        """Transform ``x [B, N, D]`` -> [B, N, D]; ``mask [B, N]`` bool; ``lengths`` is not used."""
        z = self.norm(x)
        y: Tensor = self._masked(z, mask) if self.masked else self.attention(z)
        x = x + self.branch_dropout(y)
        branch: Tensor = self.mlp(self.before_mlp(x))
        return x + branch

    def _masked(self, z: Tensor, mask: Tensor) -> Tensor:
        # In a row that has only pads the softmax would have no keys; its result is replaced anyway.
        keys = mask | ~mask.any(dim=1, keepdim=True)
        uniform = self.attention.out(self.attention.value(z).mean(dim=1, keepdim=True))
        return torch.where(mask[..., None], self._attend(z, keys), uniform)

    def _attend(self, z: Tensor, keys: Tensor) -> Tensor:
        """Attention to any ``keys``, bool [B, N], not only the first ones of a row."""
        q, k, v = self.attention.project(z)
        dropout = self.attention.dropout if self.training else 0.0
        if isinstance(self.attention, Longformer):
            y = attend_in_window(q, k, v, keys, self.attention.window, dropout)
        else:
            keys = keys[:, None, None]
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=keys, dropout_p=dropout)
        return self.attention.merge(y)
