# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
"""One lifting step on a GPU: ``out = base + SCALE silu(C(source, filters))``.

``base``, ``source`` and ``out`` are bands or halves of a signal, which are not copied out of it.
"""

import triton
import triton.language as tl

from wavspa.wavelets.operators.lifting.triton_circle import (
    circular_sums,
    load_places,
    row_halves,
    store_places,
    zero_places,
)


@triton.jit
def _step_tile(
    base_row, source_row, filters, out_row, start, own_base, half, own_out, places, channel,
    D: tl.constexpr, TAPS: tl.constexpr, BASE_STEP: tl.constexpr, SOURCE_STEP: tl.constexpr,
    OUT_STEP: tl.constexpr, SCALE: tl.constexpr, UNROLL: tl.constexpr, G: tl.constexpr,
    T: tl.constexpr, TD: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Places ``start .. start + G T - 1``."""
    mask = channel < D
    sums = circular_sums(
        source_row, filters, start, channel, half,
        D, SOURCE_STEP, TAPS, False, UNROLL, G, T, TD, WHOLE, EDGE,
    )  # fmt: skip
    for t in tl.static_range(T):
        strip = tl.arange(0, G) * T + t
        base = load_places(base_row, start, strip, channel, mask, own_base, BASE_STEP, WHOLE, EDGE)
        value = base + SCALE * sums[t] * tl.sigmoid(sums[t])
        store_places(
            out_row, start, strip, channel, mask, value, own_out, places, OUT_STEP, WHOLE, EDGE
        )


@triton.jit(do_not_specialize=["samples", "tiles"])
def step_kernel(
    base, source, filters, out, lengths, base_row_stride, source_row_stride, out_row_stride,
    samples, tiles,
    D: tl.constexpr, TAPS: tl.constexpr, BASE_STEP: tl.constexpr, SOURCE_STEP: tl.constexpr,
    OUT_STEP: tl.constexpr, BASE_ODD: tl.constexpr, OUT_ODD: tl.constexpr, SCALE: tl.constexpr,
    RAGGED: tl.constexpr, UNROLL: tl.constexpr, G: tl.constexpr, T: tl.constexpr,
    TD: tl.constexpr,
):  # fmt: skip
    """A step for every row; BASE_ODD, OUT_ODD: the tensor has as many places as there are odd samples.

    The grid is rows x time tiles x channels.
    """
    CHANNEL_TILES: tl.constexpr = (D + TD - 1) // TD
    WHOLE: tl.constexpr = D % TD == 0
    # There are few tiles at a row's end: they loop over few taps at a time, which compiles faster.
    EDGE_UNROLL: tl.constexpr = 4
    program = tl.program_id(0)
    channel = (program % CHANNEL_TILES) * TD + tl.arange(0, TD)
    start = (program // CHANNEL_TILES) % tiles * (G * T)
    row = (program // CHANNEL_TILES // tiles).to(tl.int64)
    half, odd = row_halves(lengths, row, samples, RAGGED)
    own_base = odd if BASE_ODD else half
    own_out = odd if OUT_ODD else half
    places = samples // 2 if OUT_ODD else (samples + 1) // 2
    base_row, source_row = base + row * base_row_stride, source + row * source_row_stride
    out_row = out + row * out_row_stride
    if start + G * T + TAPS - 1 <= odd:
        _step_tile(
            base_row, source_row, filters, out_row, start, own_base, half, own_out, places,
            channel, D, TAPS, BASE_STEP, SOURCE_STEP, OUT_STEP, SCALE, UNROLL, G, T, TD, WHOLE,
            False,
        )  # fmt: skip
    elif start < half:
        _step_tile(
            base_row, source_row, filters, out_row, start, own_base, half, own_out, places,
            channel, D, TAPS, BASE_STEP, SOURCE_STEP, OUT_STEP, SCALE, EDGE_UNROLL, G, T, TD,
            WHOLE, True,
        )  # fmt: skip
    else:
        zero_places(out_row, start, channel, places, D, OUT_STEP, G * T, TD)
