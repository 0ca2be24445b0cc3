# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, no-redef"
# It does not support starred tuples.
# ruff: noqa: RUF005
"""Synthesis on a GPU, and the transpose of analysis with every extension: gathers, no atomics.

Place p of the extended row sums ``f[k] c[(p - k) / 2]`` over the taps of its parity. A program owns
a row, TD channels and G strips of T pairs of places (2 u, 2 u + 1); a thread walks along its strip's
coefficients once. Each sample is one place; near a row's ends a sample is also read at further places,
its *images*, which the few tiles there add one by one.
"""

import triton
import triton.language as tl

from wavspa.wavelets.operators.triton_rows import (
    floor_div,
    load_channels,
    period_of,
    replaced,
    row_extent,
    zero_tiles,
)


@triton.jit
def _load_band(
    row_pointer, tile_pointers, place, shift, channel, mask, bands,
    D: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Coefficients ``place + shift`` of each strip, zero outside the row's bands."""
    if EDGE:
        m = place + shift
        there = (m >= 0) & (m < bands)
        pointers = row_pointer + m.to(tl.int64)[:, None] * D + channel[None, :]
        kept = there[:, None] & mask[None, :]
        return tl.load(pointers, mask=kept, other=0.0).to(tl.float32)
    else:
        return load_channels(tile_pointers + shift * D, mask[None, :], WHOLE)


@triton.jit
def _add_tap_pairs(
    even, odd, low_row, high_row, low_tile, high_tile, filters, place, channel, mirrored, mask,
    bands, first,
    COUNT: tl.constexpr, D: tl.constexpr, TAPS: tl.constexpr, T: tl.constexpr,
    WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Add tap pairs (2 j, 2 j + 1), j = ``first .. first + COUNT - 1``, to T pairs of places."""
    low_even, low_odd, high_even, high_odd = (), (), (), ()
    for s in tl.static_range(T + COUNT - 1):
        shift = s - (COUNT - 1) - first
        low = _load_band(low_row, low_tile, place, shift, channel, mask, bands, D, WHOLE, EDGE)
        high = _load_band(high_row, high_tile, place, shift, channel, mask, bands, D, WHOLE, EDGE)
        if s < COUNT:
            tap = 2 * (first + COUNT - 1 - s)
            low_tap = filters + (TAPS - 1 - tap) * D + mirrored
            high_tap = filters + tap * D + channel
            low_even = low_even + (load_channels(low_tap, mask, WHOLE)[None, :],)
            low_odd = low_odd + (load_channels(low_tap - D, mask, WHOLE)[None, :],)
            high_even = high_even + (load_channels(high_tap, mask, WHOLE)[None, :],)
            high_odd = high_odd + (load_channels(high_tap + D, mask, WHOLE)[None, :],)
        for t in tl.static_range(T):
            if s - t >= 0 and s - t < COUNT:
                even_sum = even[t] + low * low_even[s - t] + high * high_even[s - t]
                odd_sum = odd[t] + low * low_odd[s - t] - high * high_odd[s - t]
                even, odd = replaced(even, t, even_sum), replaced(odd, t, odd_sum)
    return even, odd


@triton.jit
def _add_place(
    total, low_row, high_row, filters, place, there, channel, mirrored, mask, bands,
    D: tl.constexpr, TAPS: tl.constexpr,
):  # fmt: skip
    """Add the value of the extended row at ``place`` of each strip; all places have the same parity."""
    parity = tl.max(place & 1, axis=0)
    for pair in range(TAPS // 2):
        tap = 2 * pair + parity
        m = (place - tap) >> 1
        kept = (there & (m >= 0) & (m < bands))[:, None] & mask[None, :]
        offset = m.to(tl.int64)[:, None] * D + channel[None, :]
        low = tl.load(low_row + offset, mask=kept, other=0.0).to(tl.float32)
        high = tl.load(high_row + offset, mask=kept, other=0.0).to(tl.float32)
        low_tap = tl.load(filters + (TAPS - 1 - tap) * D + mirrored, mask=mask, other=0.0)
        high_tap = tl.load(filters + tap * D + channel, mask=mask, other=0.0)
        sign = (1 - 2 * parity).to(tl.float32)
        total += low * low_tap.to(tl.float32)[None, :]
        total += high * (sign * high_tap.to(tl.float32))[None, :]
    return total


@triton.jit
def _add_images(
    even, odd, low_row, high_row, filters, first_sample, channel, mirrored, mask, samples, bands,
    D: tl.constexpr, TAPS: tl.constexpr, BEFORE: tl.constexpr, EXTENSION: tl.constexpr,
    G: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    """Add every further place where the tile's samples are read.

    Images are at ``sample + BEFORE`` and, backwards, at ``offset - sample``, and repeat every period:
    those of inner samples of a reflected row and of an odd periodic row's last sample are backwards.
    ``upstream`` reflects in the first 2 M places, and repeats the first TAPS - 2 of them after those.
    """
    if EXTENSION == "wrap":
        KINDS: tl.constexpr = 1
    elif EXTENSION == "upstream":
        KINDS: tl.constexpr = 4
    else:
        KINDS: tl.constexpr = 2
    period = period_of(samples, bands, EXTENSION)
    first = tl.maximum(first_sample, 0)
    last = tl.minimum(first_sample + 2 * G * T, samples) - 1
    # A loop over kinds, not one program for each: it compiles in a quarter of the time.
    for kind in range(KINDS):
        backwards, behind = kind % 2, kind // 2
        sign = 1 - 2 * backwards
        offset = BEFORE + tl.zeros((G,), tl.int32)
        if EXTENSION == "periodic":
            offset += backwards * (2 * samples - 1)
        if EXTENSION == "upstream":
            end = 2 * bands + behind * (TAPS - 2 - 2 * bands)
        else:
            end = 2 * (bands - 1) + TAPS
        lowest = tl.minimum(sign * first, sign * last) + tl.max(offset, axis=0)
        highest = tl.maximum(sign * first, sign * last) + tl.max(offset, axis=0)
        turns_back = tl.zeros((G,), tl.int32) + backwards == 1
        for turn in range(-floor_div(highest, period), floor_div(end - 1 - lowest, period) + 1):
            for t in tl.static_range(T):
                for parity in tl.static_range(2):
                    sample = first_sample + 2 * (tl.arange(0, G) * T + t) + parity
                    place = sign * sample + offset + turn * period
                    if EXTENSION == "periodic":
                        # An odd row's last sample is at an even place.
                        doubled = (sample == samples - 1) & (sample % 2 == 0)
                    else:
                        doubled = (sample > 0) & (sample < samples - 1)
                    # The tile already has the place `sample + BEFORE`.
                    there = tl.where(turns_back, doubled, place != sample + BEFORE)
                    there = there & (sample >= 0) & (sample < samples)
                    there = there & (place >= 0) & (place < end)
                    place += behind * 2 * bands
                    if parity == 0:
                        even = replaced(even, t, _add_place(
                            even[t], low_row, high_row, filters, place, there, channel,
                            mirrored, mask, bands, D, TAPS,
                        ))  # fmt: skip
                    else:
                        odd = replaced(odd, t, _add_place(
                            odd[t], low_row, high_row, filters, place, there, channel,
                            mirrored, mask, bands, D, TAPS,
                        ))  # fmt: skip
    return even, odd


@triton.jit
def _synthesise_tile(
    low_row, high_row, filters, x_row, start, own_samples, samples, own_bands, channel,
    D: tl.constexpr, TAPS: tl.constexpr, BEFORE: tl.constexpr, EXTENSION: tl.constexpr,
    MIRROR: tl.constexpr, UNROLL: tl.constexpr, G: tl.constexpr, T: tl.constexpr,
    TD: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Samples of the places ``2 start .. 2 (start + G T) - 1``."""
    strip = tl.arange(0, G) * T
    mirrored = D - 1 - channel if MIRROR else channel
    mask = channel < D
    tile = start.to(tl.int64) * D
    inside = (strip * D)[:, None] + channel[None, :]
    low_tile, high_tile = low_row + tile + inside, high_row + tile + inside
    even, odd = zero_tiles(T, G, TD), zero_tiles(T, G, TD)
    place = start + strip
    if TAPS >= UNROLL:
        for block in range(TAPS // UNROLL):
            even, odd = _add_tap_pairs(
                even, odd, low_row, high_row, low_tile, high_tile, filters, place, channel,
                mirrored, mask, own_bands, block * (UNROLL // 2), UNROLL // 2,
                D, TAPS, T, WHOLE, EDGE,
            )  # fmt: skip
    if TAPS % UNROLL != 0:
        even, odd = _add_tap_pairs(
            even, odd, low_row, high_row, low_tile, high_tile, filters, place, channel, mirrored,
            mask, own_bands, TAPS // UNROLL * (UNROLL // 2), TAPS % UNROLL // 2,
            D, TAPS, T, WHOLE, EDGE,
        )  # fmt: skip
    first_sample = 2 * start - BEFORE
    if EDGE and EXTENSION != "zero":
        even, odd = _add_images(
            even, odd, low_row, high_row, filters, first_sample, channel, mirrored, mask,
            own_samples, own_bands, D, TAPS, BEFORE, EXTENSION, G, T,
        )  # fmt: skip
    out = x_row + first_sample.to(tl.int64) * D
    for t in tl.static_range(T):
        for parity in tl.static_range(2):
            value = even[t] if parity == 0 else odd[t]
            pointers = out + ((2 * (strip + t) + parity) * D)[:, None] + channel[None, :]
            sample = first_sample + 2 * (strip + t) + parity
            if EDGE:
                value = tl.where((sample < own_samples)[:, None], value, 0.0)
            value = value.to(x_row.dtype.element_ty)
            if EDGE:
                there = ((sample >= 0) & (sample < samples))[:, None]
                tl.store(pointers, value, mask=there & mask[None, :])
            elif WHOLE:
                tl.store(pointers, value)
            else:
                tl.store(pointers, value, mask=mask[None, :])


@triton.jit(do_not_specialize=["samples", "bands", "tiles"])
def synthesis_kernel(
    low, high, filters, x, lengths, low_row_stride, high_row_stride, samples, bands, tiles,
    D: tl.constexpr, TAPS: tl.constexpr, BEFORE: tl.constexpr, EXTENSION: tl.constexpr,
    MIRROR: tl.constexpr, RAGGED: tl.constexpr, UNROLL: tl.constexpr, G: tl.constexpr,
    T: tl.constexpr, TD: tl.constexpr,
):  # fmt: skip
    """One level: low, high [B, M, D] -> x [B, N, D]; the grid is rows x time tiles x channels."""
    CHANNEL_TILES: tl.constexpr = (D + TD - 1) // TD
    WHOLE: tl.constexpr = D % TD == 0
    # There are few tiles at a row's ends: they loop over few taps at a time, which compiles faster.
    EDGE_UNROLL: tl.constexpr = 4
    program = tl.program_id(0)
    channel = (program % CHANNEL_TILES) * TD + tl.arange(0, TD)
    start = BEFORE // 2 + (program // CHANNEL_TILES) % tiles * (G * T)
    row = (program // CHANNEL_TILES // tiles).to(tl.int64)
    own_samples, own_bands = row_extent(lengths, row, samples, bands, TAPS, EXTENSION, RAGGED)
    low_row, high_row = low + row * low_row_stride, high + row * high_row_stride
    x_row = x + row * samples * D
    first = 2 * start - BEFORE
    last = first + 2 * G * T - 1
    # Samples within TAPS of a row's ends may have images; all others are read once.
    inside = (first >= TAPS) & (last < own_samples - TAPS - 1) & (start + G * T <= own_bands)
    if inside:
        _synthesise_tile(
            low_row, high_row, filters, x_row, start, own_samples, samples, own_bands, channel,
            D, TAPS, BEFORE, EXTENSION, MIRROR, UNROLL, G, T, TD, WHOLE, False,
        )  # fmt: skip
    elif first < own_samples:
        _synthesise_tile(
            low_row, high_row, filters, x_row, start, own_samples, samples, own_bands, channel,
            D, TAPS, BEFORE, EXTENSION, MIRROR, EDGE_UNROLL, G, T, TD, WHOLE, True,
        )  # fmt: skip
    else:
        sample = first + tl.arange(0, 2 * G * T)
        there = (sample >= 0) & (sample < samples)
        offset = sample.to(tl.int64)[:, None] * D + channel[None, :]
        zeros = tl.zeros((2 * G * T, TD), tl.float32).to(x.dtype.element_ty)
        tl.store(x_row + offset, zeros, mask=there[:, None] & (channel < D)[None, :])
