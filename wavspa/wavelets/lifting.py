"""The lifting scheme with learned predict and update filters, circular over each row's own length.

One level splits a signal into even samples e and odd samples o, then ``d = o - P(e)`` and
``s = e + U(d)``; the inverse undoes the two steps in reverse order, so it is exact for *any* predict
P and update U. Learned: ``P(e) = silu(C(e, predict)) / 2``,
``U(d) = silu(C(d, update)) / 4`` with ``C(x, w)[n] = sum_k x[(n + k) mod len] w[k]``. Fixed:
``P(e)[n] = (e[n] + e[n+1]) / 2``, ``U(d)[n] = (d[n-1] + d[n]) / 4``, like the 5/3 wavelet.

Shapes: B batch, N length, D channels, L taps, J levels. Source: upstream's LiftWavSpA.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from wavspa.tracing import is_exporting, is_mapped
from wavspa.wavelets.boundaries import PERIODIC, approximation_lengths
from wavspa.wavelets.primitives import (
    check_lengths,
    correlate,
    depthwise_kernel,
    gather_rows,
    zero_pads,
)


def lifting_dec(
    x: Tensor,
    predict: Tensor | None,
    update: Tensor | None,
    level: int,
    lengths: Tensor | None = None,
) -> list[Tensor]:
    """Analyse a signal by lifting.

    Args:
        x: signal [B, N, D], N >= 1; an odd length is completed by one zero at every level.
        predict: predict filters [L, D], or None (with ``update``) for the fixed 5/3-like lifting.
        update: update filters [L, D]. Taps beyond the length of a half signal are ignored.
        level: number of levels J >= 1.
        lengths: samples of each row, int64 [B]; None means all N.

    Returns:
        ``[s_J, d_J, ..., d_1]``; each level halves the length, rounded up.

    Raises:
        ValueError: level < 1, lengths that do not fit the signal, or filters that do not fit each
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
        predict: as in :func:`lifting_dec`.
        update: as in :func:`lifting_dec`.
        length: samples wanted; None means twice the length of d_1.
        lengths: samples of each row, int64 [B]; the result is zero beyond them.

    Returns:
        The signal [B, length, D].

    Raises:
        ValueError: as :func:`lifting_dec`, or bands and ``length`` that do not fit together.
    """
    if len(coeffs) < 2:
        raise ValueError("coeffs must hold an approximation and at least one detail band")
    lengths = check_lengths(lengths, coeffs[0], length or 2 * coeffs[-1].shape[1])
    return synthesise(coeffs, predict, update, length, row_lengths(lengths, len(coeffs) - 1))


def row_lengths(lengths: Tensor | None, level: int) -> list[Tensor | None]:
    """Lengths [B] of each row in the signal and in its approximations at levels 1..J; None: all full.

    Raises:
        ValueError: level < 1.
    """
    if level < 1:
        raise ValueError(f"level must be at least 1, got {level}")
    if lengths is None:
        return [None] * (level + 1)
    return [*approximation_lengths(lengths, 2, level, PERIODIC)]


def analyse(
    x: Tensor, predict: Tensor | None, update: Tensor | None, rows: Sequence[Tensor | None]
) -> list[Tensor]:
    """:func:`lifting_dec` whose ``rows`` come from :func:`row_lengths`."""
    _check(x, predict, update)
    smooth, details = x, []
    for whole_rows, half_rows in pairwise(rows):
        half = (smooth.shape[1] + 1) // 2
        # More zeros than are needed, of which some are cut off again: no branch on the length.
        smooth = F.pad(zero_pads(smooth, whole_rows), (0, 0, 0, 2))[:, : 2 * half]
        even, odd = smooth.unflatten(1, (half, 2)).unbind(2)
        detail = odd - _predict(even, predict, half_rows)
        smooth = even + _update(detail, update, half_rows)
        details.append(detail)
    return [smooth, *reversed(details)]


def synthesise(
    coeffs: Sequence[Tensor],
    predict: Tensor | None,
    update: Tensor | None,
    length: int | None,
    rows: Sequence[Tensor | None],
) -> Tensor:
    """:func:`lifting_rec` whose ``rows`` come from :func:`row_lengths`."""
    for band in coeffs:
        _check(band, predict, update)
    smooth, details = coeffs[0], coeffs[1:]
    for detail, (half_rows, whole_rows) in zip(details, pairwise(reversed(rows)), strict=True):
        half = detail.shape[1]
        if not 0 <= smooth.shape[1] - half <= 1:
            raise ValueError(f"a detail of length {half} does not fit {smooth.shape[1]} samples")
        even = _head(smooth, half) - _update(detail, update, half_rows)
        odd = detail + _predict(even, predict, half_rows)
        smooth = zero_pads(torch.stack([even, odd], dim=2).flatten(1, 2), whole_rows)
    if length is not None and not 1 <= length <= smooth.shape[1]:
        raise ValueError(
            f"length {length} is out of reach: the bands give {smooth.shape[1]} samples"
        )
    return smooth if length is None else _head(smooth, length)


def _head(x: Tensor, length: int) -> Tensor:
    """The first ``length`` places of ``x [B, N, D]``."""
    if is_exporting():
        # There is then something to cut off always: no branch on whether lengths are odd.
        x = F.pad(x, (0, 0, 0, 1))
    return x[:, :length]


def _predict(even: Tensor, predict: Tensor | None, lengths: Tensor | None) -> Tensor:
    if predict is None:
        return (even + _shift(even, 1, lengths)) / 2
    return F.silu(_circular(even, predict, lengths)) / 2


def _update(detail: Tensor, update: Tensor | None, lengths: Tensor | None) -> Tensor:
    if update is None:
        return (_shift(detail, -1, lengths) + detail) / 4
    return F.silu(_circular(detail, update, lengths)) / 4


def _shift(x: Tensor, places: int, lengths: Tensor | None) -> Tensor:
    """``x[(n + places) mod len]`` for each row's own length."""
    if lengths is None:
        return x.roll(-places, dims=1)
    position = torch.arange(x.shape[1], device=x.device) + places
    return gather_rows(x, position % lengths[:, None])


def _circular(x: Tensor, filters: Tensor, lengths: Tensor | None) -> Tensor:
    """``C(x, w)`` of the module's docstring for ``x [B, N, D]`` and ``filters [L, D]``."""
    length, taps = x.shape[1], filters.shape[0]
    tap = torch.arange(taps, device=x.device)[:, None]
    if lengths is None:
        position = torch.arange(length + taps - 1, device=x.device)
        kernel = depthwise_kernel(filters * (tap < length))
        return correlate(gather_rows(x, position % length), kernel)
    # At least `taps` places; of an exported program always more, so that it has no branch on the length.
    more = taps if is_exporting() else max(taps - length, 0)
    position = torch.arange(length + more + taps - 1, device=x.device)
    result = correlate(gather_rows(x, position % lengths[:, None]), depthwise_kernel(filters))
    # Rows shorter than the filter wrap round it: they use their first `len` taps only, which makes
    # filters of their own, and only the first `taps` places matter.
    own = filters[:, None] * (tap < lengths)[..., None]
    short = _row_by_row(gather_rows(x, position[: 2 * taps - 1] % lengths[:, None]), own)
    is_short = (lengths < taps)[:, None, None]
    head = torch.where(is_short, short, result[:, :taps])
    return torch.cat([head, result[:, taps:]], dim=1)[:, :length]


def _row_by_row(x: Tensor, filters: Tensor) -> Tensor:
    """Correlate ``x [B, 2 L - 1, D]`` with ``filters [L, B, D]``, of each row its own -> [B, L, D]."""
    taps, batch, channels = filters.shape
    if is_exporting() or is_mapped():
        # ONNX and vmap have no convolution whose number of groups depends on the batch.
        return torch.einsum("bndk,kbd->bnd", x.unfold(1, taps, 1), filters)
    if batch == 0:
        return x[:, :taps]
    rows_as_channels = x.transpose(0, 1).reshape(1, 2 * taps - 1, batch * channels)
    kernel = depthwise_kernel(filters.view(taps, batch * channels))
    return correlate(rows_as_channels, kernel).view(taps, batch, channels).transpose(0, 1)


def _check(x: Tensor, predict: Tensor | None, update: Tensor | None) -> None:
    if x.dim() != 3 or x.shape[1] < 1:
        raise ValueError(f"a signal must be [batch, length >= 1, channels], got {list(x.shape)}")
    if (predict is None) != (update is None):
        raise ValueError("give both filters, predict and update, or neither")
    for name, filters in (("predict", predict), ("update", update)):
        if filters is None:
            continue
        if filters.dim() != 2 or filters.shape[0] < 1 or filters.shape[1] != x.shape[2]:
            raise ValueError(
                f"{name} must be [taps, {x.shape[2]} channels], got {list(filters.shape)}"
            )
        if filters.dtype != x.dtype:
            raise ValueError(f"the signal is {x.dtype}, {name} is {filters.dtype}")
