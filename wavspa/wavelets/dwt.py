"""The discrete wavelet transform with a separate filter for each channel, and its inverse.

One analysis level is two depthwise convolutions with stride 2 (low and high pass) of the extended
signal; one synthesis level is their transpose. Both are operators (:mod:`wavspa.wavelets.operators`):
plain torch, or Triton's kernels on a GPU.

Shapes: B batch, N length, D channels, L taps, J levels. Source: Mallat's pyramid; conventions are
PyWavelets' (``dec_lo`` order, ``[cA_J, cD_J, ..., cD_1]``).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from wavspa.wavelets.boundaries import (
    Boundary,
    approximation_lengths,
    check_level,
    find_boundary,
)
from wavspa.wavelets.filters import check_taps
from wavspa.wavelets.operators import analyse_level, synthesise_level
from wavspa.wavelets.primitives import check_lengths, check_levels, check_same_rows


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
        x: Signal [B, N, D], N >= 1, float32, float64 or a half type (whose bands are float32).
        filters: Low-pass taps [L, D] in PyWavelets' ``dec_lo`` order, L even, dtype of ``x`` (float32
            for half types).
        level: Number of levels J >= 1.
        boundary: ``zero``, ``reflect``, ``periodic`` or ``upstream``.
        lengths: Number of samples in each row, int64 [B]; None means all N. A row's coefficients are those
            of the row alone; values beyond its own bands are not meaningful.
        mirror_low: The low pass of channel d is that of channel D-1-d: upstream's defect, kept to import
            its checkpoints.

    Returns:
        ``[cA_J, cD_J, ..., cD_1]``, each [B, band length, D].

    Raises:
        ValueError: Odd L, level < 1, unknown boundary, or shapes, dtypes or lengths that do not fit.
    """
    extension = find_boundary(boundary)
    rows = row_lengths(check_lengths(lengths, x), filters, level, extension)
    return analyse(x, filters, rows, extension, mirror_low)


def waverec(
    coeffs: Sequence[Tensor],
    filters: Tensor,
    length: int | None = None,
    boundary: str = "zero",
    lengths: Tensor | None = None,
    *,
    mirror_low: bool = False,
) -> Tensor:
    """Synthesise a signal: the transpose of :func:`wavedec`, and its inverse if it is orthonormal.

    Args:
        coeffs: ``[cA_J, cD_J, ..., cD_1]``, each [B, band length, D].
        filters: The low-pass taps [L, D] of the analysis.
        length: Number of samples to return; None is the natural length (N, or N + 1 if N was odd).
        boundary: As in :func:`wavedec`.
        lengths: Number of samples in each row, int64 [B]; the result is zero beyond them.
        mirror_low: As in :func:`wavedec`.

    Returns:
        The signal [B, length, D].

    Raises:
        ValueError: As :func:`wavedec`, fewer than two bands, bands whose shapes do not fit together,
            or a ``length`` that the bands cannot restore.
    """
    check_levels(coeffs)
    extension = find_boundary(boundary)
    longest = length or extension.natural_length(coeffs[-1].shape[1], len(filters))
    lengths = check_lengths(lengths, coeffs[0], longest)
    rows = row_lengths(lengths, filters, len(coeffs) - 1, extension)
    return synthesise(coeffs, filters, length, rows, extension, mirror_low)


def row_lengths(
    lengths: Tensor | None, filters: Tensor, level: int, boundary: Boundary
) -> list[Tensor | None]:
    """Lengths [B] of each row in the signal and in its approximations at levels 1..J; None: all full.

    Raises:
        ValueError: Level < 1, or filters that are not [L, D] with an even L.
    """
    check_level(level)
    if filters.dim() != 2:
        raise ValueError(f"filters must be [taps, channels], got {list(filters.shape)}")
    check_taps(filters.shape[0])
    if lengths is None:
        return [None] * (level + 1)
    return [*approximation_lengths(lengths, filters.shape[0], level, boundary)]


def analyse(
    x: Tensor,
    filters: Tensor,
    rows: Sequence[Tensor | None],
    boundary: Boundary,
    mirror_low: bool = False,
    dtype: torch.dtype | None = None,
) -> list[Tensor]:
    """:func:`wavedec` whose ``rows`` come from :func:`row_lengths`.

    Bands have ``dtype`` (None: that of the filters); between levels the approximation keeps the filters'.
    """
    _check_signal(x, filters)
    dtype = dtype or filters.dtype
    approximation, details = x, []
    for step, lengths in enumerate(rows[:-1], start=1):
        approximation, detail = analyse_level(
            approximation,
            filters,
            boundary,
            lengths,
            mirror_low=mirror_low,
            approximation_dtype=dtype if step == len(rows) - 1 else filters.dtype,
            detail_dtype=dtype,
        )
        details.append(detail)
    return [approximation, *reversed(details)]


def synthesise(
    coeffs: Sequence[Tensor],
    filters: Tensor,
    length: int | None,
    rows: Sequence[Tensor | None],
    boundary: Boundary,
    mirror_low: bool = False,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """:func:`waverec` whose ``rows`` come from :func:`row_lengths`; in ``dtype`` (None: the filters')."""
    for band in coeffs:
        _check_signal(band, filters)
    check_same_rows(coeffs)
    taps, approximation, details = len(filters), coeffs[0], coeffs[1:]
    targets = [detail.shape[1] for detail in details[1:]]
    for step, (detail, lengths) in enumerate(zip(details, reversed(rows[:-1]), strict=True)):
        if approximation.shape[1] != detail.shape[1]:
            raise ValueError(
                f"the approximation and the detail of a level differ in length: "
                f"{approximation.shape[1]} and {detail.shape[1]}"
            )
        natural = boundary.natural_length(detail.shape[1], taps)
        is_last = step == len(targets)
        wanted = length if is_last else targets[step]
        if wanted is None:
            wanted = natural
        elif not is_last and not 0 <= natural - wanted <= 1:
            raise ValueError(f"cD of length {wanted} does not follow a level of length {natural}")
        elif wanted > natural or wanted < 1:
            raise ValueError(f"length {wanted} is impossible: the bands restore {natural} samples")
        approximation = synthesise_level(
            approximation,
            detail,
            filters,
            wanted,
            boundary,
            lengths,
            mirror_low=mirror_low,
            dtype=(dtype if is_last else None) or filters.dtype,
        )
    return approximation


def _check_signal(x: Tensor, filters: Tensor) -> None:
    if x.dim() != 3 or x.shape[1] < 1:
        raise ValueError(f"a signal must be [batch, length >= 1, channels], got {list(x.shape)}")
    if x.shape[2] != filters.shape[1]:
        raise ValueError(f"the signal has {x.shape[2]} channels, the filters {filters.shape[1]}")
    summed = torch.promote_types(x.dtype, torch.float32)
    if not x.is_floating_point() or summed != filters.dtype:
        raise ValueError(f"the signal is {x.dtype}, the filters are {filters.dtype}")
