"""One level of a transform: the operators with gradients where kernels or loops run, plain torch elsewhere.

Plain torch is what ``torch.export``, ONNX, ``torch.func`` and forward-mode AD see, and what runs in
float64 and without Numba on a CPU. Shapes: B batch, N samples, M coefficients, D channels, L taps.
"""

import torch
from torch import Tensor

from wavspa.backend import runs_numba, runs_triton
from wavspa.tracing import is_transformed
from wavspa.wavelets.boundaries import ZERO, Boundary
from wavspa.wavelets.operators import plain
from wavspa.wavelets.operators.gradients import Analysis, Synthesis


def analyse_level(
    x: Tensor,
    filters: Tensor,
    boundary: Boundary = ZERO,
    lengths: Tensor | None = None,
    *,
    mirror_low: bool = False,
    approximation_dtype: torch.dtype | None = None,
    detail_dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """Analyse a signal into the approximation and the detail of one level.

    Args:
        x: Signal [B, N, D], any float; sums are float32, or float64 if an input is.
        filters: Low-pass taps [L, D] (dec_lo), L even.
        boundary: How the signal continues past its ends.
        lengths: Number of samples in each row, int64 [B]; None means all N.
        mirror_low: The low pass of channel d is that of channel D-1-d.
        approximation_dtype: Dtype of the approximation; None means that of ``x``.
        detail_dtype: Dtype of the detail; None means that of ``x``.

    Returns:
        cA and cD, [B, M, D], zero beyond each row's own coefficients.
    """
    bands = boundary.band_length(x.shape[1], filters.shape[0])
    arguments = (
        x,
        filters,
        boundary.name,
        bands,
        lengths,
        mirror_low,
        approximation_dtype or x.dtype,
        detail_dtype or x.dtype,
    )
    if _by_kernels(x, filters):
        approximation, detail = Analysis.apply(*arguments)
        return approximation, detail
    return plain.analysis(*arguments)


def synthesise_level(
    approximation: Tensor,
    detail: Tensor,
    filters: Tensor,
    length: int,
    boundary: Boundary = ZERO,
    lengths: Tensor | None = None,
    *,
    mirror_low: bool = False,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Synthesise the signal of one level: the inverse of analysis if that is orthonormal.

    Args:
        approximation: cA [B, M, D], any float.
        detail: cD [B, M, D], any float.
        filters: The low-pass taps [L, D] of the analysis.
        length: Number of samples N to return.
        boundary: As in :func:`analyse_level`.
        lengths: Number of samples in each row of the result, int64 [B]; it is zero beyond them.
        mirror_low: As in :func:`analyse_level`.
        dtype: Dtype of the result; None means that of ``detail``.

    Returns:
        The signal [B, N, D].
    """
    arguments = (
        approximation,
        detail,
        filters,
        boundary.synthesis,
        length,
        lengths,
        mirror_low,
        dtype or detail.dtype,
    )
    if _by_kernels(approximation, detail, filters):
        signal: Tensor = Synthesis.apply(*arguments)
        return signal
    return plain.synthesis(*arguments)


def _by_kernels(*tensors: Tensor) -> bool:
    if is_transformed():
        return False
    # On a CPU torch.compile fuses plain torch with the operations around it.
    by_numba = not torch.compiler.is_compiling() and runs_numba(*tensors)
    return runs_triton(*tensors) or by_numba
