"""Relaunching a kernel without Triton's own look-up, which takes the host longer than the GPU needs to run.

Triton recompiles a kernel for other constants, dtypes and alignments, and at each call determines which
variant to run. This module remembers each compiled variant by those properties and starts it directly.
"""

import contextlib
from typing import Any

import torch
from torch import Tensor

# Compiled code may assume that a pointer or a stride is divisible by this.
ALIGNMENT = 16

_compiled: dict[tuple[Any, ...], Any] = {}


def launch(
    kernel: Any,
    programs: int,
    tensors: tuple[Tensor, ...],
    strides: tuple[int, ...],
    sizes: tuple[int, ...],
    constants: dict[str, Any],
    warps: int,
) -> None:
    """Run ``kernel(*tensors, *strides, *sizes, **constants)`` on the device of its tensors.

    Args:
        kernel: A kernel of ``triton.jit`` that does not specialise on ``sizes``.
        programs: Size of the grid.
        tensors: Its pointers.
        strides: Numbers that it specialises on.
        sizes: Numbers that it does not; all int32.
        constants: Its ``constexpr`` arguments, in the order of its signature.
        warps: Warps of a program.
    """
    key = (
        kernel,
        tensors[0].device,
        *((tensor.dtype, tensor.data_ptr() % ALIGNMENT == 0) for tensor in tensors),
        *map(_specialisation, strides),
        *constants.values(),
        warps,
    )
    known = _compiled.get(key)
    if known is not None:
        known[(programs, 1, 1)](*tensors, *strides, *sizes, *constants.values())
        return
    compiled = kernel[(programs,)](*tensors, *strides, *sizes, **constants, num_warps=warps)
    # The interpreter compiles nothing.
    if compiled is not None and torch.cuda.is_available():
        _compiled[key] = compiled


def rows_in_order(x: Tensor) -> Tensor:
    """``x [B, N, D]`` itself if the samples of a row are consecutive in memory, else a copy."""
    _, length, channels = x.shape
    beside = channels == 1 or x.stride(2) == 1
    return x if beside and (length == 1 or x.stride(1) == channels) else x.contiguous()


def device_of(x: Tensor) -> contextlib.AbstractContextManager[object]:
    """A context that makes the device of ``x`` the current one, on which Triton launches."""
    if x.device.type != "cuda" or x.device.index == torch.cuda.current_device():
        return contextlib.nullcontext()
    return torch.cuda.device(x.device)


def _specialisation(number: int) -> tuple[bool, bool, bool]:
    """The properties for which Triton recompiles: divisibility, being 1, and needing 64 bits."""
    return number % ALIGNMENT == 0, number == 1, number > 2**31 - 1
