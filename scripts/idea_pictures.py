"""Draws the pictures for docs/start/idea.md with wavspa's own transforms and attention.

    python scripts/idea_pictures.py docs/pictures

Writes idea_bands.png (a signal in each wavelet mode), idea_layer.png (what one layer does to it) and
idea_reach.png (which positions a band connects).
"""

import argparse
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from wavspa import WavSpAttention
from wavspa.models.attention_maps import footprints
from wavspa.models.introspection import band_names
from wavspa.reports.figures.style import COLOURS, INK, SHADES, save, styled

SAMPLES, LEVEL, TAPS = 256, 3, 8
MODES = {
    "ada": "ada, at first db4",
    "ortho": "ortho, random angles",
    "lift_fixed": "lift_fixed",
    "fourier": "fourier",
}
TICKS = (0, SAMPLES // 2, SAMPLES)
CHANNELS, WINDOW, STRENGTH = 16, 8, 2.0


def signal() -> Tensor:
    """A slow wave, a jump, a burst and a chirp, [SAMPLES]."""
    t = torch.arange(SAMPLES) / SAMPLES
    burst = torch.sin(2 * torch.pi * 60 * t) * torch.exp(-(((t - 0.3) / 0.03) ** 2))
    chirp = 0.6 * torch.sin(2 * torch.pi * 40 * t**2) * (t > 0.75)
    return torch.sin(2 * torch.pi * 1.5 * t) + (t > 0.55) * 1.0 + burst + chirp


def layer(wavelet: str, boundary: str = "periodic") -> WavSpAttention:
    """An untrained layer of softmax attention; if periodic, its bands add up to the signal's length."""
    torch.manual_seed(0)
    return WavSpAttention(
        CHANNELS, heads=1, wavelet=wavelet, taps=TAPS, level=LEVEL, boundary=boundary
    ).eval()


def places(count: int) -> Tensor:
    """The positions of the ``count`` coefficients of a band."""
    return (torch.arange(count) + 0.5) * SAMPLES / count - 0.5


def draw_band(axes: Axes, band: Tensor, colour: str) -> None:
    """Draw the coefficients of one channel over the positions."""
    axes.vlines(places(len(band)), 0, band, color=colour, linewidth=1)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.set_xlim(0, SAMPLES)


@styled
def draw_bands() -> Figure:
    """The signal, and below it its bands in each mode."""
    figure = Figure(figsize=(8.5, 6.5), layout="constrained")
    grid = figure.add_gridspec(LEVEL + 2, len(MODES))
    top = figure.add_subplot(grid[0, :])
    top.plot(signal(), color=INK)
    top.set(title="the signal, 256 samples", xlim=(0, SAMPLES), xlabel="position", ylabel="x")
    for column, (mode, title) in enumerate(MODES.items()):
        model = layer(mode)
        with torch.no_grad():
            x = signal()[None, :, None].expand(1, -1, CHANNELS)
            bands = model.wavelet.transform().analyse(x).coefficients
        for row, (name, band) in enumerate(zip(names_of(model), bands, strict=True)):
            axes = figure.add_subplot(grid[row + 1 if len(bands) > 1 else slice(1, None), column])
            draw_band(axes, band[0, :, 0], COLOURS[row + 1])
            axes.set_ylabel(name)
            if row == 0:
                axes.set_title(title)
            if row == len(bands) - 1:
                axes.set_xlabel("position" if len(bands) > 1 else "frequency index")
    return figure


def names_of(model: WavSpAttention) -> list[str]:
    """The names of the bands on an axis, with their numbers of coefficients."""
    sizes = model.wavelet.band_lengths(SAMPLES)
    names = band_names(model)
    return [
        f"{n if len(names) > 1 else 'H(x)'} ({size})" for n, size in zip(names, sizes, strict=True)
    ]


@styled
@torch.no_grad()
def draw_layer() -> Figure:
    """For each band: its coefficients, its attention, and its contribution to the output."""
    model = layer("ada")
    # Each channel has another shift: a position holds its neighbourhood, which lets attention distinguish it.
    x = STRENGTH * torch.stack([signal().roll(lag) for lag in range(CHANNELS)], dim=1)[None]
    transform = model.wavelet.transform()
    analysed = transform.analyse(x)
    bands = analysed.coefficients
    figure = Figure(figsize=(8.5, 7.5), layout="constrained")
    panels = figure.subplots(LEVEL + 1, 3, width_ratios=(3, 1.4, 3))
    for row, (axes, name, band) in enumerate(zip(panels, names_of(model), bands, strict=True)):
        attention = model.attentions[row]
        q, k, _ = attention.project(band)
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)[0, 0]
        alone = [torch.zeros_like(other) for other in bands]
        alone[row] = attention(band)
        added = transform.synthesise(analysed._replace(coefficients=alone))[0, :, 0]
        draw_band(axes[0], band[0, :, 0], COLOURS[row + 1])
        axes[0].set_ylabel(name)
        weights = weights / weights.max(dim=1, keepdim=True).values
        axes[1].imshow(weights, cmap=SHADES, vmin=0, extent=(0, SAMPLES, SAMPLES, 0))
        axes[1].set(ylabel="asks (position)", xticks=TICKS, yticks=TICKS)
        axes[1].grid(False)
        axes[2].plot(added, color=COLOURS[row + 1])
        axes[2].set(xlim=(0, SAMPLES), ylabel="adds to y")
    for axes, title, below in zip(
        panels.T,
        ("1. analysis: the bands", "2. attention on each", "3. synthesis: back over positions"),
        ("position", "is seen (position)", "position"),
        strict=True,
    ):
        axes[0].set_title(title)
        axes[-1].set_xlabel(below)
    return figure


@styled
@torch.no_grad()
def draw_reach() -> Figure:
    """Softmax on the approximation, a window on the details: which positions each band connects."""
    model = layer("ada", boundary="zero")
    figure = Figure(figsize=(8.5, 2.9), layout="constrained")
    panels = figure.subplots(1, LEVEL + 1, sharey=True)
    for number, (axes, name) in enumerate(zip(panels, names_of(model), strict=True)):
        weights = footprints(model, number, SAMPLES)
        share = weights / weights.sum(dim=0)
        offset = torch.arange(len(weights)) - torch.arange(len(weights))[:, None]
        seen = (offset > -WINDOW // 2) & (offset <= WINDOW // 2) if number else offset > -SAMPLES
        reach = share.T @ (seen / seen.sum(dim=1, keepdim=True)) @ share
        axes.imshow(reach / reach.max(), cmap=SHADES, vmin=0, vmax=1)
        axes.set(title=f"{name}, {f'window {WINDOW}' if number else 'softmax'}", xticks=TICKS)
        axes.set(xlabel="position that is seen", yticks=TICKS)
        axes.grid(False)
    panels[0].set_ylabel("position that asks")
    bar = figure.colorbar(panels[-1].images[0], ax=panels, shrink=0.7)
    bar.set_label("weight (1: the largest)")
    bar.outline.set_visible(False)
    return figure


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, draw in {"bands": draw_bands, "layer": draw_layer, "reach": draw_reach}.items():
        save(draw(), folder / f"idea_{name}.png")


if __name__ == "__main__":
    main()
