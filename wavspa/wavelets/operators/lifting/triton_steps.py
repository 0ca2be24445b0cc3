"""Launches of the lifting kernels: the strides of their tensors, and the choice of a tile."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from wavspa.wavelets.operators.lifting.triton_filter_sums import filter_sums_kernel
from wavspa.wavelets.operators.lifting.triton_slope import slope_kernel
from wavspa.wavelets.operators.lifting.triton_step import step_kernel
from wavspa.wavelets.operators.tiles import Tile, lifting_gradient_tile, lifting_tile
from wavspa.wavelets.operators.triton_launch import launch, rows_in_order
from wavspa.wavelets.operators.triton_operators import steps_of_program


class Half(NamedTuple):
    """A band, or every second sample of a signal, in place.

    Attributes:
        tensor: [B, places, D], channels contiguous.
        step: Distance between two places in memory.
        odd: It holds the odd samples, of which a row of odd length has one less.
    """

    tensor: Tensor
    step: int
    odd: bool


def band(x: Tensor) -> Half:
    """A band [B, M, D], copied if its places are not consecutive in memory."""
    return Half(rows_in_order(x), x.shape[2], False)


def halves(x: Tensor) -> tuple[Half, Half]:
    """Even and odd samples of a signal [B, N, D] whose samples are consecutive in memory."""
    step = 2 * x.shape[2]
    return Half(x[:, ::2], step, False), Half(x[:, 1::2], step, True)


@dataclass(frozen=True)
class Level:
    """The rows of one level.

    Args:
        samples: Number of samples N of the signal.
        lengths: Number of samples in each row, int64 [B], or None.
    """

    samples: int
    lengths: Tensor | None

    def step(self, base: Half, source: Half, filters: Tensor, out: Half, scale: float) -> None:
        """``out = base + scale silu(C(source, filters))``."""
        tile = _tile_for(base, source, out)
        batch, _, channels = source.tensor.shape
        tiles = self._tiles(tile)
        launch(
            step_kernel,
            batch * tiles * -(-channels // tile.channels),
            (base.tensor, source.tensor, filters, out.tensor, self._lengths(filters)),
            (base.tensor.stride(0), source.tensor.stride(0), out.tensor.stride(0)),
            (self.samples, tiles),
            {
                "D": channels,
                "TAPS": filters.shape[0],
                "BASE_STEP": base.step,
                "SOURCE_STEP": source.step,
                "OUT_STEP": out.step,
                "BASE_ODD": base.odd,
                "OUT_ODD": out.odd,
                "SCALE": scale,
                **self._constants(tile),
            },
            tile.warps,
        )

    def slope(
        self,
        base: Half,
        back: tuple[Tensor, Tensor, Half] | None,
        onward: tuple[Half, Tensor, float, Tensor] | None,
    ) -> None:
        """Take a slope back to its source, and compute the next slope from the source's gradient.

        Args:
            base: The rest of the gradient.
            back: Slope [B, M, D], its filter, and the output for the source's gradient; None: that is
                ``base``.
            onward: Source and filter of the step whose result has this gradient, its scale, and
                the output for its slope [B, M, D]; or None.
        """
        slope, slope_filters, out = back or (onward[3], onward[1], base)  # type: ignore[index]
        source, source_filters, scale, next_slope = onward or (base, slope_filters, 0.0, slope)
        tile = _tile_for(base, source, out)
        batch, _, channels = slope.shape
        tiles = self._tiles(tile)
        launch(
            slope_kernel,
            batch * tiles * -(-channels // tile.channels),
            (
                base.tensor,
                slope,
                out.tensor,
                source.tensor,
                next_slope,
                slope_filters,
                source_filters,
                self._lengths(slope),
            ),
            (
                base.tensor.stride(0),
                slope.stride(0),
                out.tensor.stride(0),
                source.tensor.stride(0),
            ),
            (self.samples, tiles),
            {
                "D": channels,
                "SLOPE_TAPS": slope_filters.shape[0],
                "SOURCE_TAPS": source_filters.shape[0],
                "BASE_STEP": base.step,
                "OUT_STEP": out.step,
                "SOURCE_STEP": source.step,
                "BASE_ODD": base.odd,
                "OUT_ODD": out.odd,
                "SCALE": scale,
                "BACK": back is not None,
                "NEXT": onward is not None,
                **self._constants(tile),
            },
            tile.warps,
        )

    def filter_gradients(
        self, first: tuple[Half, Tensor, int], second: tuple[Half, Tensor, int]
    ) -> Tensor:
        """Gradients of two filters, concatenated, float32; each is given by its source, slope and taps."""
        (source, slope, taps), (other_source, other_slope, other_taps) = first, second
        batch, half, channels = slope.shape
        itemsize = min(source.tensor.element_size(), other_source.tensor.element_size())
        tile = lifting_gradient_tile(channels, max(taps, other_taps), itemsize)
        row_steps, channel_tiles = -(-half // tile.places), -(-channels // tile.channels)
        steps, both = batch * row_steps, taps + other_taps
        # Two programs make one partial sum for both filters.
        run = steps_of_program(slope, -(-both // 2), steps, 2 * channel_tiles)
        programs = -(-steps // run)
        partial = slope.new_empty((programs, both, channels))
        launch(
            filter_sums_kernel,
            2 * programs * channel_tiles,
            (
                source.tensor,
                slope,
                other_source.tensor,
                other_slope,
                partial,
                self._lengths(slope),
            ),
            (source.tensor.stride(0), other_source.tensor.stride(0), slope.stride(0)),
            (self.samples, steps, row_steps, run, programs),
            {
                "D": channels,
                "FIRST_STEP": source.step,
                "SECOND_STEP": other_source.step,
                "FIRST_TAPS": taps,
                "SECOND_TAPS": other_taps,
                "RAGGED": self.lengths is not None,
                "COUNT": tile.taps,
                "BLOCKS": tile.blocks,
                "G": tile.strips,
                "T": tile.steps,
                "TD": tile.channels,
            },
            tile.warps,
        )
        return partial.sum(0)

    def _tiles(self, tile: Tile) -> int:
        return -(-((self.samples + 1) // 2) // tile.places)

    def _lengths(self, other: Tensor) -> Tensor:
        """The lengths, or any tensor if the kernel reads none."""
        return other if self.lengths is None else self.lengths.contiguous()

    def _constants(self, tile: Tile) -> dict[str, int]:
        return {
            "RAGGED": self.lengths is not None,
            "UNROLL": tile.unroll,
            "G": tile.strips,
            "T": tile.steps,
            "TD": tile.channels,
        }


def _tile_for(*halves: Half) -> Tile:
    itemsize = min(half.tensor.element_size() for half in halves)
    return lifting_tile(halves[0].tensor.shape[2], itemsize)


def new_slope(like: Tensor) -> Tensor:
    """An empty tensor for the slope of a band [B, M, D]."""
    return like.new_empty(like.shape, dtype=torch.float32)
