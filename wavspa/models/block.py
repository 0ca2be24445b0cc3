"""One encoder block: attention and an MLP, each with a residual."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYER_NORM_EPS = 1e-6


class Mlp(nn.Sequential):
    """Dense(mlp_dim), GELU (tanh), dropout, Dense(dim), dropout."""

    def __init__(self, dim: int, mlp_dim: int, dropout: float) -> None:
        widen, narrow = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        for dense in (widen, narrow):
            nn.init.xavier_uniform_(dense.weight)
            nn.init.normal_(dense.bias, std=1e-6)
        gelu = nn.GELU(approximate="tanh")
        super().__init__(widen, gelu, nn.Dropout(dropout), narrow, nn.Dropout(dropout))


class Block(nn.Module):
    """Pre-norm residual block.

    Args:
        dim: Model width D.
        mlp_dim: Hidden width of the MLP.
        attention: Called with ``x [B, N, D]`` and lengths [B]: a
            :class:`~wavspa.models.wavelet_attention.WavSpAttention`.
        dropout: Rate on both branches.
        norm_mlp: LayerNorm before the MLP. False is upstream's WavSpA block, which has dropout
            there instead, and none on the attention branch.
        drop_path: Rate at which a training step skips a branch, row by row (stochastic depth).
        layer_scale: Initial value of a learned factor for each channel of each branch; None: no factors.
    """

    attention_scale: Tensor | None
    mlp_scale: Tensor | None

    def __init__(
        self,
        dim: int,
        mlp_dim: int,
        attention: nn.Module,
        dropout: float = 0.0,
        norm_mlp: bool = True,
        drop_path: float = 0.0,
        layer_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.drop_path = drop_path
        for name in ("attention_scale", "mlp_scale"):
            scale = None if layer_scale is None else nn.Parameter(torch.full((dim,), layer_scale))
            self.register_parameter(name, scale)
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attention = attention
        self.branch_dropout = nn.Dropout(dropout if norm_mlp else 0.0)
        # A norm or a dropout under one name, since checkpoints and exports use it.
        self.before_mlp = nn.LayerNorm(dim, eps=LAYER_NORM_EPS) if norm_mlp else nn.Dropout(dropout)
        self.mlp = Mlp(dim, mlp_dim, dropout)

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Transform ``x [B, N, D]`` -> [B, N, D].

        Args:
            x: The residual stream.
            lengths: Number of real positions in each row, int64 [B] (padding ``mask``), or None.
            mask: Positions to keep, bool [B, N]; the stream is first set to zero at the others
                (padding ``upstream``). None keeps all.
        """
        if mask is not None:
            x = x.masked_fill(~mask[..., None], 0)
        x = x + self._branch(
            self.branch_dropout(self.attention(self.norm(x), lengths)), self.attention_scale
        )
        return x + self._branch(self.mlp(self.before_mlp(x)), self.mlp_scale)

    def _branch(self, y: Tensor, scale: Tensor | None) -> Tensor:
        """The contribution of a branch ``y [B, N, D]`` to the stream."""
        if scale is not None:
            y = y * scale
        if self.drop_path and self.training:
            # Zero for a skipped row, else the inverse of the share of kept rows.
            kept_B11 = F.dropout(y.new_ones((y.shape[0], 1, 1)), self.drop_path)
            y = y * kept_B11
        return y
