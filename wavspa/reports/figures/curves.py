"""Learning curves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wavspa.errors import UserError
from wavspa.reports.figures.style import check_format, line_look, save, styled
from wavspa.reports.runs.collect import Run, cells
from wavspa.reports.runs.labels import cell_label, differing_options
from wavspa.reports.runs.same_data import data_labels


def draw_curves(runs: Sequence[Run], path: Path) -> None:
    """Write the figure of :func:`learning_curves`.

    Args:
        runs: The runs; those without a validated step are left out.
        path: Where to write; the suffix chooses the format.

    Raises:
        UserError: No run has been validated yet, or the format is unknown.
    """
    check_format(path.suffix[1:])
    save(learning_curves(runs), path)


@styled
def learning_curves(runs: Sequence[Run]) -> Figure:
    """Draw the monitored metric over steps: a panel for each data set and metric, a line for each cell.

    The line is the mean over the seeds of a cell, the band around it their range.

    Args:
        runs: The runs; those without a validated step are left out.

    Raises:
        UserError: No run has been validated yet.
    """
    drawn = cells([run for run in runs if _curve(run)])
    if not drawn:
        raise UserError("there is nothing to draw: no run has been validated yet")
    data = data_labels(drawn)
    options = differing_options(drawn, data)
    labels = [cell_label(*pair) for pair in zip(drawn, options, strict=True)]
    panels: dict[tuple[str, str], list[tuple[str, list[Run]]]] = {}
    for name, label, cell in zip(data, labels, drawn, strict=True):
        panels.setdefault((name, cell[0].config["task"]["monitor"]), []).append((label, cell))
    # A label looks the same in every panel.
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    figure = Figure(figsize=(5.5 * len(panels), 4.0), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, ((name, monitor), lines) in zip(axes, panels.items(), strict=True):
        for label, cell in lines:
            _line(axis, cell, label, numbers[label])
        axis.set_title(name)
        axis.set_xlabel("optimizer steps")
        axis.set_ylabel(monitor.replace("val/", "validation "))
        axis.legend(title="attention, wavelet")
    return figure


def _line(axis: Axes, cell: Sequence[Run], label: str, number: int) -> None:
    steps, values = _common(cell)
    colour, style = line_look(number)
    if len(cell) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        axis.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
        label += f" (n = {len(cell)})"
    axis.plot(steps, values.mean(axis=0), style, color=colour, label=label)


def _common(cell: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """The steps [S] at which all seeds of a cell have values, and these values [seeds, S]."""
    curves = [_curve(run) for run in cell]
    steps = sorted(set.intersection(*(set(curve) for curve in curves)))
    return np.array(steps), np.array([[curve[step] for step in steps] for curve in curves])


def _curve(run: Run) -> dict[int, float]:
    if run.damage:
        return {}
    monitor = run.config["task"]["monitor"]
    return {int(row["step"]): row[monitor] for row in run.metrics if monitor in row}
