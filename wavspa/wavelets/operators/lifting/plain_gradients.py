"""The gradients of :mod:`wavspa.wavelets.operators.lifting.plain`, written out tap by tap: slow and simple.

For a step ``y = b + scale silu(C(a, w))`` with gradient g of y: b's gradient is g; with the *slope*
``z' = scale g silu'(C(a, w))``, a's gradient is ``sum_k z'[(n - k) mod len] w[k]`` and the filter's is
``sum_n z'[n] a[(n + k) mod len]``. Only taps ``k < len`` count, len the row's own half.
"""

import torch
from torch import Tensor

from wavspa.wavelets.operators.lifting.plain import half_lengths, split, sum_dtype
from wavspa.wavelets.primitives import gather_rows, zero_pads

PREDICT_SCALE, UPDATE_SCALE = 0.5, 0.25
"""The scales of the steps: analysis subtracts the first and adds the second, synthesis does the opposite."""


def analysis_gradient(
    smooth: Tensor,
    detail: Tensor,
    x: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Gradients of x and of both filters, [predict's taps + update's taps, D].

    Args:
        smooth: Gradient of s [B, M, D].
        detail: Gradient of d [B, M, D].
        x: The analysed signal.
        written: d, the result of the analysis.
        predict: Its filter [L, D].
        update: Its filter [L, D].
        lengths: Number of samples in each row, int64 [B], or None.
    """
    wide, halves = sum_dtype(x, predict), half_lengths(lengths)
    even, _ = split(x.to(wide), lengths)
    smooth, detail = (zero_pads(g.to(wide), halves) for g in (smooth, detail))
    written, wide_predict, wide_update = (t.to(wide) for t in (written, predict, update))
    update_slope = _slope(smooth, written, wide_update, UPDATE_SCALE, halves)
    odd = detail + _back(update_slope, wide_update, halves)
    predict_slope = _slope(odd, even, wide_predict, -PREDICT_SCALE, halves)
    even_gradient = smooth + _back(predict_slope, wide_predict, halves)
    filters = _filter_gradients(predict_slope, even, predict, update_slope, written, update, halves)
    return _merge(even_gradient, odd, x, lengths), filters


def synthesis_gradient(
    x: Tensor,
    smooth: Tensor,
    detail: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of s, of d and of both filters, as :func:`analysis_gradient`.

    Args:
        x: Gradient of the signal [B, N, D].
        smooth: s; only its dtype matters.
        detail: d [B, M, D].
        written: The signal, the result of the synthesis.
        predict: Its filter [L, D].
        update: Its filter [L, D].
        lengths: Number of samples in each row, int64 [B], or None.
    """
    wide, halves = sum_dtype(x, detail, predict), half_lengths(lengths)
    even, odd = split(x.to(wide), lengths)
    source, _ = split(written.to(wide), lengths)
    own, wide_predict, wide_update = (t.to(wide) for t in (detail, predict, update))
    predict_slope = _slope(odd, source, wide_predict, PREDICT_SCALE, halves)
    even = even + _back(predict_slope, wide_predict, halves)
    update_slope = _slope(even, own, wide_update, -UPDATE_SCALE, halves)
    odd = odd + _back(update_slope, wide_update, halves)
    filters = _filter_gradients(predict_slope, source, predict, update_slope, own, update, halves)
    return even.to(smooth.dtype).contiguous(), odd.to(detail.dtype).contiguous(), filters


def _turned(x: Tensor, places: int, tap: int, halves: Tensor | None) -> Tensor:
    """``x[(n + places) mod len]``, zero beyond each row and in rows that do not use the tap."""
    half = x.shape[1]
    own = x.new_full(x.shape[:1], half, dtype=torch.int64) if halves is None else halves
    place = torch.arange(half, device=x.device)
    turned = gather_rows(x, (place + places) % own.clamp(min=1)[:, None])
    kept = (place < own[:, None]) & (tap < own[:, None])
    return torch.where(kept[..., None], turned, 0)


def _slope(
    gradient: Tensor, source: Tensor, filters: Tensor, scale: float, halves: Tensor | None
) -> Tensor:
    pairs = enumerate(filters)
    z = torch.stack([_turned(source, k, k, halves) * tap for k, tap in pairs]).sum(0)
    gate = z.sigmoid()
    return scale * gradient * (gate + z * gate * (1 - gate))


def _back(slope: Tensor, filters: Tensor, halves: Tensor | None) -> Tensor:
    pairs = enumerate(filters)
    return torch.stack([_turned(slope, -k, k, halves) * tap for k, tap in pairs]).sum(0)


def _filter_gradients(
    predict_slope: Tensor,
    even: Tensor,
    predict: Tensor,
    update_slope: Tensor,
    detail: Tensor,
    update: Tensor,
    halves: Tensor | None,
) -> Tensor:
    of_predict = [
        (predict_slope * _turned(even, k, k, halves)).sum((0, 1)) for k in range(len(predict))
    ]
    of_update = [
        (update_slope * _turned(detail, k, k, halves)).sum((0, 1)) for k in range(len(update))
    ]
    return torch.stack([*of_predict, *of_update])


def _merge(even: Tensor, odd: Tensor, x: Tensor, lengths: Tensor | None) -> Tensor:
    whole = zero_pads(torch.stack([even, odd], dim=2).flatten(1, 2), lengths)
    return whole[:, : x.shape[1]].to(x.dtype).contiguous()
