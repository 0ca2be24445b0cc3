"""Scaling functions and wavelets of filters, by the cascade algorithm."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wavspa.reports.figures.filters import Filters, alike, shown_channels
from wavspa.reports.figures.style import COLOURS, INK, styled

ITERATIONS = 6


def cascade(low: np.ndarray, iterations: int = ITERATIONS) -> tuple[np.ndarray, ...]:
    """The scaling function and the wavelet of a low pass.

    They result from the synthesis of a single coefficient, ``iterations`` levels deep; for an orthogonal
    wavelet this converges. Each is scaled to energy 1, so that filters that learned different gains
    can be compared.

    Args:
        low: Taps [L] in PyWavelets' ``dec_lo`` order.
        iterations: Number of refinements.

    Returns:
        Times [T] in samples, from 0 to L - 1, scaling function [T] and wavelet [T].
    """
    synthesis = low[::-1]
    signs = np.where(np.arange(len(low)) % 2, -1.0, 1.0)
    functions = []
    for first in (synthesis, low * signs):
        function = first
        for _ in range(iterations - 1):
            function = np.convolve(_spread(function), synthesis)
        energy = np.sqrt(np.sum(function**2) / 2**iterations) or 1.0
        functions.append(function / energy)
    times = np.arange(len(functions[0])) / 2**iterations
    return times, *functions


@styled
def draw_cascade(layers: Sequence[Filters]) -> Figure:
    """Draw a row for each layer: the scaling function on the left, the wavelet on the right.

    It shows the channel that training changed most and, if all channels were equal before, the one that it
    changed least: solid after training, dashed before. Filters that pass the highest frequencies, as random
    lattices do, have rough functions, rougher with every refinement.

    Args:
        layers: The low passes, first layer first.
    """
    figure = Figure(figsize=(9.0, 2.2 * len(layers) + 0.8), layout="constrained")
    axes = figure.subplots(len(layers), 2, squeeze=False, sharex=True)
    for pair, layer in zip(axes, layers, strict=True):
        least, most = shown_channels(layer)[0], shown_channels(layer)[-1]
        _lines(pair, layer.learned[:, most], f"channel {most}", color=COLOURS[4])
        if layer.initial is not None and alike(layer.initial):
            _lines(pair, layer.learned[:, least], f"channel {least}", color=COLOURS[2])
            _lines(pair, layer.initial[:, 0], "all, before", color=INK, linestyle="--")
        elif layer.initial is not None:
            before = layer.initial[:, most]
            _lines(pair, before, f"channel {most}, before", color=INK, linestyle="--")
        pair[0].set_title(f"{layer.title}: scaling functions", loc="left")
        pair[1].set_title("wavelets", loc="left")
        pair[0].set_ylabel("value")
        pair[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for axis in axes[-1]:
        axis.set_xlabel("time / samples")
    figure.align_ylabels(axes)
    if any(layer.initial is not None for layer in layers):
        figure.suptitle("solid: after training, dashed: before; each with energy 1")
    return figure


def _lines(pair: Sequence[Axes], low: np.ndarray, label: str | None, **look: Any) -> None:
    times, *functions = cascade(low)
    for axis, function in zip(pair, functions, strict=True):
        axis.plot(times, function, label=label, linewidth=1.0, **look)


def _spread(function: np.ndarray) -> np.ndarray:
    """The values with a zero between every two of them."""
    result = np.zeros(2 * len(function) - 1)
    result[::2] = function
    return result
