"""The operators as torch sees them: ``wavspa::analysis``, ``synthesis``, ``filter_gradient``.

To ``torch.compile`` an operator is one node, for any implementation. Autocast leaves its inputs unchanged: x
keeps its own dtype and filters that of the parameters; sums inside are float32. Calls with gradients go
through :mod:`wavspa.wavelets.operators.gradients`.
"""

import torch
from torch import Tensor

from wavspa.backend import runs_numba, runs_triton
from wavspa.wavelets.operators import plain

SCHEMAS = (
    "analysis(Tensor x, Tensor filters, str extension, SymInt bands, Tensor? lengths, "
    "bool mirror_low, ScalarType low_dtype, ScalarType high_dtype) -> (Tensor, Tensor)",
    "synthesis(Tensor low, Tensor high, Tensor filters, str extension, SymInt samples, "
    "Tensor? lengths, bool mirror_low, ScalarType dtype) -> Tensor",
    "filter_gradient(Tensor x, Tensor low, Tensor high, str extension, SymInt taps, "
    "Tensor? lengths, bool mirror_low, ScalarType dtype) -> Tensor",
)

_library = torch.library.Library("wavspa", "DEF")
for schema in SCHEMAS:
    _library.define(schema, tags=(torch.Tag.pt2_compliant_tag,))


@torch.library.impl(_library, "analysis", "CompositeExplicitAutograd")
def _analysis(
    x: Tensor,
    filters: Tensor,
    extension: str,
    bands: int,
    lengths: Tensor | None,
    mirror_low: bool,
    low_dtype: torch.dtype,
    high_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    arguments = (x, filters, extension, bands, lengths, mirror_low, low_dtype, high_dtype)
    if runs_triton(x) and filters.dtype != torch.float64:
        from wavspa.wavelets.operators import triton_operators

        return triton_operators.analysis(*arguments)
    if runs_numba(x, filters):
        from wavspa.wavelets.operators.loops import operators

        return operators.analysis(*arguments)
    low, high = plain.analysis(*arguments)
    return low.contiguous(), high.contiguous()


@torch.library.impl(_library, "synthesis", "CompositeExplicitAutograd")
def _synthesis(
    low: Tensor,
    high: Tensor,
    filters: Tensor,
    extension: str,
    samples: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
) -> Tensor:
    arguments = (low, high, filters, extension, samples, lengths, mirror_low, dtype)
    if runs_triton(low, high) and filters.dtype != torch.float64:
        from wavspa.wavelets.operators import triton_operators

        return triton_operators.synthesis(*arguments)
    if runs_numba(low, high, filters):
        from wavspa.wavelets.operators.loops import operators

        return operators.synthesis(*arguments)
    return plain.synthesis(*arguments).contiguous()


@torch.library.impl(_library, "filter_gradient", "CompositeExplicitAutograd")
def _filter_gradient(
    x: Tensor,
    low: Tensor,
    high: Tensor,
    extension: str,
    taps: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
) -> Tensor:
    arguments = (x, low, high, extension, taps, lengths, mirror_low, dtype)
    if runs_triton(x, low, high):
        from wavspa.wavelets.operators import triton_operators

        return triton_operators.filter_gradient(*arguments)
    if runs_numba(x, low, high):
        from wavspa.wavelets.operators.loops import operators

        return operators.filter_gradient(*arguments)
    return plain.filter_gradient(*arguments)


def _fake_analysis(
    x: Tensor,
    filters: Tensor,
    extension: str,
    bands: int,
    lengths: Tensor | None,
    mirror_low: bool,
    low_dtype: torch.dtype,
    high_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    shape = (x.shape[0], bands, x.shape[2])
    return x.new_empty(shape, dtype=low_dtype), x.new_empty(shape, dtype=high_dtype)


def _fake_synthesis(
    low: Tensor,
    high: Tensor,
    filters: Tensor,
    extension: str,
    samples: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
) -> Tensor:
    return low.new_empty((low.shape[0], samples, low.shape[2]), dtype=dtype)


def _fake_filter_gradient(
    x: Tensor,
    low: Tensor,
    high: Tensor,
    extension: str,
    taps: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
) -> Tensor:
    return x.new_empty((taps, x.shape[2]), dtype=dtype)


# Called as functions, since as decorators they would erase the types of the decorated functions.
torch.library.register_fake("wavspa::analysis", _fake_analysis, lib=_library)
torch.library.register_fake("wavspa::synthesis", _fake_synthesis, lib=_library)
torch.library.register_fake("wavspa::filter_gradient", _fake_filter_gradient, lib=_library)

ANALYSIS = torch.ops.wavspa.analysis.default
SYNTHESIS = torch.ops.wavspa.synthesis.default
FILTER_GRADIENT = torch.ops.wavspa.filter_gradient.default
