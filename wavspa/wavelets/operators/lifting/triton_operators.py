"""A level of lifting and its gradients by Triton: signatures and results of the plain ones.

An analysis or a synthesis is one launch per step, two per level. Its gradient is three launches that take
the slopes of both steps back, one for both filters, and a sum. The second step reads the rounded result of
the first one, so that even in narrow types the synthesis subtracts exactly what the analysis added.
"""

import torch
from torch import Tensor

from wavspa.wavelets.operators.lifting.plain_gradients import PREDICT_SCALE, UPDATE_SCALE
from wavspa.wavelets.operators.lifting.triton_steps import Level, band, halves, new_slope
from wavspa.wavelets.operators.triton_launch import device_of, rows_in_order


def analysis(
    x: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
    smooth_dtype: torch.dtype,
    detail_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """See :func:`wavspa.wavelets.operators.lifting.plain.analysis`."""
    batch, samples, channels = x.shape
    shape = (batch, (samples + 1) // 2, channels)
    smooth = x.new_empty(shape, dtype=smooth_dtype)
    detail = x.new_empty(shape, dtype=detail_dtype)
    if smooth.numel() == 0:
        return smooth, detail
    level, (even, odd) = Level(samples, lengths), halves(rows_in_order(x))
    with device_of(x):
        level.step(odd, even, predict.contiguous(), band(detail), -PREDICT_SCALE)
        level.step(even, band(detail), update.contiguous(), band(smooth), UPDATE_SCALE)
    return smooth, detail


def synthesis(
    smooth: Tensor,
    detail: Tensor,
    predict: Tensor,
    update: Tensor,
    samples: int,
    lengths: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    """See :func:`wavspa.wavelets.operators.lifting.plain.synthesis`."""
    x = smooth.new_empty((smooth.shape[0], samples, smooth.shape[2]), dtype=dtype)
    if x.numel() == 0:
        return x
    level, (even, odd) = Level(samples, lengths), halves(x)
    own_detail = band(detail)
    with device_of(x):
        level.step(band(smooth), own_detail, update.contiguous(), even, -UPDATE_SCALE)
        level.step(own_detail, even, predict.contiguous(), odd, PREDICT_SCALE)
    return x


def analysis_gradient(
    smooth: Tensor,
    detail: Tensor,
    x: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """See :func:`wavspa.wavelets.operators.lifting.plain_gradients.analysis_gradient`."""
    predict, update = predict.contiguous(), update.contiguous()
    gradient = x.new_empty(x.shape)
    if x.numel() == 0:
        return gradient, _no_filter_gradients(predict, update)
    level, (even, _), own_smooth = (
        Level(x.shape[1], lengths),
        halves(rows_in_order(x)),
        band(smooth),
    )
    of_even, of_odd = halves(gradient)
    source = band(written)
    predict_slope, update_slope = new_slope(written), new_slope(written)
    with device_of(x):
        level.slope(own_smooth, None, (source, update, UPDATE_SCALE, update_slope))
        level.slope(
            band(detail),
            (update_slope, update, of_odd),
            (even, predict, -PREDICT_SCALE, predict_slope),
        )
        level.slope(own_smooth, (predict_slope, predict, of_even), None)
        return gradient, level.filter_gradients(
            (even, predict_slope, len(predict)), (source, update_slope, len(update))
        )


def synthesis_gradient(
    x: Tensor,
    smooth: Tensor,
    detail: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """See :func:`wavspa.wavelets.operators.lifting.plain_gradients.synthesis_gradient`."""
    predict, update = predict.contiguous(), update.contiguous()
    of_smooth = smooth.new_empty(smooth.shape)
    of_detail = detail.new_empty(detail.shape)
    if x.numel() == 0:
        return of_smooth, of_detail, _no_filter_gradients(predict, update)
    level, (even, odd) = Level(x.shape[1], lengths), halves(rows_in_order(x))
    source, _ = halves(rows_in_order(written))
    own_detail = band(detail)
    predict_slope, update_slope = new_slope(detail), new_slope(detail)
    with device_of(x):
        level.slope(odd, None, (source, predict, PREDICT_SCALE, predict_slope))
        level.slope(
            even,
            (predict_slope, predict, band(of_smooth)),
            (own_detail, update, -UPDATE_SCALE, update_slope),
        )
        level.slope(odd, (update_slope, update, band(of_detail)), None)
        return (
            of_smooth,
            of_detail,
            level.filter_gradients(
                (source, predict_slope, len(predict)), (own_detail, update_slope, len(update))
            ),
        )


def _no_filter_gradients(predict: Tensor, update: Tensor) -> Tensor:
    return predict.new_zeros((len(predict) + len(update), predict.shape[1]), dtype=torch.float32)
