"""Lifting as operators of torch: ``wavspa::lifting_analysis``, ``lifting_synthesis``, and their gradients.

As in :mod:`wavspa.wavelets.operators.library`: each is one node to ``torch.compile``, autocast leaves
inputs unchanged, sums inside are float32. Calls with gradients go through the module ``gradients`` here.
"""

import torch
from torch import Tensor

from wavspa.backend import runs_triton
from wavspa.wavelets.operators.lifting import plain, plain_gradients

SCHEMAS = (
    "lifting_analysis(Tensor x, Tensor predict, Tensor update, Tensor? lengths, "
    "ScalarType smooth_dtype, ScalarType detail_dtype) -> (Tensor, Tensor)",
    "lifting_synthesis(Tensor smooth, Tensor detail, Tensor predict, Tensor update, SymInt samples, "
    "Tensor? lengths, ScalarType dtype) -> Tensor",
    "lifting_analysis_gradient(Tensor smooth, Tensor detail, Tensor x, Tensor written, "
    "Tensor predict, Tensor update, Tensor? lengths) -> (Tensor, Tensor)",
    "lifting_synthesis_gradient(Tensor x, Tensor smooth, Tensor detail, Tensor written, "
    "Tensor predict, Tensor update, Tensor? lengths) -> (Tensor, Tensor, Tensor)",
)

_library = torch.library.Library("wavspa", "FRAGMENT")
for schema in SCHEMAS:
    _library.define(schema, tags=(torch.Tag.pt2_compliant_tag,))


@torch.library.impl(_library, "lifting_analysis", "CompositeExplicitAutograd")
def _analysis(
    x: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
    smooth_dtype: torch.dtype,
    detail_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    if runs_triton(x, predict, update):
        from wavspa.wavelets.operators.lifting import triton_operators

        return triton_operators.analysis(x, predict, update, lengths, smooth_dtype, detail_dtype)
    smooth, detail = plain.analysis(x, predict, update, lengths, smooth_dtype, detail_dtype)
    return smooth.contiguous(), detail.contiguous()


@torch.library.impl(_library, "lifting_synthesis", "CompositeExplicitAutograd")
def _synthesis(
    smooth: Tensor,
    detail: Tensor,
    predict: Tensor,
    update: Tensor,
    samples: int,
    lengths: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    arguments = (smooth, detail, predict, update, samples, lengths, dtype)
    if runs_triton(smooth, detail, predict, update):
        from wavspa.wavelets.operators.lifting import triton_operators

        return triton_operators.synthesis(*arguments)
    return plain.synthesis(*arguments).contiguous()


@torch.library.impl(_library, "lifting_analysis_gradient", "CompositeExplicitAutograd")
def _analysis_gradient(
    smooth: Tensor,
    detail: Tensor,
    x: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor]:
    arguments = (smooth, detail, x, written, predict, update, lengths)
    if runs_triton(x, smooth, detail, written, predict, update):
        from wavspa.wavelets.operators.lifting import triton_operators

        return triton_operators.analysis_gradient(*arguments)
    return plain_gradients.analysis_gradient(*arguments)


@torch.library.impl(_library, "lifting_synthesis_gradient", "CompositeExplicitAutograd")
def _synthesis_gradient(
    x: Tensor,
    smooth: Tensor,
    detail: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    arguments = (x, smooth, detail, written, predict, update, lengths)
    if runs_triton(x, smooth, detail, written, predict, update):
        from wavspa.wavelets.operators.lifting import triton_operators

        return triton_operators.synthesis_gradient(*arguments)
    return plain_gradients.synthesis_gradient(*arguments)


def _fake_analysis(
    x: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
    smooth_dtype: torch.dtype,
    detail_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    shape = (x.shape[0], (x.shape[1] + 1) // 2, x.shape[2])
    return x.new_empty(shape, dtype=smooth_dtype), x.new_empty(shape, dtype=detail_dtype)


def _fake_synthesis(
    smooth: Tensor,
    detail: Tensor,
    predict: Tensor,
    update: Tensor,
    samples: int,
    lengths: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    return smooth.new_empty((smooth.shape[0], samples, smooth.shape[2]), dtype=dtype)


def _fake_analysis_gradient(
    smooth: Tensor,
    detail: Tensor,
    x: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), _fake_filters(x, predict, update)


def _fake_synthesis_gradient(
    x: Tensor,
    smooth: Tensor,
    detail: Tensor,
    written: Tensor,
    predict: Tensor,
    update: Tensor,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    filters = _fake_filters(detail, predict, update)
    return smooth.new_empty(smooth.shape), detail.new_empty(detail.shape), filters


def _fake_filters(x: Tensor, predict: Tensor, update: Tensor) -> Tensor:
    shape = (predict.shape[0] + update.shape[0], predict.shape[1])
    return predict.new_empty(shape, dtype=plain.sum_dtype(x, predict, update))


# Called as functions, since as decorators they would erase the types of the decorated functions.
torch.library.register_fake("wavspa::lifting_analysis", _fake_analysis, lib=_library)
torch.library.register_fake("wavspa::lifting_synthesis", _fake_synthesis, lib=_library)
torch.library.register_fake(
    "wavspa::lifting_analysis_gradient", _fake_analysis_gradient, lib=_library
)
torch.library.register_fake(
    "wavspa::lifting_synthesis_gradient", _fake_synthesis_gradient, lib=_library
)

ANALYSIS = torch.ops.wavspa.lifting_analysis.default
SYNTHESIS = torch.ops.wavspa.lifting_synthesis.default
ANALYSIS_GRADIENT = torch.ops.wavspa.lifting_analysis_gradient.default
SYNTHESIS_GRADIENT = torch.ops.wavspa.lifting_synthesis_gradient.default
