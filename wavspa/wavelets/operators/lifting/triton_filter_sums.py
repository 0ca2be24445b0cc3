# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
# It does not support starred tuples.
# ruff: noqa: RUF005
"""The gradients of a level's filters on a GPU: one read of each source and its slope, no atomics.

As in :mod:`wavspa.wavelets.operators.triton_filter_gradient`: a program owns TD channels and a run of
time steps and keeps its sums, a [G, TD] tile for each of COUNT taps, in registers; G is strips of time
x blocks of taps. At its end it writes float32 partial sums, which are then summed over programs, in the
same order in every run.
"""

import triton
import triton.language as tl

from wavspa.wavelets.operators.lifting.triton_circle import load_circular, load_places, row_halves
from wavspa.wavelets.operators.triton_rows import load_channels, replaced, zero_tiles


@triton.jit
def _add_step(
    sums, source_row, slope_row, start, strip, tap, channel, mask, half,
    COUNT: tl.constexpr, D: tl.constexpr, STEP: tl.constexpr, T: tl.constexpr,
    WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Add T slopes of each strip, from ``start`` onwards, times the samples that COUNT taps read."""
    tile = source_row + start.to(tl.int64) * STEP
    tile_pointers = tile + ((strip + tap) * STEP)[:, None] + channel[None, :]
    slopes = ()
    for s in tl.static_range(T + COUNT - 1):
        if EDGE:
            place = start + strip + tap + s
            sample = load_circular(source_row, place, channel, mask, half, STEP)
        else:
            sample = load_channels(tile_pointers + s * STEP, mask[None, :], WHOLE)
        if s < T:
            slope = load_places(slope_row, start, strip + s, channel, mask, half, D, WHOLE, EDGE)
            slopes = slopes + (slope,)
        for t in tl.static_range(T):
            if s - t >= 0 and s - t < COUNT:
                product = sample * slopes[t]
                if EDGE:
                    # A row shorter than the filter uses only its first taps.
                    product = tl.where((tap + (s - t) < half)[:, None], product, 0.0)
                sums = replaced(sums, s - t, sums[s - t] + product)
    return sums


@triton.jit
def _sum_program(
    source, slope, out, lengths, source_row_stride, slope_row_stride, samples, steps, row_steps,
    program, run, channel,
    D: tl.constexpr, STEP: tl.constexpr, TAPS: tl.constexpr, RAGGED: tl.constexpr,
    COUNT: tl.constexpr, BLOCKS: tl.constexpr, G: tl.constexpr, T: tl.constexpr,
    TD: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip
    """``out [L, D]``: the contribution of ``run`` time steps to one filter's gradient."""
    STRIPS: tl.constexpr = G // BLOCKS
    mask = channel < D
    strip = tl.arange(0, G) // BLOCKS * T
    tap = tl.arange(0, G) % BLOCKS * COUNT
    sums = zero_tiles(COUNT, G, TD)
    for step in range(program * run, tl.minimum(program * run + run, steps)):
        row = (step // row_steps).to(tl.int64)
        start = step % row_steps * (STRIPS * T)
        half, odd = row_halves(lengths, row, samples, RAGGED)
        source_row, slope_row = source + row * source_row_stride, slope + row * slope_row_stride
        if start + STRIPS * T + BLOCKS * COUNT - 1 <= odd:
            sums = _add_step(
                sums, source_row, slope_row, start, strip, tap, channel, mask, half,
                COUNT, D, STEP, T, WHOLE, False,
            )  # fmt: skip
        elif start < half:
            sums = _add_step(
                sums, source_row, slope_row, start, strip, tap, channel, mask, half,
                COUNT, D, STEP, T, WHOLE, True,
            )  # fmt: skip
    block_tap = tl.arange(0, BLOCKS) * COUNT
    for i in tl.static_range(COUNT):
        k = block_tap + i
        total = tl.sum(tl.reshape(sums[i], (STRIPS, BLOCKS, TD)), axis=0)
        kept = (k < TAPS)[:, None] & mask[None, :]
        tl.store(out + (k * D)[:, None] + channel[None, :], total, mask=kept)


@triton.jit(do_not_specialize=["samples", "steps", "row_steps", "run", "programs"])
def filter_sums_kernel(
    first_source, first_slope, second_source, second_slope, partial, lengths,
    first_row_stride, second_row_stride, slope_row_stride,
    samples, steps, row_steps, run, programs,
    D: tl.constexpr, FIRST_STEP: tl.constexpr, SECOND_STEP: tl.constexpr,
    FIRST_TAPS: tl.constexpr, SECOND_TAPS: tl.constexpr, RAGGED: tl.constexpr,
    COUNT: tl.constexpr, BLOCKS: tl.constexpr, G: tl.constexpr, T: tl.constexpr,
    TD: tl.constexpr,
):  # fmt: skip
    """``partial [programs, first taps + second taps, D]``: the gradients of a level's two filters.

    Half of the grid computes the first filter's, half the second's. A step is G / BLOCKS * T places of one
    row; a row has ``row_steps`` steps, all rows together ``steps``.
    """
    CHANNEL_TILES: tl.constexpr = (D + TD - 1) // TD
    WHOLE: tl.constexpr = D % TD == 0
    channel = (tl.program_id(0) % CHANNEL_TILES) * TD + tl.arange(0, TD)
    program = tl.program_id(0) // CHANNEL_TILES
    if program < programs:
        _sum_program(
            first_source, first_slope,
            partial + program.to(tl.int64) * ((FIRST_TAPS + SECOND_TAPS) * D), lengths,
            first_row_stride, slope_row_stride, samples, steps, row_steps, program, run, channel,
            D, FIRST_STEP, FIRST_TAPS, RAGGED, COUNT, BLOCKS, G, T, TD, WHOLE,
        )  # fmt: skip
    else:
        program -= programs
        out = partial + program.to(tl.int64) * ((FIRST_TAPS + SECOND_TAPS) * D) + FIRST_TAPS * D
        _sum_program(
            second_source, second_slope, out, lengths,
            second_row_stride, slope_row_stride, samples, steps, row_steps, program, run, channel,
            D, SECOND_STEP, SECOND_TAPS, RAGGED, COUNT, BLOCKS, G, T, TD, WHOLE,
        )  # fmt: skip
