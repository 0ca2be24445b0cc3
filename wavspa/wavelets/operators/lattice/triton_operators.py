"""The lattice by Triton: signatures and results of :mod:`wavspa.wavelets.operators.lattice.plain`."""

from typing import Any

from torch import Tensor

from wavspa.wavelets.operators.lattice.triton_lattice import (
    lattice_gradient_kernel,
    lattice_kernel,
)
from wavspa.wavelets.operators.tiles import LATTICE_CHANNELS, lattice_warps, power_of_two
from wavspa.wavelets.operators.triton_launch import device_of, launch


def lattice(angles: Tensor) -> Tensor:
    """See :func:`wavspa.wavelets.operators.lattice.plain.lattice`."""
    half, channels = angles.shape
    filters = angles.new_empty((2 * half, channels))
    if filters.numel() > 0:
        with device_of(angles):
            _launch(lattice_kernel, half, angles.contiguous(), filters)
    return filters


def lattice_gradient(gradient: Tensor, filters: Tensor, angles: Tensor) -> Tensor:
    """See :func:`wavspa.wavelets.operators.lattice.plain.lattice_gradient`."""
    out = angles.new_empty(angles.shape)
    if out.numel() > 0:
        tensors = (gradient.contiguous(), filters.contiguous(), angles.contiguous(), out)
        with device_of(angles):
            _launch(lattice_gradient_kernel, angles.shape[0], *tensors)
    return out


def _launch(kernel: Any, half: int, *tensors: Tensor) -> None:
    channels = tensors[0].shape[1]
    rows = power_of_two(half)
    constants = {"D": channels, "HALF": half, "P": rows, "TD": LATTICE_CHANNELS}
    programs = -(-channels // LATTICE_CHANNELS)
    launch(kernel, programs, tensors, (), (), constants, lattice_warps(rows))
