"""One level of lifting in plain torch: the bare formulas, on any device, in any mode.

A level splits a signal into even samples e and odd samples o; with ``C(x, w)[n] = sum_k x[(n + k) mod
len] w[k]`` over the taps ``k < len``, len the row's own half, rounded up:

- *analysis*: ``d = o - silu(C(e, predict)) / 2``, then ``s = e + silu(C(d, update)) / 4``;
- *synthesis*: ``e = s - silu(C(d, update)) / 4``, then ``o = d + silu(C(e, predict)) / 2``.

Without filters the steps are ``(e[n] + e[n+1]) / 2`` and ``(d[n-1] + d[n]) / 4``. torch itself
differentiates both. Shapes: signals [B, N, D], bands [B, M, D] with M = (N + 1) // 2, filters [L, D], lengths
(samples of the signal's rows) int64 [B] or None. Sums are float32 (float64 if an input is) for any
dtype of inputs and outputs; results are zero beyond a row's end.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from wavspa.tracing import is_exporting, is_mapped
from wavspa.wavelets.primitives import (
    correlate,
    depthwise_kernel,
    full_precision,
    gather_rows,
    zero_pads,
)


def analysis(
    x: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    lengths: Tensor | None,
    smooth_dtype: torch.dtype,
    detail_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """``x [B, N, D] -> s, d [B, M, D]``; a row of odd length gets one zero at its end."""
    halves = half_lengths(lengths)
    with full_precision(x):
        even, odd = split(x.to(sum_dtype(x, predict)), lengths)
        detail = zero_pads(odd - _predict(even, predict, halves), halves)
        smooth = zero_pads(even + _update(detail, update, halves), halves)
    return smooth.to(smooth_dtype), detail.to(detail_dtype)


def synthesis(
    smooth: Tensor,
    detail: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    samples: int,
    lengths: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    """``s, d [B, M, D] -> x [B, samples, D]``, samples 2 M - 1 or 2 M."""
    halves, wide = half_lengths(lengths), sum_dtype(smooth, detail, predict)
    smooth, detail = smooth.to(wide), detail.to(wide)
    with full_precision(smooth):
        even = smooth - _update(detail, update, halves)
        odd = detail + _predict(even, predict, halves)
    x = zero_pads(torch.stack([even, odd], dim=2).flatten(1, 2), lengths)
    if is_exporting():
        # With this there is always something to cut off, so no branch on whether lengths are odd.
        x = F.pad(x, (0, 0, 0, 1))
    return x[:, :samples].to(dtype)


def split(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Even and odd samples, [B, M, D], zero beyond each row's end."""
    half = (x.shape[1] + 1) // 2
    # More zeros than needed, some of which are cut off again, so no branch on the length.
    padded = F.pad(zero_pads(x, lengths), (0, 0, 0, 2))[:, : 2 * half]
    even, odd = padded.unflatten(1, (half, 2)).unbind(2)
    return even, odd


def half_lengths(lengths: Tensor | None) -> Tensor | None:
    """Number of even samples in each row, int64 [B]."""
    return None if lengths is None else (lengths + 1) // 2


def sum_dtype(*tensors: Tensor | None) -> torch.dtype:
    """float64 if one of the tensors is, else float32."""
    wide = any(t is not None and t.dtype == torch.float64 for t in tensors)
    return torch.float64 if wide else torch.float32


def _predict(even: Tensor, predict: Tensor | None, halves: Tensor | None) -> Tensor:
    if predict is None:
        return (even + _shift(even, 1, halves)) / 2
    return F.silu(circular(even, predict.to(even.dtype), halves)) / 2


def _update(detail: Tensor, update: Tensor | None, halves: Tensor | None) -> Tensor:
    if update is None:
        return (_shift(detail, -1, halves) + detail) / 4
    return F.silu(circular(detail, update.to(detail.dtype), halves)) / 4


def _shift(x: Tensor, places: int, lengths: Tensor | None) -> Tensor:
    """``x[(n + places) mod len]`` for each row's own length."""
    if lengths is None:
        return x.roll(-places, dims=1)
    position = torch.arange(x.shape[1], device=x.device) + places
    return gather_rows(x, position % _turn(lengths))


def circular(x: Tensor, filters: Tensor, lengths: Tensor | None) -> Tensor:
    """``C(x, w)`` of the module's docstring for ``x [B, N, D]`` and ``filters [L, D]``."""
    length, taps = x.shape[1], filters.shape[0]
    tap = torch.arange(taps, device=x.device)[:, None]
    if lengths is None:
        position = torch.arange(length + taps - 1, device=x.device)
        kernel = depthwise_kernel(filters * (tap < length))
        return correlate(gather_rows(x, position % length), kernel)
    # At least `taps` places; in an exported program always more, so that it has no branch on the length.
    more = taps if is_exporting() else max(taps - length, 0)
    position, turn = torch.arange(length + more + taps - 1, device=x.device), _turn(lengths)
    result = correlate(gather_rows(x, position % turn), depthwise_kernel(filters))
    # Rows shorter than the filter use only its first `len` taps, so that each has its own filter, and
    # only their first `taps` places matter.
    own = filters[:, None] * (tap < lengths)[..., None]
    short = _row_by_row(gather_rows(x, position[: 2 * taps - 1] % turn), own)
    is_short = (lengths < taps)[:, None, None]
    head = torch.where(is_short, short, result[:, :taps])
    return torch.cat([head, result[:, taps:]], dim=1)[:, :length]


def _turn(lengths: Tensor) -> Tensor:
    """The period of each row in places, [B, 1]; at least 1, also for rows without samples."""
    return lengths.clamp(min=1)[:, None]


def _row_by_row(x: Tensor, filters: Tensor) -> Tensor:
    """Correlate each row of ``x [B, 2 L - 1, D]`` with its own of ``filters [L, B, D]`` -> [B, L, D]."""
    taps, batch, channels = filters.shape
    if is_exporting() or is_mapped():
        # ONNX and vmap have no convolution whose number of groups depends on the batch.
        return torch.einsum("bndk,kbd->bnd", x.unfold(1, taps, 1), filters)
    if batch == 0:
        return x[:, :taps]
    rows_as_channels = x.transpose(0, 1).reshape(1, 2 * taps - 1, batch * channels)
    kernel = depthwise_kernel(filters.view(taps, batch * channels))
    return correlate(rows_as_channels, kernel).view(taps, batch, channels).transpose(0, 1)
