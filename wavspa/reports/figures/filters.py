"""Filters before and after training, in time and frequency."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wavspa.reports.figures.style import COLOURS, INK, styled

FREQUENCIES = 256
SHOWN = 4


class Filters(NamedTuple):
    """The filters of one layer.

    ``learned`` [L, D]: the taps of each channel. ``initial`` [L, D]: the taps before training;
    None if nothing is learned.
    """

    title: str
    learned: np.ndarray
    initial: np.ndarray | None = None


@styled
def draw_filters(layers: Sequence[Filters]) -> Figure:
    """Draw a row for each layer: taps on the left, the gain over frequency on the right.

    The grey band holds nine tenths of the channels after training. The lines show four channels, from the
    one that training changed least to the one that it changed most: solid after training, dashed before.

    Args:
        layers: The filters, first layer first.
    """
    figure = Figure(figsize=(9.0, 2.2 * len(layers) + 0.8), layout="constrained")
    axes = figure.subplots(len(layers), 2, squeeze=False, sharex="col")
    for (time, frequency), layer in zip(axes, layers, strict=True):
        channels = shown_channels(layer)
        before = None if layer.initial is None else layer.initial[:, channels]
        _lines(time, np.arange(len(layer.learned)), layer.learned, before, channels)
        before = None if before is None else gain(before)
        _lines(frequency, frequencies(), gain(layer.learned), before, channels)
        time.set_title(layer.title, loc="left")
        time.set_ylabel("weight")
        frequency.set_ylabel("gain")
        frequency.set_ylim(bottom=0)
        frequency.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[-1, 0].set_xlabel("tap")
    axes[-1, 1].set_xlabel("frequency / cycles per sample")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels(axes)
    if any(layer.initial is not None for layer in layers):
        figure.suptitle("solid: after training, dashed: before")
    return figure


def shown_channels(layer: Filters) -> list[int]:
    """Four channels, from the one that training changed least to the one that it changed most."""
    if layer.initial is None:
        return [0]
    moved = np.linalg.norm(layer.learned - layer.initial, axis=0)
    places = np.linspace(0, len(moved) - 1, min(SHOWN, len(moved)))
    return [
        int(channel) for channel in np.argsort(moved, kind="stable")[places.round().astype(int)]
    ]


def frequencies() -> np.ndarray:
    """The frequencies of :func:`gain`: cycles per sample, from 0 to 1/2."""
    return np.linspace(0, 0.5, FREQUENCIES)


def gain(filters: np.ndarray) -> np.ndarray:
    """The magnitude of the frequency response of ``filters [L, D]``, [frequencies, D]."""
    phase = np.outer(frequencies(), np.arange(len(filters)))
    magnitude: np.ndarray = np.abs(np.exp(-2j * np.pi * phase) @ filters)
    return magnitude


def _lines(
    axis: Axes, x: np.ndarray, after: np.ndarray, before: np.ndarray | None, channels: list[int]
) -> None:
    """The band of all channels of ``after [X, D]``, and lines for some, with their ``before [X, C]``."""
    low, high = np.quantile(after, (0.05, 0.95), axis=1)
    axis.fill_between(x, low, high, color=INK, alpha=0.15, linewidth=0, label="90 % of all")
    for number, channel in enumerate(channels):
        colour = COLOURS[2 + number]
        axis.plot(x, after[:, channel], color=colour, label=f"channel {channel}")
        if before is not None and not alike(before):
            axis.plot(x, before[:, number], "--", color=colour, alpha=0.7)
    if before is not None and alike(before):
        axis.plot(x, before[:, 0], "--", color=INK, label="all, before")


def alike(columns: np.ndarray) -> bool:
    """Whether all columns of ``columns [X, C]`` are equal."""
    return bool(np.array_equal(columns, np.broadcast_to(columns[:, :1], columns.shape)))
