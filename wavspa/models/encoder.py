"""The encoder: from tokens to states, or with a head to logits."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from wavspa.attention.base import init_lecun
from wavspa.models.block import LAYER_NORM_EPS, Block
from wavspa.models.options import LayerOptions
from wavspa.models.pooling import Pool
from wavspa.models.position_embeddings import AddPositions
from wavspa.models.stem import Stem
from wavspa.models.wavelet_attention import WavSpAttention
from wavspa.wavelets.primitives import check_lengths


class Head(nn.Sequential):
    """Dense layers with ReLU between them: widths ``[in, hidden, ..., classes]``."""

    def __init__(self, widths: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            dense = nn.Linear(width_in, width_out)
            init_lecun(dense.weight, fan_in=width_in)
            nn.init.zeros_(dense.bias)
            layers += [dense, nn.ReLU()]
        super().__init__(*layers[:-1])


class Encoder(nn.Module):
    """A stack of wavelet space attention blocks over token embeddings, or over series of numbers.

    Shapes: B batch, N length, D = ``dim``, C = ``classes``.

    Args:
        vocab_size: Number of token ids; with padding ``upstream`` id 0 is the pad; None with ``inputs``.
        classes: Number of classes C; None makes an encoder without a head.
        max_len: Longest sequence N (not counting a CLS token).
        dim: Model width D.
        depth: Number of blocks.
        heads: Number of attention heads.
        mlp_dim: Hidden width of the MLPs.
        pool: ``mean``, ``sum``, ``cls`` (prepends a learned token), ``cls2``, ``clsm``, ``flatten``, or
            ``token`` for logits at every position.
        positions: ``sinusoidal``, ``learned``, ``rotary`` (within each band) or ``none``.
        dropout: Rate on embeddings, branches and in MLPs.
        attention_dropout: Rate inside the attention; None means ``dropout``.
        norm_mlp: LayerNorm before each MLP (upstream's WavSpA has none).
        padding: ``mask`` or ``upstream`` (token 0 is a pad, pads are attended to and pooled).
        head_dim: Hidden width of the head; None means ``mlp_dim``.
        inputs: Channels K of series of numbers, which are read instead of tokens.
        stem: For series: ``linear`` (each step by itself) or ``conv`` (seven steps at a time).
        drop_path: Rate at which training skips branches of the last block, row by row (stochastic depth,
            Huang et al. 2016); the rate increases linearly from block to block. Below 1.
        layer_scale: Initial value of a learned factor for each channel of a branch, such as 1e-4 (Touvron
            et al. 2021); None: there are no such factors.
        **layer: Options of :class:`~wavspa.models.wavelet_attention.WavSpAttention`: ``attention``,
            ``wavelet``, ``taps``, ``level``, ``boundary``, ``window``, ``rank``, …

    Raises:
        ValueError: An option with an impossible value; the message names it.
    """

    def __init__(
        self,
        vocab_size: int | None = None,
        classes: int | None = None,
        *,
        max_len: int,
        dim: int = 128,
        depth: int = 4,
        heads: int = 4,
        mlp_dim: int = 256,
        pool: str = "mean",
        positions: str = "sinusoidal",
        dropout: float = 0.1,
        attention_dropout: float | None = None,
        norm_mlp: bool = True,
        padding: str = "mask",
        head_dim: int | None = None,
        inputs: int | None = None,
        stem: str = "linear",
        drop_path: float = 0.0,
        layer_scale: float | None = None,
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        if (vocab_size is None) == (inputs is None):
            raise ValueError(
                "either vocab_size (for tokens) or inputs (for series) must be given, and not both, got "
                f"{vocab_size} and {inputs}"
            )
        if inputs is not None and padding == "upstream":
            raise ValueError("padding must be mask if inputs are numbers, got 'upstream'")
        sizes = {"vocab_size": vocab_size, "max_len": max_len, "dim": dim, "mlp_dim": mlp_dim}
        more = {"depth": depth, "head_dim": head_dim, "classes": classes, "inputs": inputs}
        for name, size in {**sizes, **more}.items():
            if size is not None and size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        if attention_dropout is not None and not 0 <= attention_dropout <= 1:
            raise ValueError(f"attention_dropout must be from 0 to 1, got {attention_dropout}")
        if not 0 <= drop_path < 1:
            raise ValueError(f"drop_path must be at least 0 and below 1, got {drop_path}")
        if layer_scale is not None and not 0 < layer_scale < math.inf:
            raise ValueError(f"layer_scale must be above 0 or null, got {layer_scale}")
        self.padding = padding
        self.embedding: Any
        if inputs is None:
            assert vocab_size is not None
            self.embedding = nn.Embedding(vocab_size, dim)
        else:
            self.embedding = Stem(inputs, dim, stem)
        has_cls = classes is not None and pool == "cls"
        self.cls = nn.Parameter(torch.zeros(1, 1, dim)) if has_cls else None
        rows = max_len + has_cls
        self.positions = AddPositions(positions, rows, dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList()
        for number in range(1, depth + 1):
            attention = WavSpAttention(
                dim,
                heads,
                dropout=dropout if attention_dropout is None else attention_dropout,
                max_len=rows,
                padding=padding,
                rotary=positions == "rotary",
                **layer,
            )
            rate = drop_path * number / depth
            block = Block(dim, mlp_dim, attention, dropout, norm_mlp, rate, layer_scale)
            self.blocks.append(block)
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.pool = Pool(pool, dim, max_len, upstream=padding == "upstream")
        self.head = None
        if classes is not None:
            self.head = Head([self.pool.out_dim, head_dim or mlp_dim, classes])

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode tokens.

        Args:
            tokens: Ids, int64 [B, N], N <= max_len; for series their values, float [B, N, K].
            lengths: Number of real tokens in each row, int64 [B], each in 1..N; None means all N. Padding
                ``upstream`` ignores it: there a token is real if its id is not 0.

        Returns:
            With a head, logits [B, C] (pool ``token``: [B, N, C]); without, states [B, N, D].
        """
        states, lengths = self._encode(tokens, lengths)
        if self.head is None:
            return states
        logits: Tensor = self.head(self.pool(states, lengths))
        return logits

    def _encode(self, tokens: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """States [B, N, D] and lengths [B], both including the CLS token if there is one."""
        mask = None
        lengths = check_lengths(lengths, tokens)
        is_series = isinstance(self.embedding, Stem)
        x = self.embedding(tokens, lengths) if is_series else self.embedding(tokens)
        if self.padding == "upstream":
            mask, lengths = tokens > 0, None
        if self.cls is not None:
            x = torch.cat([self.cls.expand(x.shape[0], -1, -1).to(x.dtype), x], dim=1)
            # In upstream the CLS token has the mask of the first real token.
            mask = None if mask is None else torch.cat([mask[:, :1], mask], dim=1)
            lengths = None if lengths is None else lengths + 1
        x = self.dropout(self.positions(x))
        for block in self.blocks:
            x = block(x, lengths, mask)
        return self.norm(x), lengths
