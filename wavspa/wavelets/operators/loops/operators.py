"""The three operators in Numba, with the signatures and results of :mod:`wavspa.wavelets.operators.plain`.

Signals, bands and filters are float32 on a CPU and may have any strides; outputs are contiguous.
"""

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from wavspa.compiled import share
from wavspa.wavelets.boundaries import EXTENSIONS
from wavspa.wavelets.operators.loops import kernels
from wavspa.wavelets.operators.loops.vectors import GROUP, LANES
from wavspa.wavelets.operators.plain import filter_pair, merge_gradients, row_bands

# Coefficients in a unit of the analysis: enough to outweigh its overhead, few enough for many threads.
CHUNK = 512


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
    """See :func:`wavspa.wavelets.operators.plain.analysis`."""
    (batch, samples, channels), taps = x.shape, filters.shape[0]
    x, *filter_tensors = _whole(x, *filter_pair(filters, mirror_low))
    width = x.shape[2]
    low, high = x.new_empty(batch, bands, width), x.new_empty(batch, bands, width)
    units = batch * -(-bands // CHUNK) * -(-width // GROUP)
    share(
        kernels.analyse,
        units,
        *_flat(x, *filter_tensors, low, high),
        (samples, bands, width, taps),
        *_rows(extension, batch, samples, bands, taps, lengths),
        CHUNK,
    )
    return _cut(low, channels).to(low_dtype), _cut(high, channels).to(high_dtype)


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
    """See :func:`wavspa.wavelets.operators.plain.synthesis`."""
    (batch, bands, channels), taps = low.shape, filters.shape[0]
    low, high, *filter_tensors = _whole(low, high, *filter_pair(filters, mirror_low))
    width = low.shape[2]
    x = low.new_empty(batch, samples, width)
    share(
        kernels.synthesise,
        batch * -(-width // GROUP),
        *_flat(low, high, *filter_tensors, x),
        (samples, bands, width, taps),
        *_rows(extension, batch, samples, bands, taps, lengths),
        CHUNK,
    )
    return _cut(x, channels).to(dtype)


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
    """See :func:`wavspa.wavelets.operators.plain.filter_gradient`."""
    (batch, samples, channels), bands = x.shape, low.shape[1]
    x, low, high = _whole(x, low, high)
    width, parts = x.shape[2], batch * -(-bands // kernels.RUN)
    partial = x.new_zeros(parts, 2, taps, width)
    share(
        kernels.differentiate,
        parts * -(-width // GROUP),
        *_flat(x, low, high, partial),
        (samples, bands, width, taps),
        *_rows(extension, batch, samples, bands, taps, lengths),
        kernels.RUN,
    )
    low_gradient, high_gradient = _cut(partial.sum(0), channels)
    return merge_gradients(low_gradient, high_gradient, mirror_low).to(dtype)


def _whole(*tensors: Tensor) -> list[Tensor]:
    """Contiguous tensors whose channels fill complete vectors, padded with zeros."""
    missing = -tensors[0].shape[-1] % LANES
    return [(F.pad(x, (0, missing)) if missing else x).contiguous() for x in tensors]


def _cut(x: Tensor, channels: int) -> Tensor:
    return x if x.shape[-1] == channels else x[..., :channels].contiguous()


def _flat(*tensors: Tensor) -> list[object]:
    return [x.detach().view(-1).numpy() for x in tensors]


def _rows(
    extension: str, batch: int, samples: int, bands: int, taps: int, lengths: Tensor | None
) -> tuple[object, ...]:
    """The arguments of a loop on rows: table of indices, samples and coefficients of each, places before."""
    # The loops do not check indices: no row may be longer than the tensor.
    lengths = None if lengths is None else lengths.clamp(0, samples)
    own = None if lengths is None else row_bands(lengths, bands, taps, extension).tolist()
    ends = None if lengths is None else lengths.tolist()
    index = _table(extension, samples, bands, taps, None if ends is None else tuple(ends))
    return (
        index.numpy(),
        torch.tensor([samples] * batch if ends is None else ends, dtype=torch.int64).numpy(),
        torch.tensor([bands] * batch if own is None else own, dtype=torch.int64).numpy(),
        EXTENSIONS[extension].left_extension(taps),
    )


# Two a level: enough for the blocks of one step, which share lengths that the next step does not have.
@functools.lru_cache(maxsize=16)
def _table(
    extension: str, samples: int, bands: int, taps: int, ends: Sequence[int] | None
) -> Tensor:
    """Which sample each place of an extended row is, int64 [rows or 1, places]; -1: none."""
    rows = torch.tensor([samples] if ends is None else ends, dtype=torch.int64)
    boundary = EXTENSIONS[extension]
    own = torch.tensor([bands]) if ends is None else row_bands(rows, bands, taps, extension)
    # Enough places after the last one, so that a strip or block that begins in the row ends in the table.
    places = 2 * bands + taps + 2 * kernels.BLOCK
    if boundary.is_zero:
        index = (torch.arange(places) - boundary.left_extension(taps)).expand(len(rows), -1)
        index = index.masked_fill(index < 0, -1)
    else:
        index = boundary.source_index(rows, own, places, taps)
    return index.masked_fill(index >= rows[:, None], -1).contiguous()
