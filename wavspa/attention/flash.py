"""The flash kernel for rows of different lengths and for windows: CUDA and half types only.

A mask would leave the kernel, so that a row's length is a segment instead. Rows are not moved: the
B N positions of a batch are one sequence, which is cut where rows end and where they turn to pads. Nothing
is gathered, no shape depends on the values of lengths, and the host waits for none. Pads are segments too
(they attend to one another), because gradients outside all segments are uninitialised memory.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from wavspa.tracing import is_transformed

HALF_TYPES = (torch.float16, torch.bfloat16)
EVERYWHERE = (-1, -1)
# What the kernel is built for: head widths, and Ampere or later.
WIDTH_MULTIPLE, WIDEST = 8, 256
CAPABILITY = (8, 0)

# The operator itself: what wraps it in torch.nn.attention.varlen knows no dropout.
_KERNEL = torch.ops.aten._flash_attention_forward.default


def flash_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    lengths: Tensor | None,
    dropout: float = 0.0,
    window: tuple[int, int] = EVERYWHERE,
) -> Tensor:
    """Softmax attention within each row's real positions; no copies where heads are contiguous.

    Args:
        q: Queries [B, H, N, K], such as :func:`runs_flash` accepts.
        k: Keys [B, H, N, K].
        v: Values [B, H, N, K].
        lengths: Real positions of each row, int64 [B], or None.
        dropout: Rate on the probabilities.
        window: Positions to the left and to the right of itself that a query sees; -1 means all.

    Returns:
        [B, H, N, K], in memory [B, N, H, K]; not meaningful at pads, but finite where q, k and v are.
    """
    batch, _, length, _ = q.shape
    q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (q, k, v))
    segments = segment_bounds(lengths, batch, length, q.device)
    left, right = window
    y: Tensor = _KERNEL(
        q,
        k,
        v,
        segments,
        segments,
        length,
        length,
        dropout,
        False,  # not causal
        False,  # no mask for debugging
        window_size_left=left,
        window_size_right=right,
    )[0]
    rows: Tensor = y.unflatten(0, (batch, length))
    return rows.transpose(1, 2)


def segment_bounds(lengths: Tensor | None, batch: int, length: int, device: torch.device) -> Tensor:
    """Where segments begin and the last one ends, int32: [B + 1] of full rows, [2 B + 1] of ragged ones."""
    ends = torch.arange(0, (batch + 1) * length, length, dtype=torch.int32, device=device)
    if lengths is None:
        return ends
    # Each row begins twice: the second time, moved by its length, its pads do (none, of a full row).
    bounds = ends[:, None].expand(-1, 2).flatten()[:-1]
    bounds[1::2] += lengths
    return bounds


def runs_flash(q: Tensor) -> bool:
    """Whether the kernel runs for queries [B, H, N, K] such as these, and is not disabled in torch."""
    return (
        q.is_cuda
        and q.dtype in HALF_TYPES
        and q.shape[-1] % WIDTH_MULTIPLE == 0
        and q.shape[-1] <= WIDEST
        and not is_transformed()
        and _is_enabled(q.device.index)
    )


def _is_enabled_on(device: int) -> bool:
    return torch.backends.cuda.flash_sdp_enabled() and _is_built_for(device)


@functools.cache
def _is_built_for(device: int) -> bool:
    return (
        torch.version.hip is None
        and torch.backends.cuda.is_flash_attention_available()
        and torch.cuda.get_device_capability(device) >= CAPABILITY
    )


# A call, not a decorator, which would take the types of what it decorates.
_is_enabled: Callable[[int], bool] = torch.compiler.assume_constant_result(_is_enabled_on)
