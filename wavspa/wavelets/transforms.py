"""Transforms with their filters, which a mode creates in each forward pass.

    transform = mode.transform()
    bands = transform.analyse(x, lengths)
    y = transform.synthesise(bands)          # or of other coefficients in the same bands

They run in float32 (float64 stays) under any autocast: their sums are long, and the FFT does not support
bfloat16. Their results have the requested ``dtype``. Shapes: B batch, N length, D channels, L taps,
J levels.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from wavspa.wavelets import dwt, lifting
from wavspa.wavelets.boundaries import Boundary
from wavspa.wavelets.hartley import hartley
from wavspa.wavelets.primitives import (
    at_least_float32,
    correlate,
    depthwise_kernel,
    full_precision,
    zero_pads,
)


class Bands(NamedTuple):
    """The coefficients of a batch of signals, with the lengths that the synthesis needs.

    Attributes:
        coefficients: ``[cA_J, cD_J, ..., cD_1]``, each [B, band length, D]; one tensor without bands.
        rows: Lengths of each row, int64 [B], of the signal and of its approximations at levels 1..J;
            None means full.
        length: Samples N of the signal.
    """

    coefficients: list[Tensor]
    rows: list[Tensor | None]
    length: int


# A function, because torch.compile of torch 2.9 cannot trace a property of a named tuple.
def lengths_of(bands: Bands) -> list[Tensor | None]:
    """Coefficients of each row in each band, int64 [B]; None means all."""
    return [bands.rows[-1], *reversed(bands.rows[1:])]


class Transform:
    """Interface of the transforms; this class is the identity: the signal is its only band."""

    def analyse(
        self, x: Tensor, lengths: Tensor | None = None, dtype: torch.dtype | None = None
    ) -> Bands:
        """Analyse a batch of signals.

        Args:
            x: Signals [B, N, D].
            lengths: Number of real samples in each row, int64 [B], each in 1..N, or None (all N).
            dtype: The dtype of the bands; None means the one in which they are computed.
        """
        return Bands([zero_pads(x.to(dtype or x.dtype), lengths)], [lengths], x.shape[1])

    def synthesise(self, bands: Bands, dtype: torch.dtype | None = None) -> Tensor:
        """The signal [B, N, D] of the bands, zero beyond each row; ``dtype`` as in :meth:`analyse`."""
        (x,) = bands.coefficients
        return zero_pads(x.to(dtype or x.dtype), bands.rows[0])


@dataclass
class FilterBank(Transform):
    """The discrete wavelet transform with the low pass ``filters [L, D]`` (dec_lo)."""

    filters: Tensor
    level: int
    boundary: Boundary
    mirror_low: bool = False

    @override
    def analyse(
        self, x: Tensor, lengths: Tensor | None = None, dtype: torch.dtype | None = None
    ) -> Bands:
        rows = dwt.row_lengths(lengths, self.filters, self.level, self.boundary)
        # The operators read and write half types themselves, and keep autocast out.
        bands = dwt.analyse(x, self.filters, rows, self.boundary, self.mirror_low, dtype)
        return Bands(bands, rows, x.shape[1])

    @override
    def synthesise(self, bands: Bands, dtype: torch.dtype | None = None) -> Tensor:
        return dwt.synthesise(
            bands.coefficients,
            self.filters,
            bands.length,
            bands.rows,
            self.boundary,
            self.mirror_low,
            dtype,
        )


@dataclass
class Lifting(Transform):
    """The lifting scheme with ``predict`` and ``update`` [L, D], or the fixed one (both None)."""

    predict: Tensor | None
    update: Tensor | None
    level: int

    @override
    def analyse(
        self, x: Tensor, lengths: Tensor | None = None, dtype: torch.dtype | None = None
    ) -> Bands:
        rows = lifting.row_lengths(lengths, self.level)
        dtype = dtype or torch.promote_types(x.dtype, torch.float32)
        bands = lifting.analyse(x, self.predict, self.update, rows, dtype)
        return Bands(bands, rows, x.shape[1])

    @override
    def synthesise(self, bands: Bands, dtype: torch.dtype | None = None) -> Tensor:
        coefficients = bands.coefficients
        dtype = dtype or torch.promote_types(coefficients[0].dtype, torch.float32)
        return lifting.synthesise(
            coefficients, self.predict, self.update, bands.length, bands.rows, dtype
        )


class Hartley(Transform):
    """The orthonormal Hartley transform over each row's own length, which is its own inverse."""

    @override
    def analyse(
        self, x: Tensor, lengths: Tensor | None = None, dtype: torch.dtype | None = None
    ) -> Bands:
        return Bands([self._hartley(x, lengths, dtype)], [lengths], x.shape[1])

    @override
    def synthesise(self, bands: Bands, dtype: torch.dtype | None = None) -> Tensor:
        return self._hartley(bands.coefficients[0], bands.rows[0], dtype)

    def _hartley(self, x: Tensor, lengths: Tensor | None, dtype: torch.dtype | None) -> Tensor:
        x = at_least_float32(x)
        with full_precision(x):
            y = hartley(x, lengths)
        return y.to(dtype or y.dtype)


@dataclass
class Convolution(Transform):
    """A depthwise convolution along time with ``filters [L, D]``, without an inverse.

    ``y[t] = sum_k f[k] x[t + k - L // 2]``, zeros past the ends of each row. The resulting signal is the
    only band, and the synthesis is the identity.
    """

    filters: Tensor

    @override
    def analyse(
        self, x: Tensor, lengths: Tensor | None = None, dtype: torch.dtype | None = None
    ) -> Bands:
        taps = len(self.filters)
        wide = zero_pads(at_least_float32(x), lengths)
        wide = F.pad(wide, (0, 0, taps // 2, taps - 1 - taps // 2))
        with full_precision(x):
            y = correlate(wide, depthwise_kernel(self.filters.to(wide.dtype)))
        return super().analyse(y, lengths, dtype)
