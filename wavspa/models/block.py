"""One encoder block: attention and an MLP, each with a residual."""

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
    """

    def __init__(
        self,
        dim: int,
        mlp_dim: int,
        attention: nn.Module,
        dropout: float = 0.0,
        norm_mlp: bool = True,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attention = attention
        self.branch_dropout = nn.Dropout(dropout if norm_mlp else 0.0)
        # A norm or a dropout under one name, which checkpoints and exports know.
        self.before_mlp = nn.LayerNorm(dim, eps=LAYER_NORM_EPS) if norm_mlp else nn.Dropout(dropout)
        self.mlp = Mlp(dim, mlp_dim, dropout)

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Transform ``x [B, N, D]`` -> [B, N, D].

        Args:
            x: The residual stream.
            lengths: Real positions of each row, int64 [B] (padding ``mask``), or None.
            mask: Positions [B, N] bool that are kept; the stream is set to zero at the others before
                anything else (padding ``upstream``), or None.
        """
        if mask is not None:
            x = x.masked_fill(~mask[..., None], 0)
        x = x + self.branch_dropout(self.attention(self.norm(x), lengths))
        y: Tensor = self.mlp(self.before_mlp(x))
        return x + y
