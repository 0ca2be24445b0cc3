"""The three operators in Triton, with the signatures and results of :mod:`wavspa.wavelets.operators.plain`.

Signals and bands are float32, float16 or bfloat16 and may have any strides: rows whose
channels are not contiguous are copied once. Sums are float32, outputs contiguous.
"""

import functools

import torch
from torch import Tensor

from wavspa.wavelets.boundaries import EXTENSIONS
from wavspa.wavelets.operators.tiles import (
    GradientTile,
    Tile,
    gradient_tile,
    level_tile,
    synthesis_tile,
)
from wavspa.wavelets.operators.triton_analysis import analysis_kernel
from wavspa.wavelets.operators.triton_filter_gradient import filter_gradient_kernel
from wavspa.wavelets.operators.triton_launch import device_of, launch, rows_in_order
from wavspa.wavelets.operators.triton_synthesis import synthesis_kernel


def analysis(
    x: Tensor,
    filters: Tensor,
    extension: str,
    bands: int,
    lengths: Tensor | None,
    mirror_low: bool,
    low_dtype: torch.dtype,
    high_dtype: torch.dtype,
    tile: Tile | None = None,
) -> tuple[Tensor, Tensor]:
    """See :func:`wavspa.wavelets.operators.plain.analysis`; ``tile`` None takes the table's."""
    (batch, samples, channels), taps = x.shape, filters.shape[0]
    low = x.new_empty((batch, bands, channels), dtype=low_dtype)
    high = x.new_empty((batch, bands, channels), dtype=high_dtype)
    if low.numel() == 0:
        return low, high
    x, filters = rows_in_order(x), filters.contiguous()
    tile = tile or level_tile(channels, x.element_size())
    tiles = -(-bands // tile.places)
    with device_of(x):
        launch(
            analysis_kernel,
            batch * tiles * -(-channels // tile.channels),
            (
                x,
                filters,
                low,
                high,
                x if lengths is None else lengths.contiguous(),
            ),
            (x.stride(0),),
            (
                samples,
                bands,
                tiles,
            ),
            {
                "D": channels,
                "TAPS": taps,
                "BEFORE": EXTENSIONS[extension].left_extension(taps),
                "EXTENSION": extension,
                "MIRROR": mirror_low,
                "RAGGED": lengths is not None,
                "UNROLL": tile.unroll,
                "G": tile.strips,
                "T": tile.steps,
                "TD": tile.channels,
            },
            tile.warps,
        )
    return low, high


def synthesis(
    low: Tensor,
    high: Tensor,
    filters: Tensor,
    extension: str,
    samples: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
    tile: Tile | None = None,
) -> Tensor:
    """See :func:`wavspa.wavelets.operators.plain.synthesis`; ``tile`` None takes the table's."""
    (batch, bands, channels), taps = low.shape, filters.shape[0]
    x = low.new_empty((batch, samples, channels), dtype=dtype)
    if x.numel() == 0:
        return x
    low, high, filters = rows_in_order(low), rows_in_order(high), filters.contiguous()
    tile = tile or synthesis_tile(channels, min(low.element_size(), high.element_size()))
    before = EXTENSIONS[extension].left_extension(taps)
    pairs = (before + samples - 1) // 2 - before // 2 + 1
    tiles = -(-pairs // tile.places)
    with device_of(x):
        launch(
            synthesis_kernel,
            batch * tiles * -(-channels // tile.channels),
            (
                low,
                high,
                filters,
                x,
                low if lengths is None else lengths.contiguous(),
            ),
            (
                low.stride(0),
                high.stride(0),
            ),
            (
                samples,
                bands,
                tiles,
            ),
            {
                "D": channels,
                "TAPS": taps,
                "BEFORE": before,
                "EXTENSION": extension,
                "MIRROR": mirror_low,
                "RAGGED": lengths is not None,
                "UNROLL": tile.unroll,
                "G": tile.strips,
                "T": tile.steps,
                "TD": tile.channels,
            },
            tile.warps,
        )
    return x


def filter_gradient(
    x: Tensor,
    low: Tensor,
    high: Tensor,
    extension: str,
    taps: int,
    lengths: Tensor | None,
    mirror_low: bool,
    dtype: torch.dtype,
    tile: GradientTile | None = None,
) -> Tensor:
    """See :func:`wavspa.wavelets.operators.plain.filter_gradient`; ``tile`` as above."""
    (batch, samples, channels), bands = x.shape, low.shape[1]
    if x.numel() == 0 or low.numel() == 0:
        return x.new_zeros((taps, channels), dtype=dtype)
    x, low, high = rows_in_order(x), rows_in_order(low), rows_in_order(high)
    tile = tile or gradient_tile(channels, taps, x.element_size())
    row_steps = -(-bands // tile.places)
    steps, channel_tiles = batch * row_steps, -(-channels // tile.channels)
    run = steps_of_program(x, taps, steps, channel_tiles)
    programs = -(-steps // run)
    partial = x.new_empty((2 * programs, taps, channels), dtype=torch.float32)
    with device_of(x):
        launch(
            filter_gradient_kernel,
            programs * channel_tiles,
            (
                x,
                low,
                high,
                partial,
                x if lengths is None else lengths.contiguous(),
            ),
            (
                x.stride(0),
                low.stride(0),
                high.stride(0),
            ),
            (
                samples,
                bands,
                steps,
                row_steps,
                run,
            ),
            {
                "D": channels,
                "TAPS": taps,
                "BEFORE": EXTENSIONS[extension].left_extension(taps),
                "EXTENSION": extension,
                "MIRROR": mirror_low,
                "RAGGED": lengths is not None,
                "COUNT": tile.taps,
                "BLOCKS": tile.blocks,
                "G": tile.strips,
                "T": tile.steps,
                "TD": tile.channels,
            },
            tile.warps,
        )
    return partial.sum(0, dtype=dtype)


def steps_of_program(x: Tensor, taps: int, steps: int, channel_tiles: int) -> int:
    """Time steps of one program of the filters' gradient.

    Few enough that every multiprocessor gets a program, many enough that all partial sums together
    stay below one hundredth of ``x``.
    """
    wanted = -(-multiprocessors(x.device) // channel_tiles)
    partial = 2 * taps * x.shape[2] * torch.float32.itemsize
    allowed = x.numel() * x.element_size() // (100 * partial)
    return -(-steps // max(1, min(wanted, allowed, steps)))


@functools.cache
def multiprocessors(device: torch.device) -> int:
    """Number of multiprocessors of a GPU; a small number for a CPU, where Triton's interpreter runs."""
    if device.type != "cuda":
        return 4
    return torch.cuda.get_device_properties(device).multi_processor_count
