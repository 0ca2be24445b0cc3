# Numba compiles functions without types.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, call-arg, var-annotated"
"""The loops of the three operators on a CPU: one read of the signal for both bands.

A strip is four coefficients (or pairs of samples) of one vector of channels, whose sums stay in
registers. Strips entirely inside a row read the arrays in place; those at its ends read a copy,
which a table of indices (-1: nothing) extends according to the boundary. Work is cut into units that do not
depend on the number of threads; no two units write to the same place.

Arrays are flat: signals [B, N, D], bands [B, M, D], filters [L, D], D a multiple of the vector's width.
"""

import numpy as np
from numba import njit

from wavspa.compiled import FAST, kernel
from wavspa.wavelets.operators.loops.vectors import (
    GROUP,
    LANES,
    STRIP,
    add_product,
    copy_bands,
    copy_rows,
    load,
    store_four,
    zero,
)

# Coefficients in a unit of the filters' gradient, and in a block that it rereads for every few taps.
RUN, BLOCK = 1024, 32
_ZERO = np.float32(0)


@njit(inline="always")
def _analyse_strip(x, at, stride, low_pass, high_pass, tap, width, taps, low, high, target, count):
    a0, a1, a2, a3 = zero(), zero(), zero(), zero()
    b0, b1, b2, b3 = zero(), zero(), zero(), zero()
    for k in range(taps):
        f, g = load(low_pass, tap + k * width), load(high_pass, tap + k * width)
        here = at + k * stride
        x0, x1 = load(x, here), load(x, here + 2 * stride)
        x2, x3 = load(x, here + 4 * stride), load(x, here + 6 * stride)
        a0, b0 = add_product(f, x0, a0), add_product(g, x0, b0)
        a1, b1 = add_product(f, x1, a1), add_product(g, x1, b1)
        a2, b2 = add_product(f, x2, a2), add_product(g, x2, b2)
        a3, b3 = add_product(f, x3, a3), add_product(g, x3, b3)
    store_four(low, target, width, count, a0, a1, a2, a3)
    store_four(high, target, width, count, b0, b1, b2, b3)


@kernel
def analyse(
    begin, stop, x, low_pass, high_pass, low, high, shape, index, ends, owns, before, chunk
):
    """Units: (row, chunk of coefficients, group of channels).

    Args:
        begin: First unit.
        stop: Unit behind the last.
        x: Signal.
        low_pass: Filter of the low band.
        high_pass: Filter of the high band.
        low: Low band, which is written.
        high: High band, which is written.
        shape: N, M, D, L.
        index: Sample at each place of the extended row, [rows or 1, places].
        ends: Samples of each row.
        owns: Coefficients of each row.
        before: Places before the first sample.
        chunk: Coefficients of a unit.
    """
    samples, bands, width, taps = shape
    groups, chunks = (width + GROUP - 1) // GROUP, (bands + chunk - 1) // chunk
    copy = np.empty((2 * STRIP + taps) * GROUP, np.float32)
    for unit in range(begin, stop):
        group, chunk_of_row = unit % groups, unit // groups
        row, first = chunk_of_row // chunks, chunk_of_row % chunks * chunk
        channel = group * GROUP
        channels = min(GROUP, width - channel)
        places = index[row % index.shape[0]]
        own, last = owns[row], min(first + chunk, bands)
        signal, band = row * samples * width + channel, row * bands * width + channel
        for m in range(first, min(last, own), STRIP):
            count = min(STRIP, min(last, own) - m)
            start = 2 * m - before
            target = band + m * width
            if start >= 0 and start + 2 * STRIP + taps - 2 <= ends[row] and count == STRIP:
                for d in range(0, channels, LANES):
                    _analyse_strip(
                        x,
                        signal + start * width + d,
                        width,
                        low_pass,
                        high_pass,
                        channel + d,
                        width,
                        taps,
                        low,
                        high,
                        target + d,
                        STRIP,
                    )
            else:
                copy_rows(x, signal, width, places, 2 * m, 2 * STRIP + taps - 2, channels, copy)
                for d in range(0, channels, LANES):
                    _analyse_strip(
                        copy,
                        d,
                        GROUP,
                        low_pass,
                        high_pass,
                        channel + d,
                        width,
                        taps,
                        low,
                        high,
                        target + d,
                        count,
                    )
        for m in range(max(first, own), last):
            low[band + m * width : band + m * width + channels] = _ZERO
            high[band + m * width : band + m * width + channels] = _ZERO


@njit(inline="always")
def _synthesise_strip(low, high, at, stride, low_pass, high_pass, tap, width, taps, x, target, row):
    """Even and odd places of four pairs; the first pair is where coefficient ``at`` begins."""
    a0, a1, a2, a3 = zero(), zero(), zero(), zero()
    b0, b1, b2, b3 = zero(), zero(), zero(), zero()
    for i in range(taps // 2):
        here, even = at - i * stride, tap + 2 * i * width
        f, g = load(low_pass, even), load(low_pass, even + width)
        c0, c1 = load(low, here), load(low, here + stride)
        c2, c3 = load(low, here + 2 * stride), load(low, here + 3 * stride)
        a0, b0 = add_product(f, c0, a0), add_product(g, c0, b0)
        a1, b1 = add_product(f, c1, a1), add_product(g, c1, b1)
        a2, b2 = add_product(f, c2, a2), add_product(g, c2, b2)
        a3, b3 = add_product(f, c3, a3), add_product(g, c3, b3)
        f, g = load(high_pass, even), load(high_pass, even + width)
        c0, c1 = load(high, here), load(high, here + stride)
        c2, c3 = load(high, here + 2 * stride), load(high, here + 3 * stride)
        a0, b0 = add_product(f, c0, a0), add_product(g, c0, b0)
        a1, b1 = add_product(f, c1, a1), add_product(g, c1, b1)
        a2, b2 = add_product(f, c2, a2), add_product(g, c2, b2)
        a3, b3 = add_product(f, c3, a3), add_product(g, c3, b3)
    store_four(x, target, row, STRIP, a0, b0, a1, b1)
    store_four(x, target + STRIP * row, row, STRIP, a2, b2, a3, b3)


@kernel
def synthesise(
    begin, stop, low, high, low_pass, high_pass, x, shape, index, ends, owns, before, chunk
):
    """Units: (row, group of channels). Places outside the row are added to the samples they repeat.

    Args:
        begin: First unit.
        stop: Unit behind the last.
        low: Low band.
        high: High band.
        low_pass: Filter of the low band.
        high_pass: Filter of the high band.
        x: Signal, which is written.
        shape: N, M, D, L.
        index: Sample at each place of the extended row, [rows or 1, places].
        ends: Samples of each row.
        owns: Coefficients of each row.
        before: Places before the first sample.
        chunk: Not used, since a row's ends are added to its inside.
    """
    samples, bands, width, taps = shape
    groups, half = (width + GROUP - 1) // GROUP, taps // 2
    low_copy = np.empty((STRIP + half) * GROUP, np.float32)
    high_copy = np.empty((STRIP + half) * GROUP, np.float32)
    sums_copy = np.empty(2 * STRIP * GROUP, np.float32)
    for unit in range(begin, stop):
        row, channel = unit // groups, unit % groups * GROUP
        channels = min(GROUP, width - channel)
        places = index[row % index.shape[0]]
        own, end = owns[row], ends[row]
        signal, band = row * samples * width + channel, row * bands * width + channel
        pairs = own - 1 + half
        # Inside first, since outside places are added to it.
        for n in range(samples):
            if n >= end or n + before >= 2 * pairs:
                x[signal + n * width : signal + n * width + channels] = _ZERO
        for is_outside in (False, True):
            for j in range(0, pairs, STRIP):
                start = 2 * j - before
                whole = start >= 0 and start + 2 * STRIP <= end
                if is_outside and whole:
                    continue
                if whole and j >= half - 1 and j + STRIP <= own:
                    for d in range(0, channels, LANES):
                        _synthesise_strip(
                            low,
                            high,
                            band + j * width + d,
                            width,
                            low_pass,
                            high_pass,
                            channel + d,
                            width,
                            taps,
                            x,
                            signal + start * width + d,
                            width,
                        )
                    continue
                for source, copy in ((low, low_copy), (high, high_copy)):
                    copy_bands(
                        source, band, width, j - half + 1, STRIP + half - 1, own, channels, copy
                    )
                for d in range(0, channels, LANES):
                    _synthesise_strip(
                        low_copy,
                        high_copy,
                        (half - 1) * GROUP + d,
                        GROUP,
                        low_pass,
                        high_pass,
                        channel + d,
                        width,
                        taps,
                        sums_copy,
                        d,
                        GROUP,
                    )
                for s in range(min(2 * STRIP, 2 * (pairs - j))):
                    n = start + s
                    inside = 0 <= n < end
                    if inside == is_outside or places[2 * j + s] < 0:
                        continue
                    target = signal + places[2 * j + s] * width
                    for d in range(channels):
                        value = sums_copy[s * GROUP + d]
                        if is_outside:
                            value += x[target + d]
                        x[target + d] = value


@njit(inline="always")
def _gradient_of_four_taps(x, x_at, x_stride, low, high, at, stride, count, sums, tap, width, span):
    """Add ``count`` coefficients to the sums of four taps of both bands; the bands are ``span`` apart."""
    a0, a1 = load(sums, tap), load(sums, tap + width)
    a2, a3 = load(sums, tap + 2 * width), load(sums, tap + 3 * width)
    b0, b1 = load(sums, span + tap), load(sums, span + tap + width)
    b2, b3 = load(sums, span + tap + 2 * width), load(sums, span + tap + 3 * width)
    for m in range(count):
        c, e, here = (
            load(low, at + m * stride),
            load(high, at + m * stride),
            x_at + 2 * m * x_stride,
        )
        x0, x1 = load(x, here), load(x, here + x_stride)
        x2, x3 = load(x, here + 2 * x_stride), load(x, here + 3 * x_stride)
        a0, b0 = add_product(c, x0, a0), add_product(e, x0, b0)
        a1, b1 = add_product(c, x1, a1), add_product(e, x1, b1)
        a2, b2 = add_product(c, x2, a2), add_product(e, x2, b2)
        a3, b3 = add_product(c, x3, a3), add_product(e, x3, b3)
    store_four(sums, tap, width, STRIP, a0, a1, a2, a3)
    store_four(sums, span + tap, width, STRIP, b0, b1, b2, b3)


@njit(inline="always")
def _gradient_of_two_taps(x, x_at, x_stride, low, high, at, stride, count, sums, tap, width, span):
    """The same for the remaining taps."""
    a0, a1 = load(sums, tap), load(sums, tap + width)
    b0, b1 = load(sums, span + tap), load(sums, span + tap + width)
    for m in range(count):
        c, e, here = (
            load(low, at + m * stride),
            load(high, at + m * stride),
            x_at + 2 * m * x_stride,
        )
        x0, x1 = load(x, here), load(x, here + x_stride)
        a0, b0 = add_product(c, x0, a0), add_product(e, x0, b0)
        a1, b1 = add_product(c, x1, a1), add_product(e, x1, b1)
    store_four(sums, tap, width, 2, a0, a1, a0, a1)
    store_four(sums, span + tap, width, 2, b0, b1, b0, b1)


@njit(fastmath=FAST, error_model="numpy")
def _gradient_of_block(
    x, x_at, x_stride, low, high, at, stride, count, sums, tap, width, span, taps
):
    for k in range(0, taps - 3, 4):
        _gradient_of_four_taps(
            x,
            x_at + k * x_stride,
            x_stride,
            low,
            high,
            at,
            stride,
            count,
            sums,
            tap + k * width,
            width,
            span,
        )
    if taps % 4:
        k = taps - 2
        _gradient_of_two_taps(
            x,
            x_at + k * x_stride,
            x_stride,
            low,
            high,
            at,
            stride,
            count,
            sums,
            tap + k * width,
            width,
            span,
        )


@kernel
def differentiate(begin, stop, x, low, high, partial, shape, index, ends, owns, before, chunk):
    """Units: (row, chunk of coefficients, group of channels), each with its own sums.

    Args:
        begin: First unit.
        stop: Unit behind the last.
        x: Signal.
        low: Gradient of the low band.
        high: Gradient of the high band.
        partial: Sums [rows x chunks, 2, L, D], initially zero.
        shape: N, M, D, L.
        index: Sample at each place of the extended row, [rows or 1, places].
        ends: Samples of each row.
        owns: Coefficients of each row.
        before: Places before the first sample.
        chunk: Coefficients of a unit.
    """
    samples, bands, width, taps = shape
    groups, chunks = (width + GROUP - 1) // GROUP, (bands + chunk - 1) // chunk
    copy = np.empty((2 * BLOCK + taps) * GROUP, np.float32)
    span = taps * width
    for unit in range(begin, stop):
        group, part = unit % groups, unit // groups
        row, first = part // chunks, part % chunks * chunk
        channel = group * GROUP
        channels = min(GROUP, width - channel)
        places = index[row % index.shape[0]]
        signal, band = row * samples * width + channel, row * bands * width + channel
        last = min(first + chunk, owns[row])
        for m in range(first, last, BLOCK):
            count = min(BLOCK, last - m)
            start = 2 * m - before
            inside = start >= 0 and start + 2 * count + taps - 2 <= ends[row]
            if not inside:
                copy_rows(x, signal, width, places, 2 * m, 2 * count + taps - 2, channels, copy)
            for d in range(0, channels, LANES):
                sums, coefficient = part * 2 * span + channel + d, band + m * width + d
                if inside:
                    _gradient_of_block(
                        x,
                        signal + start * width + d,
                        width,
                        low,
                        high,
                        coefficient,
                        width,
                        count,
                        partial,
                        sums,
                        width,
                        span,
                        taps,
                    )
                else:
                    _gradient_of_block(
                        copy,
                        d,
                        GROUP,
                        low,
                        high,
                        coefficient,
                        width,
                        count,
                        partial,
                        sums,
                        width,
                        span,
                        taps,
                    )
