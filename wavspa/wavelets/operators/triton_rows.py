# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
# It does not support starred tuples.
# ruff: noqa: RUF005
"""Index arithmetic that the Triton kernels share: rows' lengths, extensions, tuples of tiles.

The kernels hold their sums as Triton tuples of [G, TD] tiles: G strips of time, TD channels. A
thread then walks along time and keeps everything that it needs twice in registers.
"""

import triton
import triton.language as tl


@triton.jit
def floor_mod(a, b):
    """``a mod b`` in [0, b), for b > 0; Triton's own % has the sign of a."""
    return ((a % b) + b) % b


@triton.jit
def floor_div(a, b):
    """``a / b`` rounded down, for b > 0."""
    return (a - floor_mod(a, b)) // b


@triton.jit
def row_extent(
    lengths, row, samples, bands, TAPS: tl.constexpr, EXTENSION: tl.constexpr, RAGGED: tl.constexpr
):
    """Samples and coefficients of one row, in int32."""
    if RAGGED:
        length = tl.load(lengths + row)
        if EXTENSION == "periodic" or EXTENSION == "wrap":
            own = (length + 1) // 2
        elif EXTENSION == "upstream":
            own = (length + 1) // 2 + TAPS - 2
        else:
            own = (length + TAPS - 1) // 2
        own = tl.where(length > 0, own, 0)
        return tl.minimum(length, samples).to(tl.int32), tl.minimum(own, bands).to(tl.int32)
    else:
        return samples, bands


@triton.jit
def period_of(samples, bands, EXTENSION: tl.constexpr):
    """The period of an extended row in places, at least 1."""
    if EXTENSION == "periodic":
        period = samples + samples % 2
    elif EXTENSION == "wrap":
        period = 2 * bands
    else:
        period = 2 * (samples - 1)
    return tl.maximum(period, 1)


@triton.jit
def source(position, samples, bands, BEFORE: tl.constexpr, EXTENSION: tl.constexpr):
    """The sample at each place of the extended row, and whether there is one."""
    index = position - BEFORE
    if EXTENSION == "zero":
        return index, (index >= 0) & (index < samples)
    else:
        if EXTENSION == "upstream":
            index = position % tl.maximum(2 * bands, 1) - BEFORE
        period = period_of(samples, bands, EXTENSION)
        index = floor_mod(index, period)
        if EXTENSION == "periodic":
            index = tl.minimum(index, samples - 1)
        elif EXTENSION != "wrap":
            index = tl.minimum(index, period - index)
            index = tl.where(samples > 1, index, 0)
        return index, (index >= 0) & (index < samples)


@triton.jit
def load_channels(pointers, channel_mask, WHOLE: tl.constexpr):
    """Tiles or rows of channels as float32; without a mask if channel tiles are full."""
    if WHOLE:
        return tl.load(pointers).to(tl.float32)
    else:
        return tl.load(pointers, mask=channel_mask, other=0.0).to(tl.float32)


@triton.jit
def zero_tiles(COUNT: tl.constexpr, G: tl.constexpr, TD: tl.constexpr):
    """A tuple of ``COUNT`` zeros [G, TD]."""
    tiles = ()
    for _ in tl.static_range(COUNT):
        tiles = tiles + (tl.zeros((G, TD), tl.float32),)
    return tiles


@triton.jit
def replaced(tiles, place: tl.constexpr, tile):
    """The tuple with ``tile`` at ``place``."""
    return tiles[:place] + (tile,) + tiles[place + 1 :]
