"""Tile sizes of the Triton kernels: a small table by channels, taps and bytes per element.

Nothing here depends on the length, so that a new length compiles nothing and tunes nothing. Every
thread loads 16 bytes of neighbouring channels at a time.
"""

import functools
from dataclasses import dataclass

WARP = 32
VECTOR_BYTES = 16
# A lattice has few filters: with narrow tiles there are still enough programs.
LATTICE_CHANNELS = 16


@dataclass(frozen=True)
class Tile:
    """A program's share of one level.

    Args:
        strips: Number of adjacent strips of time G.
        steps: Coefficients T (or pairs of samples) that a thread computes in its strip.
        channels: Channels TD.
        warps: Warps of a program.
        unroll: Taps that the program unrolls; it loops over further ones. A multiple of 4.
    """

    strips: int
    steps: int
    channels: int
    warps: int
    unroll: int

    @property
    def places(self) -> int:
        """Number of coefficients (or pairs of samples) of a program."""
        return self.strips * self.steps


@dataclass(frozen=True)
class GradientTile:
    """A program's share of the filters' gradient.

    Args:
        strips: Strips G, of time and of taps: each strip of time occurs ``blocks`` times.
        steps: Coefficients T that a thread reads from its strip at a time.
        channels: Channels TD.
        warps: Warps of a program.
        blocks: Blocks of taps.
        taps: Taps of a block.
    """

    strips: int
    steps: int
    channels: int
    warps: int
    blocks: int
    taps: int

    @property
    def places(self) -> int:
        """Number of coefficients that a program reads at a time."""
        return self.strips // self.blocks * self.steps


@functools.cache
def level_tile(channels: int, itemsize: int, unroll: int = 16) -> Tile:
    """The tile of analysis and synthesis for ``channels`` of ``itemsize`` bytes."""
    width = channel_tile(channels, itemsize, 64)
    return Tile(vectors(4, itemsize) // width, 4, width, 4, unroll)


def synthesis_tile(channels: int, itemsize: int) -> Tile:
    """The tile of synthesis, which in float32 has registers for only 8 taps in a row."""
    return level_tile(channels, itemsize, 8 if itemsize == 4 else 16)


@functools.cache
def lifting_tile(channels: int, itemsize: int) -> Tile:
    """The tile of a lifting step and its slope: a step makes one band, so it has twice a level's places."""
    width = channel_tile(channels, itemsize, 64)
    return Tile(vectors(4, itemsize) // width, 8 if itemsize == 4 else 4, width, 4, 16)


@functools.cache
def lifting_gradient_tile(channels: int, taps: int, itemsize: int) -> GradientTile:
    """The tile of a lifting filter's gradient, which has sums for one band."""
    width = channel_tile(channels, itemsize, 16)
    blocks = power_of_two(-(-taps // (20 if itemsize == 4 else 10)))
    strips = max(vectors(8, itemsize) // width, blocks)
    return GradientTile(strips, 4, width, 8, blocks, -(-taps // blocks))


@functools.cache
def gradient_tile(channels: int, taps: int, itemsize: int) -> GradientTile:
    """The tile of the filters' gradient for ``channels`` of ``itemsize`` bytes."""
    width = channel_tile(channels, itemsize, 16)
    # A thread's sums are taps x 2 bands x channels of 16 bytes, which its registers limit.
    blocks = power_of_two(-(-taps // 10))
    strips = max(vectors(8, itemsize) // width, blocks)
    return GradientTile(strips, 4, width, 8, blocks, -(-taps // blocks))


def channel_tile(channels: int, itemsize: int, most: int) -> int:
    """A power of two of channels: at least one vector, at most ``most``."""
    return min(most, max(power_of_two(channels), VECTOR_BYTES // itemsize))


def vectors(warps: int, itemsize: int) -> int:
    """Elements of one vector of 16 bytes for every thread of ``warps`` warps."""
    return warps * WARP * (VECTOR_BYTES // itemsize)


def power_of_two(number: int) -> int:
    """The smallest power of two that is at least ``number``, for numbers of at least 1."""
    return 1 << (number - 1).bit_length()


def lattice_warps(rows: int) -> int:
    """Warps of a program that turns half filters of ``rows`` rows."""
    return 1 if rows <= 32 else 4
