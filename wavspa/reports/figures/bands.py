"""The bands over the course of training: their energy, and the orthogonality of the filters."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from wavspa.errors import UserError
from wavspa.reports.figures.style import COLOURS, line_look, styled
from wavspa.training.wavelet_metrics import ENERGY, ORTHOGONALITY

Rows = Sequence[Mapping[str, float]]


@styled
def draw_energies(rows: Rows) -> Figure:
    """Draw each layer's shares of the energy over the steps, the coarsest band at the bottom.

    Args:
        rows: Rows of a run's ``metrics.csv``.

    Raises:
        UserError: No energies were logged.
    """
    steps, of_names = _logged(rows, ENERGY)
    layers: dict[str, list[str]] = {}
    for name in of_names:
        layers.setdefault(name.removeprefix(ENERGY).partition("/")[0], []).append(name)
    figure = Figure(figsize=(2.6 * len(layers) + 1.6, 3.2), layout="constrained")
    axes = figure.subplots(1, len(layers), squeeze=False, sharey=True)[0]
    for axis, (layer, bands) in zip(axes, layers.items(), strict=True):
        labels = [name.rpartition("/")[2] for name in bands]
        shares = [100 * of_names[name] for name in bands]
        axis.stackplot(steps, *shares, labels=labels, colors=_colours(len(bands)), alpha=0.85)
        axis.set_title(_layer(layer))
        axis.set_xlabel("optimizer steps")
        axis.margins(0)
        axis.grid(False)
    axes[0].set_ylabel("energy of the band / %")
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="band", reverse=True)
    return figure


@styled
def draw_orthogonality(rows: Rows) -> Figure:
    """Draw the distance of each layer's filters from orthogonal ones, over the steps.

    Args:
        rows: Rows of a run's ``metrics.csv``.

    Raises:
        UserError: No errors were logged.
    """
    steps, of_names = _logged(rows, ORTHOGONALITY)
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axis = figure.subplots()
    for number, (name, errors) in enumerate(of_names.items()):
        colour, style = line_look(number)
        label = _layer(name.removeprefix(ORTHOGONALITY))
        axis.plot(steps, errors, style, marker=".", color=colour, label=label)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("optimizer steps")
    axis.set_ylabel("orthogonality error, mean over channels")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _logged(rows: Rows, prefix: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The steps [S] at which metrics with a prefix were logged, and the values [S] of each."""
    names = list(dict.fromkeys(name for row in rows for name in row if name.startswith(prefix)))
    if not names:
        raise UserError(
            f"metrics.csv holds no {prefix}…: the run has no such bands, has not been validated yet, or "
            "left callbacks.wavelet_metrics out"
        )
    validated = [row for row in rows if names[0] in row]
    steps = np.array([row["step"] for row in validated])
    return steps, {name: np.array([row[name] for row in validated]) for name in names}


def _layer(name: str) -> str:
    return re.sub(r"(\d+)", r" \1", name)


def _colours(bands: int) -> list[str]:
    return [COLOURS[1:][number % (len(COLOURS) - 1)] for number in range(bands)]
