"""The lifting scheme with learned predict and update filters, circular over each row's own length.

One level splits a signal into even samples e and odd samples o, then ``d = o - P(e)`` and
``s = e + U(d)``; the inverse undoes the two steps in reverse order, so it is exact for *any* predict
P and update U. Learned: ``P(e) = silu(C(e, predict)) / 2``,
``U(d) = silu(C(d, update)) / 4`` with ``C(x, w)[n] = sum_k x[(n + k) mod len] w[k]``. Fixed:
``P(e)[n] = (e[n] + e[n+1]) / 2``, ``U(d)[n] = (d[n-1] + d[n]) / 4``, like the 5/3 wavelet.

Shapes: B batch, N length, D channels, L taps, J levels. Source: the original's LiftWavSpA.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from wavspa.wavelets.boundaries import band_lengths
from wavspa.wavelets.depthwise import correlate, depthwise_kernel
from wavspa.wavelets.ragged import gather_rows, zero_pads


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
        ValueError: level < 1, or filters that do not fit each other or the signal.
    """
    if level < 1:
        raise ValueError(f"level must be at least 1, not {level}")
    _check(x, predict, update)
    smooth, details = x, []
    for _ in range(level):
        smooth = F.pad(zero_pads(smooth, lengths), (0, 0, 0, smooth.shape[1] % 2))
        even, odd = smooth[:, 0::2], smooth[:, 1::2]
        if lengths is not None:
            lengths = (lengths + 1) // 2
        detail = odd - _predict(even, predict, lengths)
        smooth = even + _update(detail, update, lengths)
        details.append(detail)
    return [smooth, *reversed(details)]


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
        length: samples wanted; None gives twice the length of d_1.
        lengths: samples of each row, int64 [B]; the result is zero beyond them.

    Returns:
        The signal [B, length, D].

    Raises:
        ValueError: as :func:`lifting_dec`, or bands and ``length`` that do not fit together.
    """
    if len(coeffs) < 2:
        raise ValueError("coeffs must hold an approximation and at least one detail band")
    for band in coeffs:
        _check(band, predict, update)
    smooth, details = coeffs[0], coeffs[1:]
    rows: list[Tensor | None] = [None] * (len(details) + 1)
    if lengths is not None:
        rows = [*band_lengths(lengths, 2, len(details), "periodic")[1:], lengths]
    for step, detail in enumerate(details):
        half = detail.shape[1]
        if not 0 <= smooth.shape[1] - half <= 1:
            raise ValueError(f"a detail of length {half} does not fit {smooth.shape[1]} samples")
        even = smooth[:, :half] - _update(detail, update, rows[step])
        odd = detail + _predict(even, predict, rows[step])
        smooth = zero_pads(torch.stack([even, odd], dim=2).flatten(1, 2), rows[step + 1])
    if length is not None and not 1 <= length <= smooth.shape[1]:
        raise ValueError(
            f"length {length} is out of reach: the bands give {smooth.shape[1]} samples"
        )
    return smooth[:, :length]


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
    batch, length, channels = x.shape
    taps = min(filters.shape[0], length)
    filters = filters[:taps]
    kernel = depthwise_kernel(filters)
    position = torch.arange(length + taps - 1, device=x.device)
    if lengths is None:
        return correlate(gather_rows(x, position % length), kernel)
    result = correlate(gather_rows(x, position % lengths[:, None]), kernel)
    # Rows shorter than the filter wrap round it: they use their first `len` taps only, which makes
    # filters of their own. The rows become channels, and only the first `taps` places matter.
    used = torch.arange(taps, device=x.device)[:, None] < lengths
    own = (filters[:, None] * used[..., None]).view(taps, batch * channels)
    wrapped = gather_rows(x, position[: 2 * taps - 1] % lengths[:, None])
    wrapped = wrapped.transpose(0, 1).reshape(1, 2 * taps - 1, batch * channels)
    short = correlate(wrapped, depthwise_kernel(own)).view(taps, batch, channels).transpose(0, 1)
    is_short = (lengths < taps)[:, None, None]
    head = torch.where(is_short, short, result[:, :taps])
    return torch.cat([head, result[:, taps:]], dim=1)


def _check(x: Tensor, predict: Tensor | None, update: Tensor | None) -> None:
    if x.dim() != 3 or x.shape[1] < 1:
        raise ValueError(f"a signal must be [batch, length >= 1, channels], not {list(x.shape)}")
    if (predict is None) != (update is None):
        raise ValueError("give both filters, predict and update, or neither")
    for name, filters in (("predict", predict), ("update", update)):
        if filters is None:
            continue
        if filters.dim() != 2 or filters.shape[0] < 1 or filters.shape[1] != x.shape[2]:
            raise ValueError(
                f"{name} must be [taps, {x.shape[2]} channels], not {list(filters.shape)}"
            )
        if filters.dtype != x.dtype:
            raise ValueError(f"the signal is {x.dtype}, {name} is {filters.dtype}")
