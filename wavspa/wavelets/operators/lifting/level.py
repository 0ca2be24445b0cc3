"""One level of lifting: the operators with gradients where kernels run, plain torch elsewhere.

As in :mod:`wavspa.wavelets.operators.level`. The fixed lifting, without filters, has no kernel.
"""

import torch
from torch import Tensor

from wavspa.backend import runs_triton
from wavspa.tracing import is_transformed
from wavspa.wavelets.operators.lifting import plain
from wavspa.wavelets.operators.lifting.gradients import LiftingAnalysis, LiftingSynthesis


def lift_level(
    x: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    lengths: Tensor | None = None,
    *,
    smooth_dtype: torch.dtype | None = None,
    detail_dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """Lift a signal to the approximation and the detail of one level.

    Args:
        x: Signal [B, N, D], any float; sums are float32, or float64 if an input is.
        predict: Filter [L, D], or None (with ``update``) for the fixed lifting.
        update: Filter [L, D].
        lengths: Number of samples in each row, int64 [B]; None means all N.
        smooth_dtype: Dtype of the approximation; None means that of ``x``.
        detail_dtype: Dtype of the detail; None means that of ``x``.

    Returns:
        s and d, [B, (N + 1) // 2, D], zero beyond each row's own coefficients.
    """
    dtypes = (smooth_dtype or x.dtype, detail_dtype or x.dtype)
    if predict is not None and update is not None and _by_kernels(x, predict, update):
        smooth, detail = LiftingAnalysis.apply(x, predict, update, lengths, *dtypes)
        return smooth, detail
    return plain.analysis(x, predict, update, lengths, *dtypes)


def unlift_level(
    smooth: Tensor,
    detail: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    samples: int,
    lengths: Tensor | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Undo :func:`lift_level`.

    Args:
        smooth: s [B, M, D], any float.
        detail: d [B, M, D], any float.
        predict: As in :func:`lift_level`.
        update: As in :func:`lift_level`.
        samples: Number of samples N to return, at most 2 M.
        lengths: Number of samples in each row of the result, int64 [B]; it is zero beyond them.
        dtype: Dtype of the result; None means that of ``detail``.

    Returns:
        The signal [B, N, D].
    """
    dtype = dtype or detail.dtype
    if predict is None or update is None or not _by_kernels(smooth, detail, predict, update):
        return plain.synthesis(smooth, detail, predict, update, samples, lengths, dtype)
    # The kernels derive a row's half from its samples.
    most = 2 * detail.shape[1]
    made = samples if samples >= most - 1 else most
    x: Tensor = LiftingSynthesis.apply(smooth, detail, predict, update, made, lengths, dtype)
    return x[:, :samples]


def _by_kernels(*tensors: Tensor) -> bool:
    return runs_triton(*tensors) and not is_transformed()
