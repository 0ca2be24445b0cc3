"""The operators with their gradients, which the other two operators compute, to any order.

All three are derivatives of one trilinear form (see :mod:`wavspa.wavelets.operators.plain`), so the
gradient of each with respect to any of its tensors is one of the other two, for the same extension and
lengths.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from wavspa.wavelets.operators.library import ANALYSIS, FILTER_GRADIENT, SYNTHESIS


class Analysis(Function):
    """``x [B, N, D], filters [L, D] -> low, high [B, M, D]``."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        filters: Tensor,
        extension: str,
        bands: int,
        lengths: Tensor | None,
        mirror_low: bool,
        low_dtype: torch.dtype,
        high_dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        """Run the operator."""
        ctx.save_for_backward(x, filters, lengths)
        ctx.extension, ctx.mirror_low = extension, mirror_low
        low, high = ANALYSIS(
            x, filters, extension, bands, lengths, mirror_low, low_dtype, high_dtype
        )
        return low, high

    @staticmethod
    def backward(ctx: Any, low: Tensor, high: Tensor) -> tuple[Any, ...]:
        """Gradients of x (synthesis) and of the filters."""
        x, filters, lengths = ctx.saved_tensors
        extension, mirror_low = ctx.extension, ctx.mirror_low
        x_gradient = filters_gradient = None
        if ctx.needs_input_grad[0]:
            x_gradient = Synthesis.apply(
                low, high, filters, extension, x.shape[1], lengths, mirror_low, x.dtype
            )
        if ctx.needs_input_grad[1]:
            filters_gradient = FilterGradient.apply(
                x, low, high, extension, filters.shape[0], lengths, mirror_low, filters.dtype
            )
        return x_gradient, filters_gradient, None, None, None, None, None, None


class Synthesis(Function):
    """``low, high [B, M, D], filters [L, D] -> x [B, N, D]``."""

    @staticmethod
    def forward(
        ctx: Any,
        low: Tensor,
        high: Tensor,
        filters: Tensor,
        extension: str,
        samples: int,
        lengths: Tensor | None,
        mirror_low: bool,
        dtype: torch.dtype,
    ) -> Tensor:
        """Run the operator."""
        ctx.save_for_backward(low, high, filters, lengths)
        ctx.extension, ctx.mirror_low = extension, mirror_low
        x: Tensor = SYNTHESIS(low, high, filters, extension, samples, lengths, mirror_low, dtype)
        return x

    @staticmethod
    def backward(ctx: Any, x: Tensor) -> tuple[Any, ...]:
        """Gradients of the bands (analysis) and of the filters."""
        low, high, filters, lengths = ctx.saved_tensors
        extension, mirror_low = ctx.extension, ctx.mirror_low
        low_gradient = high_gradient = filters_gradient = None
        if ctx.needs_input_grad[0] or ctx.needs_input_grad[1]:
            low_gradient, high_gradient = Analysis.apply(
                x, filters, extension, low.shape[1], lengths, mirror_low, low.dtype, high.dtype
            )
        if ctx.needs_input_grad[2]:
            filters_gradient = FilterGradient.apply(
                x, low, high, extension, filters.shape[0], lengths, mirror_low, filters.dtype
            )
        return low_gradient, high_gradient, filters_gradient, None, None, None, None, None


class FilterGradient(Function):
    """``x [B, N, D], low, high [B, M, D] -> filters' gradient [L, D]``."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        low: Tensor,
        high: Tensor,
        extension: str,
        taps: int,
        lengths: Tensor | None,
        mirror_low: bool,
        dtype: torch.dtype,
    ) -> Tensor:
        """Run the operator."""
        ctx.save_for_backward(x, low, high, lengths)
        ctx.extension, ctx.mirror_low = extension, mirror_low
        filters: Tensor = FILTER_GRADIENT(x, low, high, extension, taps, lengths, mirror_low, dtype)
        return filters

    @staticmethod
    def backward(ctx: Any, filters: Tensor) -> tuple[Any, ...]:
        """Gradients of x (synthesis) and of the bands (analysis)."""
        x, low, high, lengths = ctx.saved_tensors
        extension, mirror_low = ctx.extension, ctx.mirror_low
        x_gradient = low_gradient = high_gradient = None
        if ctx.needs_input_grad[0]:
            x_gradient = Synthesis.apply(
                low, high, filters, extension, x.shape[1], lengths, mirror_low, x.dtype
            )
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            low_gradient, high_gradient = Analysis.apply(
                x, filters, extension, low.shape[1], lengths, mirror_low, low.dtype, high.dtype
            )
        return x_gradient, low_gradient, high_gradient, None, None, None, None, None
