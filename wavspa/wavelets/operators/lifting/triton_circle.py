# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
# It does not support starred tuples.
# ruff: noqa: RUF005
"""Circular correlations that the lifting kernels share, and the ends of a row's halves.

``C(x, w)[n] = sum_k x[(n + k) mod half] w[k]`` over the taps ``k < half``, and its transpose, which
reads ``x[(n - k) mod half]``. A program owns a row, TD channels and G strips of T places; a thread
walks along its strip's samples once. STEP is the distance between two samples of a half in memory, so that
the halves of a signal are read in place.
"""

import triton
import triton.language as tl

from wavspa.wavelets.operators.triton_rows import load_channels, replaced, zero_tiles


@triton.jit
def row_halves(lengths, row, samples, RAGGED: tl.constexpr):
    """Even and odd samples of one row, in int32; a row's bands are as long as its even half."""
    if RAGGED:
        length = tl.minimum(tl.load(lengths + row), samples).to(tl.int32)
        return (length + 1) // 2, length // 2
    else:
        return (samples + 1) // 2, samples // 2


@triton.jit
def load_places(
    row_pointer, start, strip, channel, mask, own,
    STEP: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """The sample at ``start + strip`` of each strip; zero from ``own`` onwards."""
    if EDGE:
        place = start + strip
        pointers = row_pointer + place.to(tl.int64)[:, None] * STEP + channel[None, :]
        kept = (place < own)[:, None] & mask[None, :]
        return tl.load(pointers, mask=kept, other=0.0).to(tl.float32)
    else:
        # 64 bits for offsets that grow with the row, 32 bits inside the tile.
        tile = row_pointer + start.to(tl.int64) * STEP
        pointers = tile + (strip * STEP)[:, None] + channel[None, :]
        return load_channels(pointers, mask[None, :], WHOLE)


@triton.jit
def store_places(
    row_pointer, start, strip, channel, mask, value, own, places,
    STEP: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Store ``value`` at ``start + strip`` of each strip: zero from ``own``, nothing from ``places`` on."""
    tile = row_pointer + start.to(tl.int64) * STEP
    pointers = tile + (strip * STEP)[:, None] + channel[None, :]
    if EDGE:
        value = tl.where((start + strip < own)[:, None], value, 0.0)
    value = value.to(row_pointer.dtype.element_ty)
    if EDGE:
        kept = (start + strip < places)[:, None] & mask[None, :]
        tl.store(pointers, value, mask=kept)
    elif WHOLE:
        tl.store(pointers, value)
    else:
        tl.store(pointers, value, mask=mask[None, :])


@triton.jit
def load_circular(
    row_pointer, place, channel, mask, half, STEP: tl.constexpr,
):  # fmt: skip
    """The sample at ``place mod half``, for places less than one period outside the row."""
    index = tl.where(place < 0, place + half, place)
    index = tl.where(index >= half, index - half, index)
    kept = ((index >= 0) & (index < half))[:, None] & mask[None, :]
    pointers = row_pointer + index.to(tl.int64)[:, None] * STEP + channel[None, :]
    return tl.load(pointers, mask=kept, other=0.0).to(tl.float32)


@triton.jit
def _add_taps(
    sums, row_pointer, tile_pointers, filters, place, channel, mask, half, first,
    COUNT: tl.constexpr, D: tl.constexpr, STEP: tl.constexpr, TAPS: tl.constexpr,
    TRANSPOSE: tl.constexpr, T: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Add the products with ``COUNT`` taps, from ``first`` onwards, to T places of each strip."""
    taps = ()
    for s in tl.static_range(T + COUNT - 1):
        if EDGE:
            sample = load_circular(row_pointer, place + first + s, channel, mask, half, STEP)
        else:
            sample = load_channels(tile_pointers + (first + s) * STEP, mask[None, :], WHOLE)
        if s < COUNT:
            # The transpose walks the same way: from the last tap to the first.
            tap = TAPS - 1 - first - s if TRANSPOSE else first + s
            own = load_channels(filters + tap * D + channel, mask, WHOLE)
            if EDGE:
                # A row shorter than the filter uses only its first taps.
                own = tl.where(tap < half, own, 0.0)
            taps = taps + (own[None, :],)
        for t in tl.static_range(T):
            if s - t >= 0 and s - t < COUNT:
                sums = replaced(sums, t, sums[t] + sample * taps[s - t])
    return sums


@triton.jit
def circular_sums(
    row_pointer, filters, start, channel, half,
    D: tl.constexpr, STEP: tl.constexpr, TAPS: tl.constexpr, TRANSPOSE: tl.constexpr,
    UNROLL: tl.constexpr, G: tl.constexpr, T: tl.constexpr, TD: tl.constexpr,
    WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """``C`` of the module's docstring, or its transpose, at ``start .. start + G T - 1``."""
    BACK: tl.constexpr = TAPS - 1 if TRANSPOSE else 0
    strip = tl.arange(0, G) * T
    mask = channel < D
    tile = row_pointer + (start - BACK).to(tl.int64) * STEP
    tile_pointers = tile + (strip * STEP)[:, None] + channel[None, :]
    place = start - BACK + strip
    sums = zero_tiles(T, G, TD)
    if TAPS >= UNROLL:
        for block in range(TAPS // UNROLL):
            sums = _add_taps(
                sums, row_pointer, tile_pointers, filters, place, channel, mask, half,
                block * UNROLL, UNROLL, D, STEP, TAPS, TRANSPOSE, T, WHOLE, EDGE,
            )  # fmt: skip
    if TAPS % UNROLL != 0:
        sums = _add_taps(
            sums, row_pointer, tile_pointers, filters, place, channel, mask, half,
            TAPS // UNROLL * UNROLL, TAPS % UNROLL, D, STEP, TAPS, TRANSPOSE, T, WHOLE, EDGE,
        )  # fmt: skip
    return sums


@triton.jit
def zero_places(
    row_pointer, start, channel, places,
    D: tl.constexpr, STEP: tl.constexpr, COUNT: tl.constexpr, TD: tl.constexpr,
):  # fmt: skip
    """Store zeros at ``start .. start + COUNT - 1``, but not from ``places`` onwards."""
    place = start + tl.arange(0, COUNT)
    offset = place.to(tl.int64)[:, None] * STEP + channel[None, :]
    kept = (place < places)[:, None] & (channel < D)[None, :]
    zeros = tl.zeros((COUNT, TD), tl.float32).to(row_pointer.dtype.element_ty)
    tl.store(row_pointer + offset, zeros, mask=kept)
