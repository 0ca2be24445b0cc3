# Numba compiles functions without types.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc, call-arg"
"""Vectors of neighbouring channels for loops that Numba compiles: load, multiply and add, store.

Numba vectorises only innermost loops. Here the innermost loop is over taps or time, and its sums are vectors
over channels that stay in registers; so vectors have their own type, :data:`LANES` floats wide.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, models, register_model

# One register of AVX-512, two of AVX.
LANES = 16
_FLOAT_BYTES = 4
# Number of rows of sums that a loop keeps in registers.
STRIP = 4
# Channels in a unit of work: rows of 256 bytes, and filters of 40 taps that fit into the first-level cache.
GROUP = 4 * LANES
_ZERO = np.float32(0)


class Vector(types.Type):
    """The type for Numba."""

    def __init__(self) -> None:
        super().__init__(name=f"vector of {LANES} float32")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, front_end_type):
        super().__init__(manager, front_end_type, _LLVM_VECTOR)


_VECTOR, _LLVM_VECTOR = Vector(), ir.VectorType(ir.FloatType(), LANES)


def _place(context, builder, array_type, array, index):
    """A pointer to a vector: the address of element ``index`` of a flat contiguous array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _LLVM_VECTOR.as_pointer())


@intrinsic
def zero(typing_context):
    """A vector of zeros."""

    def generate(context, builder, signature, arguments):
        return ir.Constant(_LLVM_VECTOR, [0.0] * LANES)

    return _VECTOR(), generate


@intrinsic
def load(typing_context, array, index):
    """Elements ``index .. index + LANES - 1`` of a flat array."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature.args[0], *arguments)
        return builder.load(place, align=_FLOAT_BYTES)

    return _VECTOR(array, types.intp), generate


@intrinsic
def store(typing_context, array, index, vector):
    """Store a vector in elements ``index .. index + LANES - 1`` of a flat array."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], place, align=_FLOAT_BYTES)
        return context.get_dummy_value()

    return types.void(array, types.intp, _VECTOR), generate


@intrinsic
def add_product(typing_context, a, b, total):
    """``a * b + total``, rounded once if the processor can."""

    def generate(context, builder, signature, arguments):
        a, b, total = arguments
        product = builder.fmul(a, b, flags=("contract",))
        return builder.fadd(product, total, flags=("contract",))

    return _VECTOR(_VECTOR, _VECTOR, _VECTOR), generate


@njit(inline="always")
def copy_rows(source, offset, stride, index, first, count, channels, copy):
    """Copy rows ``index[first .. first + count - 1]`` of a signal; zero where the table has -1."""
    for s in range(count):
        row = index[first + s]
        for d in range(channels):
            value = _ZERO
            if row >= 0:
                value = source[offset + row * stride + d]
            copy[s * GROUP + d] = value


@njit(inline="always")
def copy_bands(band, offset, stride, first, count, own, channels, copy):
    """Copy coefficients ``first .. first + count - 1``; zero beyond the row's own."""
    for s in range(count):
        m = first + s
        for d in range(channels):
            value = _ZERO
            if 0 <= m < own:
                value = band[offset + m * stride + d]
            copy[s * GROUP + d] = value


@njit(inline="always")
def store_four(target, at, stride, count, v0, v1, v2, v3):
    """Store the first ``count`` of four rows."""
    store(target, at, v0)
    if count > 1:
        store(target, at + stride, v1)
    if count > 2:
        store(target, at + 2 * stride, v2)
    if count > 3:
        store(target, at + 3 * stride, v3)
