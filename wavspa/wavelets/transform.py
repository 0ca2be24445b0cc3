"""The discrete wavelet transform, whose channels each have their own filter, and its inverse.

One analysis level is two depthwise convolutions with stride 2 (low and high pass) of the extended
signal; one synthesis level is their transpose. Both are operators (:mod:`wavspa.wavelets.operators`):
plain torch, or Triton's kernels on a GPU.

Shapes: B batch, N length, D channels, L taps, J levels. Source: Mallat's pyramid; conventions are
PyWavelets' (``dec_lo`` order, ``[cA_J, cD_J, ..., cD_1]``).
"""

from collections.abc import Sequence

from torch import Tensor

from wavspa.wavelets.boundaries import (
    band_length,
    band_lengths,
    check_boundary,
    natural_length,
)
from wavspa.wavelets.operators import analyse_level, synthesise_level


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
        mirror_low: the low pass of channel d is channel D-1-d's: the original's defect, kept to import its
            checkpoints.

    Returns:
        ``[cA_J, cD_J, ..., cD_1]``, each [B, band length, D].

    Raises:
        ValueError: odd L, level < 1, unknown boundary, or shapes and dtypes that do not agree.
    """
    check_transform(filters, level, boundary)
    _check_signal(x, filters)
    taps, approximation, details = len(filters), x, []
    for _ in range(level):
        approximation, detail = analyse_level(
            approximation, filters, boundary, lengths, mirror_low=mirror_low
        )
        details.append(detail)
        if lengths is not None:
            lengths = band_length(lengths, taps, boundary)
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
    taps, approximation, details = len(filters), coeffs[0], coeffs[1:]
    targets = [detail.shape[1] for detail in details[1:]]
    rows: list[Tensor | None] = [None] * len(details)
    if lengths is not None:
        # Lengths of what each step gives: cD_{J-1}'s, ..., cD_1's, the signal's.
        rows = [*band_lengths(lengths, taps, len(details), boundary)[2:], lengths]
    for step, detail in enumerate(details):
        if approximation.shape[1] != detail.shape[1]:
            raise ValueError(
                f"the approximation and the detail of a level differ in length: "
                f"{approximation.shape[1]} and {detail.shape[1]}"
            )
        natural = natural_length(detail.shape[1], taps, boundary)
        wanted = targets[step] if step < len(targets) else length
        if wanted is None:
            wanted = natural
        elif step < len(targets) and not 0 <= natural - wanted <= 1:
            raise ValueError(f"cD of length {wanted} does not follow a level that gives {natural}")
        elif wanted > natural or wanted < 1:
            raise ValueError(f"length {wanted} is out of reach: the bands give {natural} samples")
        approximation = synthesise_level(
            approximation, detail, filters, wanted, boundary, rows[step], mirror_low=mirror_low
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
