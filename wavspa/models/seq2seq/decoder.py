"""A causal Transformer decoder with cross-attention, for complete sequences and token by token.

Shapes: B batch, N source length, M target length, D width, H heads, K head width.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention.base import Attention, real_positions
from wavspa.attention.options import AttentionOptions
from wavspa.models.block import LAYER_NORM_EPS, Mlp
from wavspa.models.position_embeddings import AddPositions


class KeyValues(NamedTuple):
    """Keys and values [B, H, M, K] of one attention."""

    keys: Tensor
    values: Tensor

    def take(self, rows: Tensor, length: int | None = None) -> "KeyValues":
        """The keys and values of ``rows`` [R]; only the first ``length`` positions are copied, None: all."""
        if length is None:
            return KeyValues(*(part.index_select(0, rows) for part in self))
        taken = [part.new_empty(len(rows), *part.shape[1:]) for part in self]
        for new, old in zip(taken, self, strict=True):
            new[:, :, :length] = old[:, :, :length].index_select(0, rows)
        return KeyValues(*taken)


class CausalAttention(Attention):
    """Softmax attention of every position to itself and to earlier ones."""

    @override
    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        q, k, v = self.project(x)
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=self._probability_dropout, is_causal=True
        )
        return self.merge(y)

    def step(self, x: Tensor, cache: KeyValues, place: int) -> Tensor:
        """Attend from one position ``x [B, 1, D]`` at ``place`` -> [B, 1, D].

        Its key and value are written into ``cache``, which holds the earlier ones.
        """
        q, k, v = self.project(x)
        cache.keys[:, :, place : place + 1] = k
        cache.values[:, :, place : place + 1] = v
        keys, values = (part[:, :, : place + 1] for part in cache)
        return self.merge(F.scaled_dot_product_attention(q, keys, values))


class CrossAttention(Attention):
    """Softmax attention to the states of another sequence."""

    def remember(self, states: Tensor) -> KeyValues:
        """Keys and values of ``states [B, N, D]``."""
        return KeyValues(self._split(self.key(states)), self._split(self.value(states)))

    def to_memory(self, x: Tensor, memory: KeyValues, real: Tensor | None) -> Tensor:
        """Attend from ``x [B, M, D]`` to a memory -> [B, M, D]; ``real`` bool [B, 1, 1, N] or None."""
        q = self._split(self.query(x))
        y = F.scaled_dot_product_attention(
            q, *memory, attn_mask=real, dropout_p=self._probability_dropout
        )
        return self.merge(y)


class DecoderBlock(nn.Module):
    """Pre-norm residual block: causal attention, attention to the source, an MLP.

    Args:
        dim: Width D.
        heads: Number of heads.
        mlp_dim: Hidden width of the MLP.
        dropout: Rate on the three branches.
        attention: Options of both attentions.
    """

    def __init__(
        self, dim: int, heads: int, mlp_dim: int, dropout: float, attention: AttentionOptions
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attention = CausalAttention(dim, heads, attention)
        self.cross_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.cross_attention = CrossAttention(dim, heads, attention)
        self.mlp_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(dim, mlp_dim, dropout)
        self.branch_dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, states: Tensor, real: Tensor | None) -> Tensor:
        """Transform ``x [B, M, D]`` with the source's ``states [B, N, D]`` -> [B, M, D]."""
        x = x + self.branch_dropout(self.attention(self.norm(x)))
        return self._look_at_source(x, self.cross_attention.remember(states), real)

    def step(
        self, x: Tensor, cache: KeyValues, place: int, memory: KeyValues, real: Tensor | None
    ) -> Tensor:
        """Transform one position ``x [B, 1, D]`` at ``place`` -> [B, 1, D]."""
        x = x + self.attention.step(self.norm(x), cache, place)
        return self._look_at_source(x, memory, real)

    def _look_at_source(self, x: Tensor, memory: KeyValues, real: Tensor | None) -> Tensor:
        attended = self.cross_attention.to_memory(self.cross_norm(x), memory, real)
        x = x + self.branch_dropout(attended)
        y: Tensor = self.mlp(self.mlp_norm(x))
        return x + y


class Memory:
    """The state of a decoder while it writes: the source, and the tokens written so far.

    Args:
        sources: Keys and values of the source, for each block.
        real: Which positions of the source are real, bool [B, 1, 1, N]; None: all.
        written: Buffers for keys and values of written tokens, for each block.
    """

    def __init__(
        self, sources: Sequence[KeyValues], real: Tensor | None, written: Sequence[KeyValues]
    ) -> None:
        self.sources, self.real, self.written = list(sources), real, list(written)
        self.place = 0

    def take(self, rows: Tensor) -> None:
        """Continue with only ``rows`` [R], in this order; a row may occur more than once."""
        self.take_written(rows)
        self.sources = [of_block.take(rows) for of_block in self.sources]
        self.real = None if self.real is None else self.real.index_select(0, rows)

    def take_written(self, rows: Tensor) -> None:
        """As :meth:`take`, if the new rows have the same sources as the old ones."""
        self.written = [of_block.take(rows, self.place) for of_block in self.written]


class Decoder(nn.Module):
    """Blocks over target embeddings; each position sees itself, earlier ones and the source.

    Args:
        dim: Width D.
        depth: Number of blocks.
        heads: Number of heads.
        mlp_dim: Hidden width of the MLPs.
        max_len: Longest target M.
        positions: ``sinusoidal`` or ``learned``.
        dropout: Rate on embeddings, branches and in MLPs.
        attention: Options of the attentions.
    """

    def __init__(
        self,
        dim: int,
        depth: int,
        heads: int,
        mlp_dim: int,
        max_len: int,
        positions: str,
        dropout: float,
        attention: AttentionOptions,
    ) -> None:
        super().__init__()
        self.positions = AddPositions(positions, max_len, dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(dim, heads, mlp_dim, dropout, attention) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)

    def forward(self, x: Tensor, states: Tensor, lengths: Tensor | None = None) -> Tensor:
        """States [B, M, D] of target embeddings ``x [B, M, D]``.

        Args:
            x: Embeddings of the target, shifted right by one position.
            states: States of the source, [B, N, D].
            lengths: Number of real positions of each source, int64 [B]; None: all N.
        """
        real = _mask(states, lengths)
        x = self.dropout(self.positions(x))
        for block in self.blocks:
            x = block(x, states, real)
        y: Tensor = self.norm(x)
        return y

    def begin(self, states: Tensor, lengths: Tensor | None, length: int) -> Memory:
        """Create a memory of the source's ``states [B, N, D]`` with room for ``length`` positions."""
        sources = [block.cross_attention.remember(states) for block in self._blocks]
        batch, heads, _, width = sources[0].keys.shape
        room = (batch, heads, min(length, self.positions.length), width)
        written = [
            KeyValues(
                states.new_empty(room, dtype=source.keys.dtype),
                states.new_empty(room, dtype=source.keys.dtype),
            )
            for source in sources
        ]
        return Memory(sources, _mask(states, lengths), written)

    def step(self, x: Tensor, memory: Memory) -> Tensor:
        """The state [B, 1, D] of the next position, whose embedding is ``x [B, 1, D]``."""
        x = self.positions(x, start=memory.place)
        for block, cache, source in zip(self._blocks, memory.written, memory.sources, strict=True):
            x = block.step(x, cache, memory.place, source, memory.real)
        memory.place += 1
        y: Tensor = self.norm(x)
        return y

    @property
    def _blocks(self) -> list[DecoderBlock]:
        return [block for block in self.blocks if isinstance(block, DecoderBlock)]


def _mask(states: Tensor, lengths: Tensor | None) -> Tensor | None:
    if lengths is None:
        return None
    return real_positions(lengths, states.shape[1])[:, None, None]
