# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
# It does not support starred tuples.
# ruff: noqa: RUF005
"""The filters' gradient on a GPU: one read of the signal and of both bands, no atomics.

A program owns TD channels and a run of time steps, and keeps its sums in registers until its end:
a [G, TD] tile for each of COUNT taps and both bands. G is strips of time x blocks of taps: strips
split a step's samples, blocks of COUNT taps read the same samples. At its end a program adds up its
strips and writes float32 partial sums, which are then summed over programs to the gradient, in the
same order in every run.
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
def _load_coefficients(
    row_pointer, m, channel, mask, bands, D: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr
):
    """Coefficients ``m`` of each strip, zero outside the row's bands."""
    if EDGE:
        pointers = row_pointer + m.to(tl.int64)[:, None] * D + channel[None, :]
        kept = (m < bands)[:, None] & mask[None, :]
        return tl.load(pointers, mask=kept, other=0.0).to(tl.float32)
    else:
        pointers = row_pointer + (m * D)[:, None] + channel[None, :]
        return load_channels(pointers, mask[None, :], WHOLE)


@triton.jit
def _add_step(
    low_sums, high_sums, x_row, low_row, high_row, start, strip, tap, channel, mask,
    samples, bands,
    COUNT: tl.constexpr, D: tl.constexpr, TAPS: tl.constexpr, BEFORE: tl.constexpr,
    EXTENSION: tl.constexpr, T: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Add T coefficients of each strip, from ``start`` onwards, times the samples that COUNT taps read."""
    if not EDGE:
        # 64 bits for offsets that grow with the row, 32 bits inside the step.
        x_row += (2 * start - BEFORE).to(tl.int64) * D
        low_row += start.to(tl.int64) * D
        high_row += start.to(tl.int64) * D
        m = strip
    else:
        m = start + strip
    x_tile = x_row + ((2 * strip + tap) * D)[:, None] + channel[None, :]
    low, high = (), ()
    for s in tl.static_range(2 * T + COUNT - 2):
        if EDGE:
            index, there = source(2 * m + tap + s, samples, bands, BEFORE, EXTENSION)
            sample = tl.load(
                x_row + index.to(tl.int64)[:, None] * D + channel[None, :],
                mask=there[:, None] & mask[None, :],
                other=0.0,
            ).to(tl.float32)
        else:
            sample = load_channels(x_tile + s * D, mask[None, :], WHOLE)
        if s % 2 == 0 and s < 2 * T:
            place = m + s // 2
            low = low + (_load_coefficients(low_row, place, channel, mask, bands, D, WHOLE, EDGE),)
            high = high + (
                _load_coefficients(high_row, place, channel, mask, bands, D, WHOLE, EDGE),
            )
        for t in tl.static_range(T):
            if s - 2 * t >= 0 and s - 2 * t < COUNT:
                low_sum = low_sums[s - 2 * t] + sample * low[t]
                high_sum = high_sums[s - 2 * t] + sample * high[t]
                low_sums = replaced(low_sums, s - 2 * t, low_sum)
                high_sums = replaced(high_sums, s - 2 * t, high_sum)
    return low_sums, high_sums


@triton.jit(do_not_specialize=["samples", "bands", "steps", "row_steps", "run"])
def filter_gradient_kernel(
    x, low, high, partial, lengths, x_row_stride, low_row_stride, high_row_stride,
    samples, bands, steps, row_steps, run,
    D: tl.constexpr, TAPS: tl.constexpr, BEFORE: tl.constexpr, EXTENSION: tl.constexpr,
    MIRROR: tl.constexpr, RAGGED: tl.constexpr, COUNT: tl.constexpr, BLOCKS: tl.constexpr,
    G: tl.constexpr, T: tl.constexpr, TD: tl.constexpr,
):  # fmt: skip
    """``partial [programs, 2, L, D]``: the contribution of each program's ``run`` time steps to h's gradient.

    A step is G / BLOCKS * T coefficients of one row; a row has ``row_steps`` steps, all rows ``steps``.
    """
    STRIPS: tl.constexpr = G // BLOCKS
    CHANNEL_TILES: tl.constexpr = (D + TD - 1) // TD
    WHOLE: tl.constexpr = D % TD == 0
    program = tl.program_id(0) // CHANNEL_TILES
    channel = (tl.program_id(0) % CHANNEL_TILES) * TD + tl.arange(0, TD)
    mask = channel < D
    strip = tl.arange(0, G) // BLOCKS * T
    tap = tl.arange(0, G) % BLOCKS * COUNT
    low_sums, high_sums = zero_tiles(COUNT, G, TD), zero_tiles(COUNT, G, TD)
    for step in range(program * run, tl.minimum(program * run + run, steps)):
        row = (step // row_steps).to(tl.int64)
        start = step % row_steps * (STRIPS * T)
        own_samples, own_bands = row_extent(lengths, row, samples, bands, TAPS, EXTENSION, RAGGED)
        x_row, low_row = x + row * x_row_stride, low + row * low_row_stride
        high_row = high + row * high_row_stride
        first, stop = 2 * start - BEFORE, start + STRIPS * T
        last = 2 * (stop - 1) - BEFORE + BLOCKS * COUNT - 1
        if (first >= 0) & (last < own_samples) & (stop <= own_bands):
            low_sums, high_sums = _add_step(
                low_sums, high_sums, x_row, low_row, high_row, start, strip, tap, channel, mask,
                own_samples, own_bands, COUNT, D, TAPS, BEFORE, EXTENSION, T, WHOLE, False,
            )  # fmt: skip
        elif start < own_bands:
            low_sums, high_sums = _add_step(
                low_sums, high_sums, x_row, low_row, high_row, start, strip, tap, channel, mask,
                own_samples, own_bands, COUNT, D, TAPS, BEFORE, EXTENSION, T, WHOLE, True,
            )  # fmt: skip
    block_tap = tl.arange(0, BLOCKS) * COUNT
    mirrored = D - 1 - channel if MIRROR else channel
    out = partial + program.to(tl.int64) * (2 * TAPS * D)
    for i in tl.static_range(COUNT):
        k = block_tap + i
        kept = (k < TAPS)[:, None] & mask[None, :]
        sign = (1 - 2 * (k % 2)).to(tl.float32)[:, None]
        low_sum = tl.sum(tl.reshape(low_sums[i], (STRIPS, BLOCKS, TD)), axis=0)
        high_sum = tl.sum(tl.reshape(high_sums[i], (STRIPS, BLOCKS, TD)), axis=0) * sign
        low_place = ((TAPS - 1 - k) * D)[:, None] + mirrored[None, :]
        high_place = ((TAPS + k) * D)[:, None] + channel[None, :]
        tl.store(out + low_place, low_sum, mask=kept)
        tl.store(out + high_place, high_sum, mask=kept)
