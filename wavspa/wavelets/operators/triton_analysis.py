# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
# It does not support starred tuples.
# ruff: noqa: RUF005
"""Analysis on a GPU: one read of the signal for both bands.

A program owns a row, TD channels and G strips of T consecutive coefficients. A thread walks along
its strip's samples once: it loads each sample and each tap once and uses them T times. Tiles inside
the row need no masks; the few at its ends read through :func:`~.triton_rows.source`.
"""

import triton
import triton.language as tl

from wavspa.wavelets.operators.triton_rows import (
    load_channels,
    replaced,
    row_extent,
    source,
    zero_tiles,
)


@triton.jit
def _add_taps(
    low_sums,
    high_sums,
    row_pointer,
    tile_pointers,
    filters,
    position,
    channel,
    mirrored,
    channel_mask,
    samples,
    bands,
    first,
    COUNT: tl.constexpr,
    D: tl.constexpr,
    TAPS: tl.constexpr,
    BEFORE: tl.constexpr,
    EXTENSION: tl.constexpr,
    T: tl.constexpr,
    WHOLE: tl.constexpr,
    EDGE: tl.constexpr,
):
    """Add taps ``first .. first + COUNT - 1`` to T coefficients of each strip."""
    low_pass, high_pass = (), ()
    for s in tl.static_range(2 * T + COUNT - 2):
        if EDGE:
            index, there = source(position + first + s, samples, bands, BEFORE, EXTENSION)
            sample = tl.load(
                row_pointer + index.to(tl.int64)[:, None] * D + channel[None, :],
                mask=there[:, None] & channel_mask[None, :],
                other=0.0,
            ).to(tl.float32)
        else:
            sample = load_channels(tile_pointers + (first + s) * D, channel_mask[None, :], WHOLE)
        if s < COUNT:
            low_tap = filters + (TAPS - 1 - first - s) * D + mirrored
            high_tap = filters + (first + s) * D + channel
            low_pass = low_pass + (load_channels(low_tap, channel_mask, WHOLE)[None, :],)
            high_pass = high_pass + (load_channels(high_tap, channel_mask, WHOLE)[None, :],)
        for t in tl.static_range(T):
            if s - 2 * t >= 0 and s - 2 * t < COUNT:
                low_sum = low_sums[t] + sample * low_pass[s - 2 * t]
                low_sums = replaced(low_sums, t, low_sum)
                # The high pass is the filter with alternating signs; blocks of taps are even.
                if s % 2 == 0:
                    high_sum = high_sums[t] + sample * high_pass[s - 2 * t]
                else:
                    high_sum = high_sums[t] - sample * high_pass[s - 2 * t]
                high_sums = replaced(high_sums, t, high_sum)
    return low_sums, high_sums


@triton.jit
def _analyse_tile(
    row_pointer,
    filters,
    low_row,
    high_row,
    start,
    samples,
    own_bands,
    bands,
    channel,
    D: tl.constexpr,
    TAPS: tl.constexpr,
    BEFORE: tl.constexpr,
    EXTENSION: tl.constexpr,
    MIRROR: tl.constexpr,
    UNROLL: tl.constexpr,
    G: tl.constexpr,
    T: tl.constexpr,
    TD: tl.constexpr,
    WHOLE: tl.constexpr,
    EDGE: tl.constexpr,
):
    """Coefficients ``start .. start + G T - 1`` of both bands."""
    strip = tl.arange(0, G) * T
    mirrored = D - 1 - channel if MIRROR else channel
    mask = channel < D
    # 64 bits for offsets that grow with the row, 32 bits inside the tile.
    tile = row_pointer + (2 * start - BEFORE).to(tl.int64) * D
    tile_pointers = tile + (2 * strip * D)[:, None] + channel[None, :]
    position = 2 * (start + strip)
    low, high = zero_tiles(T, G, TD), zero_tiles(T, G, TD)
    if TAPS >= UNROLL:
        for block in range(TAPS // UNROLL):
            low, high = _add_taps(
                low, high, row_pointer, tile_pointers, filters, position, channel, mirrored, mask,
                samples, own_bands, block * UNROLL, UNROLL,
                D, TAPS, BEFORE, EXTENSION, T, WHOLE, EDGE,
            )  # fmt: skip
    if TAPS % UNROLL != 0:
        low, high = _add_taps(
            low, high, row_pointer, tile_pointers, filters, position, channel, mirrored, mask,
            samples, own_bands, TAPS // UNROLL * UNROLL, TAPS % UNROLL,
            D, TAPS, BEFORE, EXTENSION, T, WHOLE, EDGE,
        )  # fmt: skip
    out = start.to(tl.int64) * D
    for t in tl.static_range(T):
        offset = ((strip + t) * D)[:, None] + channel[None, :]
        low_tile, high_tile = low[t], high[t]
        kept = mask[None, :]
        if EDGE:
            own = (start + strip + t < own_bands)[:, None]
            low_tile, high_tile = tl.where(own, low_tile, 0.0), tl.where(own, high_tile, 0.0)
            kept = kept & (start + strip + t < bands)[:, None]
        low_value = low_tile.to(low_row.dtype.element_ty)
        high_value = high_tile.to(high_row.dtype.element_ty)
        if WHOLE and not EDGE:
            tl.store(low_row + out + offset, low_value)
            tl.store(high_row + out + offset, high_value)
        else:
            tl.store(low_row + out + offset, low_value, mask=kept)
            tl.store(high_row + out + offset, high_value, mask=kept)


@triton.jit(do_not_specialize=["samples", "bands", "tiles"])
def analysis_kernel(
    x,
    filters,
    low,
    high,
    lengths,
    x_row_stride,
    samples,
    bands,
    tiles,
    D: tl.constexpr,
    TAPS: tl.constexpr,
    BEFORE: tl.constexpr,
    EXTENSION: tl.constexpr,
    MIRROR: tl.constexpr,
    RAGGED: tl.constexpr,
    UNROLL: tl.constexpr,
    G: tl.constexpr,
    T: tl.constexpr,
    TD: tl.constexpr,
):
    """One level: x [B, N, D] -> low, high [B, M, D]; the grid is rows x time tiles x channels."""
    CHANNEL_TILES: tl.constexpr = (D + TD - 1) // TD
    WHOLE: tl.constexpr = D % TD == 0
    # There are few tiles at a row's ends: they loop over few taps at a time, which compiles faster.
    EDGE_UNROLL: tl.constexpr = 4
    program = tl.program_id(0)
    channel = (program % CHANNEL_TILES) * TD + tl.arange(0, TD)
    start = (program // CHANNEL_TILES) % tiles * (G * T)
    row = (program // CHANNEL_TILES // tiles).to(tl.int64)
    own_samples, own_bands = row_extent(lengths, row, samples, bands, TAPS, EXTENSION, RAGGED)
    row_pointer = x + row * x_row_stride
    low_row, high_row = low + row * bands * D, high + row * bands * D
    first = 2 * start - BEFORE
    last = 2 * (start + G * T - 1) - BEFORE + TAPS - 1
    if (first >= 0) & (last < own_samples) & (start + G * T <= own_bands):
        _analyse_tile(
            row_pointer, filters, low_row, high_row, start, own_samples, own_bands, bands, channel,
            D, TAPS, BEFORE, EXTENSION, MIRROR, UNROLL, G, T, TD, WHOLE, False,
        )  # fmt: skip
    elif start < own_bands:
        _analyse_tile(
            row_pointer, filters, low_row, high_row, start, own_samples, own_bands, bands, channel,
            D, TAPS, BEFORE, EXTENSION, MIRROR, EDGE_UNROLL, G, T, TD, WHOLE, True,
        )  # fmt: skip
    else:
        place = start + tl.arange(0, G * T)
        offset = place.to(tl.int64)[:, None] * D + channel[None, :]
        kept = (place < bands)[:, None] & (channel < D)[None, :]
        zeros = tl.zeros((G * T, TD), tl.float32)
        tl.store(low_row + offset, zeros.to(low.dtype.element_ty), mask=kept)
        tl.store(high_row + offset, zeros.to(high.dtype.element_ty), mask=kept)
