"""The lifting scheme with learned predict and update filters, circular over each row's own length.

One level splits a signal into even samples e and odd samples o, then ``d = o - P(e)`` and
``s = e + U(d)``; the inverse undoes the two steps in reverse order, so it is exact for *any* predict
P and update U. Learned: ``P(e) = silu(C(e, predict)) / 2``,
``U(d) = silu(C(d, update)) / 4`` with ``C(x, w)[n] = sum_k x[(n + k) mod len] w[k]``. Fixed:
``P(e)[n] = (e[n] + e[n+1]) / 2``, ``U(d)[n] = (d[n-1] + d[n]) / 4``, like the 5/3 wavelet.

Shapes: B batch, N length, D channels, L taps, J levels. Source: upstream's LiftWavSpA.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from wavspa.wavelets.boundaries import PERIODIC, approximation_lengths, check_level
from wavspa.wavelets.operators.lifting import lift_level, unlift_level
from wavspa.wavelets.primitives import check_lengths, check_levels, check_same_rows


def lifting_dec(
    x: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    level: int,
    lengths: Tensor | None = None,
) -> list[Tensor]:
    """Analyse a signal by lifting.

    Args:
        x: Signal [B, N, D], N >= 1; at every level a signal of odd length gets one zero at its end.
        predict: Predict filters [L, D], or None (with ``update``) for the fixed 5/3-like lifting.
        update: Update filters [L, D]. Taps beyond the length of a half signal are ignored.
        level: Number of levels J >= 1.
        lengths: Number of samples in each row, int64 [B]; None means all N.

    Returns:
        ``[s_J, d_J, ..., d_1]``; each level halves the length, rounded up.

    Raises:
        ValueError: Level < 1, lengths that do not fit the signal, or filters that do not fit each
            other or the signal.
    """
    return analyse(x, predict, update, row_lengths(check_lengths(lengths, x), level))


def lifting_rec(
    coeffs: Sequence[Tensor],
    predict: Tensor | None,
    update: Tensor | None,
    length: int | None = None,
    lengths: Tensor | None = None,
) -> Tensor:
    """Synthesise a signal from the bands of :func:`lifting_dec`; exact for any filters.

    Args:
        coeffs: ``[s_J, d_J, ..., d_1]``, each [B, band length, D].
        predict: As in :func:`lifting_dec`.
        update: As in :func:`lifting_dec`.
        length: Number of samples to return; None means twice the length of d_1.
        lengths: Number of samples in each row, int64 [B]; the result is zero beyond them.

    Returns:
        The signal [B, length, D].

    Raises:
        ValueError: As :func:`lifting_dec`, fewer than two bands, or bands and ``length`` that do not
            fit together.
    """
    check_levels(coeffs)
    lengths = check_lengths(lengths, coeffs[0], length or 2 * coeffs[-1].shape[1])
    return synthesise(coeffs, predict, update, length, row_lengths(lengths, len(coeffs) - 1))


def row_lengths(lengths: Tensor | None, level: int) -> list[Tensor | None]:
    """Lengths [B] of each row in the signal and in its approximations at levels 1..J; None: all full.

    Raises:
        ValueError: Level < 1.
    """
    check_level(level)
    if lengths is None:
        return [None] * (level + 1)
    return [*approximation_lengths(lengths, 2, level, PERIODIC)]


def analyse(
    x: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    rows: Sequence[Tensor | None],
    dtype: torch.dtype | None = None,
) -> list[Tensor]:
    """:func:`lifting_dec` whose ``rows`` come from :func:`row_lengths`.

    Bands have ``dtype`` (None: that of ``x``); between levels the approximation is at least float32.
    """
    _check(x, predict, update)
    dtype, wide = dtype or x.dtype, torch.promote_types(x.dtype, torch.float32)
    smooth, details = x, []
    for step, lengths in enumerate(rows[:-1], start=1):
        smooth, detail = lift_level(
            smooth,
            predict,
            update,
            lengths,
            smooth_dtype=dtype if step == len(rows) - 1 else wide,
            detail_dtype=dtype,
        )
        details.append(detail)
    return [smooth, *reversed(details)]


def synthesise(
    coeffs: Sequence[Tensor],
    predict: Tensor | None,
    update: Tensor | None,
    length: int | None,
    rows: Sequence[Tensor | None],
    dtype: torch.dtype | None = None,
) -> Tensor:
    """:func:`lifting_rec` whose ``rows`` come from :func:`row_lengths`; in ``dtype`` (None: the bands')."""
    for band in coeffs:
        _check(band, predict, update)
    check_same_rows(coeffs)
    smooth, details = coeffs[0], coeffs[1:]
    dtype, wide = dtype or smooth.dtype, torch.promote_types(smooth.dtype, torch.float32)
    targets = [detail.shape[1] for detail in details[1:]]
    for step, (detail, lengths) in enumerate(zip(details, reversed(rows[:-1]), strict=True)):
        half, is_last = detail.shape[1], step == len(targets)
        if smooth.shape[1] != half:
            raise ValueError(f"a detail of length {half} does not fit {smooth.shape[1]} samples")
        if is_last and length is not None and not 1 <= length <= 2 * half:
            raise ValueError(f"length {length} is impossible: the bands restore {2 * half} samples")
        if not is_last and not 0 <= 2 * half - targets[step] <= 1:
            raise ValueError(f"a detail of length {targets[step]} does not fit {2 * half} samples")
        wanted = (length or 2 * half) if is_last else targets[step]
        smooth = unlift_level(
            smooth,
            detail,
            predict,
            update,
            wanted,
            lengths,
            dtype=dtype if is_last else wide,
        )
    return smooth


def _check(x: Tensor, predict: Tensor | None, update: Tensor | None) -> None:
    if x.dim() != 3 or x.shape[1] < 1:
        raise ValueError(f"a signal must be [batch, length >= 1, channels], got {list(x.shape)}")
    if not x.is_floating_point():
        raise ValueError(f"a signal must hold floating-point numbers, got {x.dtype}")
    if (predict is None) != (update is None):
        raise ValueError("give both filters, predict and update, or neither")
    for name, filters in (("predict", predict), ("update", update)):
        if filters is None:
            continue
        if filters.dim() != 2 or filters.shape[0] < 1 or filters.shape[1] != x.shape[2]:
            raise ValueError(
                f"{name} must be [taps, {x.shape[2]} channels], got {list(filters.shape)}"
            )
        if filters.dtype not in (x.dtype, torch.promote_types(x.dtype, torch.float32)):
            raise ValueError(f"the signal is {x.dtype}, {name} is {filters.dtype}")
