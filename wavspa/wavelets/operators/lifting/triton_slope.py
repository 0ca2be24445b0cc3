# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, no-redef"
"""The gradient of lifting steps on a GPU, from the last step to the first.

With z the correlation of a step and g the gradient of its result, its *slope* ``SCALE g silu'(z)`` is
the gradient of z. One launch takes the slope of the previous step back to its source, with the transpose of
the correlation, adds the rest of that source's gradient, and computes the next step's slope from the sum
while it is in registers. Correlations are recomputed, which costs less than storing them.
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
from wavspa.wavelets.operators.triton_rows import replaced, zero_tiles


@triton.jit
def _slope_tile(
    base_row, slope_row, out_row, source_row, next_row, slope_filters, source_filters, start,
    own_base, half, own_out, out_places, places, channel,
    D: tl.constexpr, SLOPE_TAPS: tl.constexpr, SOURCE_TAPS: tl.constexpr,
    BASE_STEP: tl.constexpr, OUT_STEP: tl.constexpr, SOURCE_STEP: tl.constexpr,
    SCALE: tl.constexpr, BACK: tl.constexpr, NEXT: tl.constexpr, UNROLL: tl.constexpr,
    G: tl.constexpr, T: tl.constexpr, TD: tl.constexpr, WHOLE: tl.constexpr, EDGE: tl.constexpr,
):  # fmt: skip
    """Places ``start .. start + G T - 1``."""
    mask = channel < D
    if BACK:
        gradients = circular_sums(
            slope_row, slope_filters, start, channel, half,
            D, D, SLOPE_TAPS, True, UNROLL, G, T, TD, WHOLE, EDGE,
        )  # fmt: skip
    else:
        gradients = zero_tiles(T, G, TD)
    for t in tl.static_range(T):
        strip = tl.arange(0, G) * T + t
        base = load_places(base_row, start, strip, channel, mask, own_base, BASE_STEP, WHOLE, EDGE)
        gradients = replaced(gradients, t, gradients[t] + base)
        if BACK:
            store_places(
                out_row, start, strip, channel, mask, gradients[t], own_out, out_places, OUT_STEP,
                WHOLE, EDGE,
            )  # fmt: skip
    if NEXT:
        sums = circular_sums(
            source_row, source_filters, start, channel, half,
            D, SOURCE_STEP, SOURCE_TAPS, False, UNROLL, G, T, TD, WHOLE, EDGE,
        )  # fmt: skip
        for t in tl.static_range(T):
            strip = tl.arange(0, G) * T + t
            gate = tl.sigmoid(sums[t])
            slope = SCALE * gradients[t] * (gate + sums[t] * gate * (1.0 - gate))
            store_places(next_row, start, strip, channel, mask, slope, half, places, D, WHOLE, EDGE)


@triton.jit(do_not_specialize=["samples", "tiles"])
def slope_kernel(
    base, slope, out, source, next_slope, slope_filters, source_filters, lengths,
    base_row_stride, slope_row_stride, out_row_stride, source_row_stride, samples, tiles,
    D: tl.constexpr, SLOPE_TAPS: tl.constexpr, SOURCE_TAPS: tl.constexpr,
    BASE_STEP: tl.constexpr, OUT_STEP: tl.constexpr, SOURCE_STEP: tl.constexpr,
    BASE_ODD: tl.constexpr, OUT_ODD: tl.constexpr, SCALE: tl.constexpr, BACK: tl.constexpr,
    NEXT: tl.constexpr, RAGGED: tl.constexpr, UNROLL: tl.constexpr, G: tl.constexpr,
    T: tl.constexpr, TD: tl.constexpr,
):  # fmt: skip
    """BACK: ``out = base + transpose(slope)``; NEXT: ``next_slope`` from that, or from only ``base``.

    Slopes are float32 [B, places, D]. The grid is rows x time tiles x channels.
    """
    CHANNEL_TILES: tl.constexpr = (D + TD - 1) // TD
    WHOLE: tl.constexpr = D % TD == 0
    # There are few tiles at a row's ends: they loop over few taps at a time, which compiles faster.
    EDGE_UNROLL: tl.constexpr = 4
    BEFORE: tl.constexpr = SLOPE_TAPS - 1 if BACK else 0
    BEHIND: tl.constexpr = SOURCE_TAPS - 1 if NEXT else 0
    program = tl.program_id(0)
    channel = (program % CHANNEL_TILES) * TD + tl.arange(0, TD)
    start = (program // CHANNEL_TILES) % tiles * (G * T)
    row = (program // CHANNEL_TILES // tiles).to(tl.int64)
    half, odd = row_halves(lengths, row, samples, RAGGED)
    own_base = odd if BASE_ODD else half
    own_out = odd if OUT_ODD else half
    places = (samples + 1) // 2
    out_places = samples // 2 if OUT_ODD else places
    base_row, slope_row = base + row * base_row_stride, slope + row * slope_row_stride
    out_row, source_row = out + row * out_row_stride, source + row * source_row_stride
    next_row = next_slope + row * slope_row_stride
    if (start >= BEFORE) & (start + G * T + BEHIND <= odd):
        _slope_tile(
            base_row, slope_row, out_row, source_row, next_row, slope_filters, source_filters,
            start, own_base, half, own_out, out_places, places, channel,
            D, SLOPE_TAPS, SOURCE_TAPS, BASE_STEP, OUT_STEP, SOURCE_STEP, SCALE, BACK, NEXT,
            UNROLL, G, T, TD, WHOLE, False,
        )  # fmt: skip
    elif start < half:
        _slope_tile(
            base_row, slope_row, out_row, source_row, next_row, slope_filters, source_filters,
            start, own_base, half, own_out, out_places, places, channel,
            D, SLOPE_TAPS, SOURCE_TAPS, BASE_STEP, OUT_STEP, SOURCE_STEP, SCALE, BACK, NEXT,
            EDGE_UNROLL, G, T, TD, WHOLE, True,
        )  # fmt: skip
    else:
        if BACK:
            zero_places(out_row, start, channel, out_places, D, OUT_STEP, G * T, TD)
        if NEXT:
            zero_places(next_row, start, channel, places, D, D, G * T, TD)
