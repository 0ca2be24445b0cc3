"""The lifting operators with their gradients.

Lifting is not linear in its signal, so the operators are not each other's gradients. If a gradient
is itself differentiated, plain torch computes it and differentiates it to any order.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from wavspa.wavelets.operators.differentiation import differentiable_gradients, is_differentiated
from wavspa.wavelets.operators.lifting import plain
from wavspa.wavelets.operators.lifting.library import (
    ANALYSIS,
    ANALYSIS_GRADIENT,
    SYNTHESIS,
    SYNTHESIS_GRADIENT,
)


class LiftingAnalysis(Function):
    """``x [B, N, D], predict, update [L, D] -> s, d [B, M, D]``."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        predict: Tensor,
        update: Tensor,
        lengths: Tensor | None,
        smooth_dtype: torch.dtype,
        detail_dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        """Run the operator."""
        smooth, detail = ANALYSIS(x, predict, update, lengths, smooth_dtype, detail_dtype)
        ctx.save_for_backward(x, detail, predict, update, lengths)
        ctx.smooth_dtype = smooth_dtype
        return smooth, detail

    @staticmethod
    def backward(ctx: Any, smooth: Tensor, detail: Tensor) -> tuple[Any, ...]:
        """Gradients of x and of both filters."""
        x, written, predict, update, lengths = ctx.saved_tensors
        if is_differentiated():
            dtypes = (ctx.smooth_dtype, written.dtype)
            gradients = differentiable_gradients(
                lambda x, p, u: plain.analysis(x, p, u, lengths, *dtypes),
                (x, predict, update),
                (smooth, detail),
            )
            return *gradients, None, None, None
        x_gradient, filters = ANALYSIS_GRADIENT(
            smooth, detail, x, written, predict, update, lengths
        )
        return x_gradient, *_each_filter(filters, predict, update), None, None, None


class LiftingSynthesis(Function):
    """``s, d [B, M, D], predict, update [L, D] -> x [B, N, D]``."""

    @staticmethod
    def forward(
        ctx: Any,
        smooth: Tensor,
        detail: Tensor,
        predict: Tensor,
        update: Tensor,
        samples: int,
        lengths: Tensor | None,
        dtype: torch.dtype,
    ) -> Tensor:
        """Run the operator."""
        x: Tensor = SYNTHESIS(smooth, detail, predict, update, samples, lengths, dtype)
        ctx.save_for_backward(smooth, detail, x, predict, update, lengths)
        return x

    @staticmethod
    def backward(ctx: Any, x: Tensor) -> tuple[Any, ...]:
        """Gradients of the bands and of both filters."""
        smooth, detail, written, predict, update, lengths = ctx.saved_tensors
        if is_differentiated():
            samples, dtype = written.shape[1], written.dtype
            gradients = differentiable_gradients(
                lambda s, d, p, u: [plain.synthesis(s, d, p, u, samples, lengths, dtype)],
                (smooth, detail, predict, update),
                (x,),
            )
            return *gradients, None, None, None
        *bands, filters = SYNTHESIS_GRADIENT(x, smooth, detail, written, predict, update, lengths)
        return *bands, *_each_filter(filters, predict, update), None, None, None


def _each_filter(filters: Tensor, predict: Tensor, update: Tensor) -> tuple[Tensor, Tensor]:
    of_predict, of_update = filters.split([predict.shape[0], update.shape[0]])
    return of_predict.to(predict.dtype), of_update.to(update.dtype)
