"""The discrete wavelet transform with a filter of its own in every channel, and its inverse.

One analysis level is two depthwise convolutions with stride 2 (low and high pass) of the extended
signal; one synthesis level is their transpose. Every boundary is the same convolution of a
differently extended signal.

Shapes: B batch, N length, D channels, L taps, J levels. Source: Mallat's pyramid; conventions are
PyWavelets' (``dec_lo`` order, ``[cA_J, cD_J, ..., cD_1]``).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from wavspa.wavelets.boundaries import (
    band_length,
    band_lengths,
    check_boundary,
    extension_index,
    left_extension,
    natural_length,
)
from wavspa.wavelets.primitives import correlate, depthwise_kernel, gather_rows, spread, zero_pads


class FilterBank(NamedTuple):
    """The two depthwise kernels of a wavelet, each [D, 1, L, 1], channels-last."""

    low: Tensor
    high: Tensor

    @property
    def taps(self) -> int:
        """Filter length L."""
        return self.low.shape[2]


def filter_bank(filters: Tensor, mirror_low: bool = False) -> FilterBank:
    """Kernels of analysis and synthesis for ``filters [L, D]`` (dec_lo).

    The low pass is ``lo[k] = h[L-1-k]``, the high pass ``hi[k] = (-1)^k h[k]``: PyWavelets' ``dec_hi``
    reversed. With ``mirror_low`` the low pass of channel d is taken from channel D-1-d:
    the original's defect, kept to import its checkpoints.
    """
    signs = torch.ones_like(filters[:, :1])
    signs[1::2] = -1
    low = filters.flip(0, 1) if mirror_low else filters.flip(0)
    return FilterBank(depthwise_kernel(low), depthwise_kernel(filters * signs))


def wavedec(
    x: Tensor,
    filters: Tensor,
    level: int,
    boundary: str = "zero",
    lengths: Tensor | None = None,
    *,
    mirror_low: bool = False,
) -> list[Tensor]:
    """Analyse a signal into the bands of ``level`` levels.

    Args:
        x: signal [B, N, D], N >= 1, float32 or float64.
        filters: low-pass taps [L, D] in PyWavelets' ``dec_lo`` order, L even, dtype of ``x``.
        level: number of levels J >= 1.
        boundary: ``zero``, ``reflect``, ``periodic`` or ``upstream``.
        lengths: samples of each row, int64 [B]; None means all N. A row's coefficients are those of
            the row alone; what stands beyond its own bands is not meaningful.
        mirror_low: the original's channel flip, see :func:`filter_bank`.

    Returns:
        ``[cA_J, cD_J, ..., cD_1]``, each [B, band length, D].

    Raises:
        ValueError: odd L, level < 1, unknown boundary, or shapes and dtypes that do not agree.
    """
    check_transform(filters, level, boundary)
    _check_signal(x, filters)
    bank = filter_bank(filters, mirror_low)
    approximation, details = x, []
    if boundary == "zero":
        # Coefficients past a row's own band are then zero by themselves, at every level.
        approximation = zero_pads(x, lengths)
    for _ in range(level):
        approximation, detail = _analyse(approximation, bank, boundary, lengths)
        details.append(detail)
        if lengths is not None:
            lengths = band_length(lengths, bank.taps, boundary)
    return [approximation, *reversed(details)]


def waverec(
    coeffs: Sequence[Tensor],
    filters: Tensor,
    length: int | None = None,
    boundary: str = "zero",
    lengths: Tensor | None = None,
    *,
    mirror_low: bool = False,
) -> Tensor:
    """Synthesise a signal: the transpose of :func:`wavedec`, its inverse where it is orthonormal.

    Args:
        coeffs: ``[cA_J, cD_J, ..., cD_1]``, each [B, band length, D].
        filters: the low-pass taps [L, D] of the analysis.
        length: samples wanted; None gives the natural length (N, or N + 1 where N was odd).
        boundary: as in :func:`wavedec`.
        lengths: samples of each row, int64 [B]; the result is zero beyond them.
        mirror_low: as in :func:`wavedec`.

    Returns:
        The signal [B, length, D].

    Raises:
        ValueError: as :func:`wavedec`, bands whose lengths do not fit together, or a ``length``
            that the bands cannot give.
    """
    check_transform(filters, len(coeffs) - 1, boundary)
    for band in coeffs:
        _check_signal(band, filters)
    bank = filter_bank(filters, mirror_low)
    approximation, details = coeffs[0], coeffs[1:]
    targets = [detail.shape[1] for detail in details[1:]]
    row_bands: list[Tensor | None] = [None] * (len(details) + 1)
    if lengths is not None:
        # Lengths of cA_J, then of what each step gives: cD_{J-1}'s, ..., cD_1's, the signal's.
        row_bands = [*band_lengths(lengths, bank.taps, len(details), boundary)[1:], lengths]
    for step, detail in enumerate(details):
        if approximation.shape[1] != detail.shape[1]:
            raise ValueError(
                f"the approximation and the detail of a level differ in length: "
                f"{approximation.shape[1]} and {detail.shape[1]}"
            )
        natural = natural_length(detail.shape[1], bank.taps, boundary)
        wanted = targets[step] if step < len(targets) else length
        if wanted is None:
            wanted = natural
        elif step < len(targets) and not 0 <= natural - wanted <= 1:
            raise ValueError(f"cD of length {wanted} does not follow a level that gives {natural}")
        elif wanted > natural or wanted < 1:
            raise ValueError(f"length {wanted} is out of reach: the bands give {natural} samples")
        approximation = _synthesise(
            approximation, detail, bank, boundary, wanted, row_bands[step], row_bands[step + 1]
        )
    return approximation


def check_transform(filters: Tensor, level: int, boundary: str) -> None:
    """Raise ``ValueError`` for taps, a level or a boundary that no transform can have."""
    check_boundary(boundary)
    if level < 1:
        raise ValueError(f"level must be at least 1, not {level}")
    if filters.dim() != 2:
        raise ValueError(f"filters must be [taps, channels], not {list(filters.shape)}")
    if filters.shape[0] < 2 or filters.shape[0] % 2:
        raise ValueError(f"taps must be even and at least 2, not {filters.shape[0]}")


def _check_signal(x: Tensor, filters: Tensor) -> None:
    if x.dim() != 3 or x.shape[1] < 1:
        raise ValueError(f"a signal must be [batch, length >= 1, channels], not {list(x.shape)}")
    if x.shape[2] != filters.shape[1]:
        raise ValueError(f"the signal has {x.shape[2]} channels, the filters {filters.shape[1]}")
    if x.dtype != filters.dtype:
        raise ValueError(f"the signal is {x.dtype}, the filters are {filters.dtype}")


def _analyse(
    x: Tensor, bank: FilterBank, boundary: str, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    length = x.shape[1]
    extended = 2 * (band_length(length, bank.taps, boundary) - 1) + bank.taps
    if boundary == "zero":
        left = left_extension(bank.taps, boundary)
        x = F.pad(x, (0, 0, left, extended - left - length))
    else:
        rows = length if lengths is None else lengths
        index = extension_index(rows, extended, bank.taps, boundary).to(x.device)
        x = gather_rows(x, index)
    return correlate(x, bank.low, stride=2), correlate(x, bank.high, stride=2)


def _synthesise(
    approximation: Tensor,
    detail: Tensor,
    bank: FilterBank,
    boundary: str,
    length: int,
    rows_in: Tensor | None,
    rows_out: Tensor | None,
) -> Tensor:
    band, start = detail.shape[1], left_extension(bank.taps, boundary)
    if boundary == "periodic":
        # What wraps round in the result comes from the coefficients' own periodic continuation.
        wrap = bank.taps // 4
        position = torch.arange(-wrap, band + wrap, device=detail.device)
        index = position % (band if rows_in is None else rows_in[:, None])
        approximation, detail = gather_rows(approximation, index), gather_rows(detail, index)
        start += 2 * wrap
    else:
        approximation, detail = zero_pads(approximation, rows_in), zero_pads(detail, rows_in)
    samples = spread(approximation, bank.low, stride=2) + spread(detail, bank.high, stride=2)
    return zero_pads(samples[:, start : start + length], rows_out)
