"""The three operators in plain torch: the bare formulas, on any device, in any mode.

With x a signal, c a band, f the band's filter and ``x~`` the extended signal
(:data:`wavspa.wavelets.boundaries.EXTENSIONS`), all three are
derivatives of one number, ``sum over b, m, k, d of f[k, d] c[b, m, d] x~[b, 2 m + k, d]``:

- *analysis* is its derivative by c, of both bands;
- *synthesis* by x: the transpose of analysis with the same extension;
- *filter gradient* by the filters.

torch itself differentiates these functions: forward and backward, under ``vmap`` and
``torch.export``. Shapes: x [B, N, D], bands [B, M, D], filters [L, D] (dec_lo), lengths int64 [B]
or None. Sums are float32 (float64 if an input is) for any dtype of inputs and outputs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from wavspa.wavelets.boundaries import EXTENSIONS
from wavspa.wavelets.primitives import (
    correlate,
    depthwise_kernel,
    full_precision,
    gather_rows,
    spread,
    zero_pads,
)


def analysis(
    x: Tensor,
    filters: Tensor,
    extension: str,
    bands: int,
    lengths: Tensor | None,
    mirror_low: bool,
    low_dtype: torch.dtype,
    high_dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """``c[m] = sum_k f[k] x~[2 m + k]`` of the low and the high pass; zero beyond a row's bands."""
    dtype, taps = _sum_dtype(x, filters), filters.shape[0]
    low_pass, high_pass = filter_pair(filters.to(dtype), mirror_low)
    extended = _extend(x.to(dtype), extension, bands, taps, lengths)
    with full_precision(x):
        low = correlate(extended, depthwise_kernel(low_pass), stride=2)
        high = correlate(extended, depthwise_kernel(high_pass), stride=2)
    if lengths is not None and not EXTENSIONS[extension].is_zero:
        # A row extended by zeros is zero beyond its bands anyway.
        own = row_bands(lengths, bands, taps, extension)
        low, high = zero_pads(low, own), zero_pads(high, own)
    return low.to(low_dtype), high.to(high_dtype)


def synthesis(
    low: Tensor,
    high: Tensor,
    filters: Tensor,
    extension: str,
    samples: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
) -> Tensor:
    """``x[n] = sum of f[k] c[m]`` over the coefficients that read sample n; zero beyond a row's samples."""
    sum_dtype, taps, bands = _sum_dtype(low, high, filters), filters.shape[0], low.shape[1]
    low_pass, high_pass = filter_pair(filters.to(sum_dtype), mirror_low)
    low, high = low.to(sum_dtype), high.to(sum_dtype)
    own: int | Tensor = bands
    if lengths is not None:
        own = row_bands(lengths, bands, taps, extension)
        low, high = zero_pads(low, own), zero_pads(high, own)
    start = EXTENSIONS[extension].left_extension(taps)
    if extension == "wrap":
        # The parts of the result that wrap around come from the periodic continuation of the bands.
        around = taps // 4
        index = torch.arange(-around, bands + around, device=low.device)
        index = index % (own[:, None] if isinstance(own, Tensor) else own)
        low, high = gather_rows(low, index), gather_rows(high, index)
        start += 2 * around
    with full_precision(low):
        spread_low = spread(low, depthwise_kernel(low_pass), stride=2)
        extended = spread_low + spread(high, depthwise_kernel(high_pass), stride=2)
    if extension in ("zero", "wrap"):
        x = extended[:, start : start + samples]
    else:
        rows = samples if lengths is None else lengths
        index = EXTENSIONS[extension].source_index(rows, own, extended.shape[1], taps)
        index = index.to(low.device)
        x = _scatter_rows(extended, index, samples)
    return zero_pads(x, lengths).to(dtype)


def filter_gradient(
    x: Tensor,
    low: Tensor,
    high: Tensor,
    extension: str,
    taps: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
) -> Tensor:
    """``g[k] = sum_b,m c[m] x~[2 m + k]`` of both bands, as a gradient of the filters [L, D]."""
    sum_dtype, bands = _sum_dtype(x, low, high), low.shape[1]
    low, high = low.to(sum_dtype), high.to(sum_dtype)
    if lengths is not None:
        own = row_bands(lengths, bands, taps, extension)
        low, high = zero_pads(low, own), zero_pads(high, own)
    extended = _extend(x.to(sum_dtype), extension, bands, taps, lengths)
    windows = [extended[:, k : k + 2 * bands - 1 : 2] for k in range(taps)]
    low_gradient = torch.stack([(low * window).sum((0, 1)) for window in windows])
    high_gradient = torch.stack([(high * window).sum((0, 1)) for window in windows])
    return merge_gradients(low_gradient, high_gradient, mirror_low).to(dtype)


def filter_pair(filters: Tensor, mirror_low: bool) -> tuple[Tensor, Tensor]:
    """``lo[k] = h[L-1-k]`` and ``hi[k] = (-1)^k h[k]``, [L, D].

    With ``mirror_low`` the low pass of channel d is channel D-1-d's.
    """
    low = filters.flip(0, 1) if mirror_low else filters.flip(0)
    return low, filters * _signs(filters)


def merge_gradients(low_gradient: Tensor, high_gradient: Tensor, mirror_low: bool) -> Tensor:
    """The filters' gradient from those of :func:`filter_pair`'s two."""
    mirrored = low_gradient.flip(0, 1) if mirror_low else low_gradient.flip(0)
    return mirrored + high_gradient * _signs(high_gradient)


def _signs(filters: Tensor) -> Tensor:
    signs = torch.ones_like(filters[:, :1])
    signs[1::2] = -1
    return signs


def _extend(x: Tensor, extension: str, bands: int, taps: int, lengths: Tensor | None) -> Tensor:
    """``x~``, [B, 2 (M - 1) + L, D]."""
    samples, extended, boundary = x.shape[1], 2 * (bands - 1) + taps, EXTENSIONS[extension]
    if boundary.is_zero:
        before = boundary.left_extension(taps)
        return F.pad(zero_pads(x, lengths), (0, 0, before, extended - before - samples))
    rows: int | Tensor = samples if lengths is None else lengths
    own = bands if lengths is None else row_bands(lengths, bands, taps, extension)
    index = boundary.source_index(rows, own, extended, taps).to(x.device)
    if extension != "wrap":
        return gather_rows(x, index)
    nothing = index >= (rows[:, None] if isinstance(rows, Tensor) else rows)
    return gather_rows(x, index.clamp(max=samples - 1)).masked_fill(nothing[..., None], 0)


def _scatter_rows(extended: Tensor, index: Tensor, samples: int) -> Tensor:
    """The transpose of :func:`gather_rows`: [B, E, D] -> [B, samples, D]."""
    batch, _, channels = extended.shape
    if index.dim() == 1:
        return extended.new_zeros(batch, samples, channels).index_add(1, index, extended)
    offsets = torch.arange(batch, device=index.device)[:, None] * samples
    flat = extended.new_zeros(batch * samples, channels)
    flat = flat.index_add(0, (index + offsets).flatten(), extended.flatten(0, 1))
    return flat.view(batch, samples, channels)


def row_bands(lengths: Tensor, bands: int, taps: int, extension: str) -> Tensor:
    """Coefficients of each row of ``lengths`` samples, int64 [B], at most ``bands``."""
    return EXTENSIONS[extension].band_length(lengths, taps).clamp(max=bands)


def _sum_dtype(*tensors: Tensor) -> torch.dtype:
    return torch.float64 if any(t.dtype == torch.float64 for t in tensors) else torch.float32
