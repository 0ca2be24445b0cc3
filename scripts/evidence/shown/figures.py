"""The figures of the page, made only from the collected results."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.evidence.load import Results
from scripts.evidence.paired import Difference, verdict
from scripts.evidence.shown.tables import LEARNED, NAMES, Tested
from scripts.evidence.studies import (
    ABLATED,
    BASES,
    DATA,
    FEWER_BASES,
    LONGER,
    LONGER_STEPS,
    MODES,
    STUDIES,
    Arm,
    arm_of,
    longer_arm,
)
from wavspa.reports.figures.bands import draw_energies, draw_orthogonality
from wavspa.reports.figures.filters import draw_filters
from wavspa.reports.figures.style import COLOURS, line_look, save, styled

PREFIX = "evidence_"
FILTERS = [("digits", "softmax-ada"), ("digits", "softmax-ortho"), ("image", "softmax-ada")]


class Panel(NamedTuple):
    """A panel of gains: its title, data set, bases, the arm of a base and a mode, and the tested study."""

    title: str
    data: str
    bases: Sequence[str]
    arm: Callable[[str, str], Arm]
    tested: Tested

    def gain(self, base: str, mode: str) -> tuple[Difference, float] | None:
        """The gain of a mode on its base with its corrected p; None if one of them has not run."""
        return self.tested.get((self.data, self.arm(base, mode).name))


def figures(results: Results) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The name of every figure that has results, and the function that draws it."""
    if rows := _with_gains(results):
        yield "gains", partial(draw_gains, rows)
    if results.steps:
        yield "pareto", partial(draw_pareto, results)
    if any(("lego", f"softmax-{mode}") in results.runs for mode in MODES):
        yield "lego", partial(draw_lego, results)
    if results.lengths:
        yield "lengths", partial(draw_lengths, results)
    for data, arm in FILTERS:
        if layers := results.filters.get((data, arm)):
            yield f"filters_{data}_{arm}", partial(draw_filters, layers)
    if runs := results.runs.get((ABLATED, "softmax-ada")):
        metrics = runs[min(runs)].metrics
        yield f"energy_{ABLATED}", partial(draw_energies, metrics)
        yield f"orthogonality_{ABLATED}", partial(draw_orthogonality, metrics)


@styled
def draw_gains(rows: Sequence[Sequence[Panel]]) -> Figure:
    """The gain of each mode on its base, in points with 95 % intervals, in a panel for each data set.

    A filled mark is a decided gain.

    Args:
        rows: The panels of each row, which share their bases.
    """
    columns = max(map(len, rows))
    heights = [0.5 * len(row[0].bases) + 0.9 for row in rows]
    figure = Figure(figsize=(2.2 * columns + 1.6, sum(heights)), layout="constrained")
    axes = figure.subplots(
        len(rows), columns, sharex="row", sharey="row", squeeze=False, height_ratios=heights
    )
    for across, row in zip(axes, rows, strict=True):
        for axis, panel in zip(across, row, strict=False):
            _draw_panel(axis, panel)
        across[0].set_yticks(range(len(row[0].bases)), row[0].bases)
        across[0].set_ylim(len(row[0].bases) - 0.5, -0.5)
        for axis in across[len(row) :]:
            axis.set_visible(False)
    for number, mode in enumerate(LEARNED, start=1):
        axes[0, -1].plot([], [], "o", color=COLOURS[number], label=mode)
    axes[0, -1].plot([], [], "o", color="#999999", label="decided")
    axes[0, -1].plot([], [], "o", color="#999999", markerfacecolor="white", label="undecided")
    _legend(axes[0, -1])
    label = "points above the plain base, with 95 % intervals over seeds"
    figure.supxlabel(label, fontsize="medium")
    return figure


def _draw_panel(axis: Axes, panel: Panel) -> None:
    axis.axvline(0, color=COLOURS[0], linewidth=0.8)
    for row, base in enumerate(panel.bases):
        gains = [panel.gain(base, mode) for mode in LEARNED]
        if not any(gains):
            axis.text(0, row, " not run", va="center", fontsize=7, color="#777777")
        for number, gain in enumerate(gains):
            if gain is None:
                continue
            found, corrected = gain
            low, high = (0.0 if math.isnan(end) else end - found.mean for end in found.interval)
            axis.errorbar(
                found.mean,
                row + 0.22 * (number - 1),
                xerr=[[-low], [high]],
                fmt="o",
                markersize=4,
                color=COLOURS[number + 1],
                markerfacecolor="white" if verdict(found, corrected) == "undecided" else None,
            )
    axis.set_title(panel.title, fontsize=8)
    axis.tick_params(labelbottom=True)


@styled
def draw_pareto(results: Results) -> Figure:
    """Accuracy (mean ± standard deviation) over CPU seconds of training; the line joins the Pareto front."""
    shown = [data for data in DATA if any(row["data"] == data for row in results.steps)]
    figure = Figure(figsize=(3.2 * len(shown), 3.4), layout="constrained")
    axes = figure.subplots(1, len(shown), squeeze=False)[0]
    for axis, data in zip(axes, shown, strict=True):
        found = []
        for row in results.steps:
            runs = results.runs.get((data, row["arm"]))
            base, _, mode = row["arm"].partition("-")
            if row["data"] != data or not runs or mode not in MODES:
                continue
            steps = runs[min(runs)].status["step"]
            values = list(results.values(data, row["arm"]).values())
            found.append((steps * float(row["cpu_seconds"]), values, base, mode))
        for seconds, values, base, mode in found:
            axis.errorbar(
                seconds,
                statistics.fmean(values),
                yerr=statistics.stdev(values) if len(values) > 1 else None,
                fmt="os^Dv"[BASES.index(base)],
                color=COLOURS[MODES.index(mode)],
                elinewidth=0.6,
            )
        front = pareto([(seconds, statistics.fmean(values)) for seconds, values, *_ in found])
        if front:
            axis.plot(*zip(*front, strict=True), "-", color="#999999", zorder=0)
        axis.set_title(NAMES[data], fontsize=8)
        axis.set_xlabel("CPU seconds of training")
    axes[0].set_ylabel("test accuracy / %")
    for number, mode in enumerate(MODES):
        axes[-1].plot([], [], "s", color=COLOURS[number], label=mode)
    for marker, base in zip("os^Dv", BASES, strict=True):
        axes[-1].plot([], [], marker, color="#999999", label=base)
    _legend(axes[-1])
    return figure


def pareto(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The Pareto front of (cost, value) pairs, cheapest first."""
    front: list[tuple[float, float]] = []
    for cost, value in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or value > front[-1][1]:
            front.append((cost, value))
    return front


@styled
def draw_lego(results: Results) -> Figure:
    """Accuracy at each position of the chain; only the first six count in the loss."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axis = figure.subplots()
    positions = list(range(1, 13))
    for number, mode in enumerate(MODES):
        runs = results.runs.get(("lego", f"softmax-{mode}"), {})
        if not runs:
            continue
        of_each = [
            [100 * run.status["test"][f"test/accuracy_{p}"] for run in runs.values()]
            for p in positions
        ]
        colour, style = line_look(number)
        axis.plot(positions, list(map(statistics.fmean, of_each)), style, color=colour, label=mode)
        axis.fill_between(
            positions, list(map(min, of_each)), list(map(max, of_each)), color=colour, alpha=0.15
        )
    axis.axvline(6.5, color="#999999", linewidth=0.8)
    axis.axhline(50, color="#999999", linewidth=0.8, linestyle=":", label="guessing")
    axis.set_xlabel("position in the chain (trained up to 6)")
    axis.set_ylabel("test accuracy / %")
    _legend(axis)
    return figure


@styled
def draw_lengths(results: Results) -> Figure:
    """CPU seconds and peak memory of a forward and backward pass of one layer, by length."""
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    axes = figure.subplots(1, 2)
    layers = dict.fromkeys((row["base"], row["mode"]) for row in results.lengths)
    for number, (base, mode) in enumerate(layers):
        rows = [r for r in results.lengths if (r["base"], r["mode"]) == (base, mode)]
        colour, style = line_look(number)
        for axis, column in zip(axes, ("cpu_seconds", "peak_mib"), strict=True):
            pairs = [(int(r["length"]), float(r[column])) for r in rows if float(r[column]) > 0]
            axis.plot(
                *zip(*pairs, strict=True), style, marker=".", color=colour, label=f"{base}, {mode}"
            )
    for axis, label in zip(axes, ("CPU seconds", "peak memory / MiB"), strict=True):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xlabel("length")
        axis.set_ylabel(label)
    _legend(axes[-1])
    return figure


def write(results: Results, folder: Path) -> list[Path]:
    """Write every figure into a folder.

    Returns:
        Paths of the files.
    """
    paths = []
    for name, draw in figures(results):
        paths.append(folder / f"{PREFIX}{name}.png")
        save(draw(), paths[-1])
    return paths


def _with_gains(results: Results) -> list[list[Panel]]:
    """The panels in which a mode can be compared with its base, in rows that share their bases.

    They have all bases, then the data with fewer, then longer training.
    """
    cells, long, longer = (
        Tested(results, STUDIES[study].cells) for study in ("cells", "long", "longer")
    )
    of_all = [
        Panel(NAMES[data], data, BASES, arm_of, cells) for data in DATA if data not in FEWER_BASES
    ]
    some = _in_order(FEWER_BASES)
    of_some = [
        Panel(NAMES[data], data, some, arm_of, cells if data in DATA else long)
        for data in FEWER_BASES
    ]
    some = _in_order(LONGER)
    trained_longer = [
        Panel(f"{NAMES[data]},\n{LONGER_STEPS:,} steps", data, some, longer_arm, longer)
        for data in LONGER
    ]
    rows = [
        [panel for panel in row if _has_gains(panel)] for row in (of_all, of_some, trained_longer)
    ]
    return [row for row in rows if row]


def _in_order(bases_of: Mapping[str, Sequence[str]]) -> list[str]:
    """The bases of several data sets together."""
    return [base for base in BASES if any(base in bases for bases in bases_of.values())]


def _has_gains(panel: Panel) -> bool:
    return any(panel.gain(base, mode) for base in panel.bases for mode in LEARNED)


def _legend(axis: Axes) -> None:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
