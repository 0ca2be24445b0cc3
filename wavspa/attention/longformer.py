"""Sliding-window attention in blocks: time and memory linear in the length."""

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from wavspa.attention.base import Attention, real_positions
from wavspa.attention.dropout import attend_with_dropout, runs_here
from wavspa.attention.flash import flash_attention, runs_flash
from wavspa.attention.options import AttentionOptions
from wavspa.attention.rotary import rotate
from wavspa.tracing import is_exporting

# Blocks shorter than this cost more in overhead than they save in scores.
SHORTEST_BLOCK = 64


class Longformer(Attention):
    """Softmax attention within a window around each position; dropout on the probabilities.

    A position attends to ``window // 2`` places on its right and to ``window - window // 2`` on its left,
    itself included. On CUDA and in half types the flash kernel skips what is outside; elsewhere queries
    are cut into blocks of half a window, each of which sees itself and its two neighbours: no N x N array
    is ever made. There are no global tokens. Source: Longformer (Beltagy et al. 2020); the window's
    shape is upstream's.

    Args:
        dim: Model width D.
        heads: Number of heads H.
        options: ``window`` is the number of positions that a query sees, at least 1.

    Raises:
        ValueError: Window < 1, or H does not divide the width.
    """

    def __init__(
        self, dim: int, heads: int, options: AttentionOptions = AttentionOptions()
    ) -> None:
        super().__init__(dim, heads, options)
        self.window = options.window

    @override
    def attend(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None) -> Tensor:
        batch, _, length, _ = q.shape
        if self.rotary:
            q, k = rotate(q), rotate(k)
        dropout = self._probability_dropout
        if runs_flash(q):
            return flash_attention(q, k, v, lengths, dropout, window_reach(self.window))
        if dropout and runs_here(q, dropout):
            return attend_with_dropout(q, k, v, lengths, dropout, window_reach(self.window))
        if lengths is None:
            real = torch.ones(batch, length, dtype=torch.bool, device=q.device)
        else:
            real = real_positions(lengths, length)
        return attend_in_window(q, k, v, real, self.window, dropout)


def window_reach(window: int) -> tuple[int, int]:
    """Positions to the left and to the right of itself that a query sees."""
    return window - window // 2 - 1, window // 2


def attend_in_window(
    q: Tensor, k: Tensor, v: Tensor, real: Tensor, window: int, dropout: float = 0.0
) -> Tensor:
    """Attention in blocks of half a window.

    Args:
        q: Queries [B, H, N, K].
        k: Keys [B, H, N, K].
        v: Values [B, H, N, K].
        real: Keys that may be seen, bool [B, N].
        window: As :class:`Longformer` describes it.
        dropout: Rate on the probabilities.

    Returns:
        [B, H, N, K].
    """
    batch, _, length, _ = q.shape
    left, right = window_reach(window)
    block = max(right, left, SHORTEST_BLOCK)
    if is_exporting():
        # One program for all lengths: no branch on them, and some padding always.
        blocks = length // block + 2
    else:
        if not torch.compiler.is_compiling():
            # A branch on the length would compile a second program.
            block = min(block, length)
        blocks = -(-length // block)
    missing = blocks * block - length
    seen = F.pad(real, (block, block + missing)).unfold(1, 3 * block, block).flatten(0, 1)
    offset = torch.arange(3 * block, device=q.device) - block
    offset = offset - torch.arange(block, device=q.device)[:, None]
    band = (offset >= -left) & (offset <= right)
    # A query of the padding sees itself, so that no row of the softmax is empty.
    allowed = band & seen[:, None] | (offset == 0)
    y = F.scaled_dot_product_attention(
        _cut(F.pad(q, (0, 0, 0, missing)), block),
        _with_neighbours(k, block, missing),
        _with_neighbours(v, block, missing),
        attn_mask=allowed[:, None],
        dropout_p=dropout,
    )
    of_rows: Tensor = y.unflatten(0, (batch, blocks))
    return of_rows.transpose(1, 2).flatten(2, 3)[:, :, :length]


def _cut(x_BHNK: Tensor, block: int) -> Tensor:
    """[B, H, blocks * block, K] -> [B * blocks, H, block, K]."""
    blocks: Tensor = x_BHNK.unflatten(2, (-1, block))
    return blocks.transpose(1, 2).flatten(0, 1)


def _with_neighbours(x_BHNK: Tensor, block: int, missing: int) -> Tensor:
    """Each block between its two neighbours: [B, H, N, K] -> [B * blocks, H, 3 * block, K]."""
    padded = F.pad(x_BHNK, (0, 0, block, block + missing))
    windows = padded.unfold(2, 3 * block, block)
    return windows.permute(0, 2, 1, 4, 3).flatten(0, 1)
