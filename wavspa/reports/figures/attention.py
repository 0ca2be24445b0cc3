"""Attention in wavelet space over the input: pictures next to pictures, colours behind symbols."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from wavspa.reports.figures.style import SHADES, styled

COLUMNS = 96
MOST_LINES = 4
# Size of a monospaced letter's cell in inches, and the font size.
CELL_WIDTH, CELL_HEIGHT, LETTERS = 0.075, 0.19, 7.5
TICKS = (*(-(2**power) for power in range(20)), 0, 0.5, *(2**power for power in range(20)))
LABEL = "attention received / even share"


class BandOver(NamedTuple):
    """The attention that a band of a layer receives: ``positions`` [N], 1 for an even share."""

    layer: int
    band: str
    positions: np.ndarray


class Attended(NamedTuple):
    """An example that a model attended to: its pixels, or its symbols if it is not a picture."""

    title: str
    bands: Sequence[BandOver]
    pixels: np.ndarray | None
    symbols: Sequence[str]


def draw_attended(example: Attended) -> Figure:
    """Draw attention over an example."""
    if example.pixels is not None:
        return draw_over_picture(example.pixels, example.bands, example.title)
    return draw_over_symbols(example.symbols, example.bands, example.title)


@styled
def draw_over_picture(picture: np.ndarray, bands: Sequence[BandOver], title: str) -> Figure:
    """Draw the picture, and below it a row for each layer with a picture of every band's attention.

    Args:
        picture: Brightness [S, S].
        bands: The attention over its S * S pixels, row by row.
        title: The title above.
    """
    layers = sorted({band.layer for band in bands})
    columns = 1 + max(sum(band.layer == layer for band in bands) for layer in layers)
    figure = Figure(figsize=(1.9 * columns + 1.2, 2.0 * len(layers) + 0.7), layout="constrained")
    axes = figure.subplots(len(layers), columns, squeeze=False)
    shades = _shades(bands)
    for row, layer in zip(axes, layers, strict=True):
        of_layer = [band for band in bands if band.layer == layer]
        for axis in row:
            axis.axis("off")
        row[0].imshow(picture, cmap="gray")
        row[0].set_title("input")
        for axis, band in zip(row[1:], of_layer, strict=False):
            axis.imshow(band.positions.reshape(picture.shape), cmap=SHADES, norm=shades)
            axis.set_title(f"layer {layer}, {band.band}")
    _colour_bar(figure, axes, shades)
    figure.suptitle(title)
    return figure


@styled
def draw_over_symbols(symbols: Sequence[str], bands: Sequence[BandOver], title: str) -> Figure:
    """Draw the symbols once for each band of each layer, its attention as the colour behind them.

    Args:
        symbols: The symbol of each of N tokens; as many are drawn as fit into four lines.
        bands: The attention over the N tokens.
        title: The title above.
    """
    cells = _cells(symbols)
    lines = 1 + max(line for _, line, _ in cells)
    figure = Figure(
        figsize=(COLUMNS * CELL_WIDTH + 1.4, len(bands) * (lines * CELL_HEIGHT + 0.3) + 0.6),
        layout="constrained",
    )
    axes = figure.subplots(len(bands), 1, squeeze=False)
    shades = _shades(bands)
    for axis, band in zip(axes[:, 0], bands, strict=True):
        _strip(axis, symbols, cells, band.positions, shades)
        axis.set_title(f"layer {band.layer}, {band.band}", loc="left", pad=2)
        axis.set_ylim(lines, 0)
    _colour_bar(figure, axes, shades)
    shown = "" if len(cells) == len(symbols) else f", first {len(cells)} of {len(symbols):,} tokens"
    figure.suptitle(title + shown)
    return figure


def _cells(symbols: Sequence[str]) -> list[tuple[int, int, int]]:
    """Column, line and width of each symbol, until the lines are full."""
    gap = int(any(len(symbol) > 1 for symbol in symbols))
    cells: list[tuple[int, int, int]] = []
    column = line = 0
    for symbol in symbols:
        width = min(len(symbol) + gap, COLUMNS)
        if column + width > COLUMNS:
            column, line = 0, line + 1
        if line == MOST_LINES:
            break
        cells.append((column, line, width))
        column += width
    return cells


def _strip(
    axis: Axes,
    symbols: Sequence[str],
    cells: Sequence[tuple[int, int, int]],
    positions: np.ndarray,
    shades: Normalize,
) -> None:
    colours = matplotlib.colormaps[SHADES](shades(positions))
    for (column, line, width), symbol, colour in zip(cells, symbols, colours, strict=False):
        axis.add_patch(Rectangle((column, line), width, 1, facecolor=colour, linewidth=0))
        ink = "black" if colour[:3].mean() > 0.5 else "white"
        look: Any = {"ha": "center", "va": "center", "family": "monospace", "fontsize": LETTERS}
        axis.text(column + width / 2, line + 0.5, symbol, color=ink, parse_math=False, **look)
    axis.set_xlim(0, COLUMNS)
    axis.axis("off")


def _shades(bands: Sequence[BandOver]) -> Normalize:
    """One scale for all bands of a figure, finer for small values."""
    lowest = min(0.0, *(float(band.positions.min()) for band in bands))
    highest = max(float(band.positions.max()) for band in bands)
    return AsinhNorm(0.5, vmin=lowest, vmax=highest)


def _colour_bar(figure: Figure, axes: np.ndarray, shades: Normalize) -> None:
    scale = matplotlib.cm.ScalarMappable(shades, SHADES)
    shrink = min(1.0, 3.0 / figure.get_figheight())
    bar = figure.colorbar(scale, ax=axes, label=LABEL, shrink=shrink, format="%g")
    bar.set_ticks([tick for tick in TICKS if shades.vmin <= tick <= shades.vmax])
    bar.minorticks_off()
