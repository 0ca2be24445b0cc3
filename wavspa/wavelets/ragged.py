"""Rows of different lengths in one tensor: zero what lies beyond a row's end, gather inside it.

Shapes: B batch, N padded length, D channels. ``lengths [B]`` int64, or None when every row is full.
"""

import torch
from torch import Tensor


def zero_pads(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Set ``x [B, N, D]`` to zero at positions ``>= lengths [B]``, whatever stood there."""
    if lengths is None:
        return x
    positions = torch.arange(x.shape[1], device=x.device)
    return x.masked_fill((positions >= lengths[:, None])[..., None], 0)


def gather_rows(x: Tensor, index: Tensor) -> Tensor:
    """Read ``x [B, N, D]`` along time at ``index``, int64 [E] (all rows) or [B, E] -> [B, E, D].

    Rows of D values are copied whole: ``index_select`` and its gradient touch contiguous memory.
    """
    if index.dim() == 1:
        return x.index_select(1, index)
    batch, length, channels = x.shape
    offsets = torch.arange(batch, device=x.device)[:, None] * length
    flat = x.reshape(batch * length, channels).index_select(0, (index + offsets).flatten())
    return flat.view(batch, -1, channels)
