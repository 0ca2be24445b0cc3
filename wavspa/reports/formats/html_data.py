"""The page's data on cells and runs beyond its tables, small enough to send by mail."""

import base64
import gzip
import json
import math
import shlex
from collections.abc import Sequence
from typing import Any

from wavspa.metric_facts import digits, in_percent
from wavspa.reports.figures.filters import Filters, draw_filters
from wavspa.reports.figures.style import inline_svg
from wavspa.reports.report import Report
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.progress import state_of
from wavspa.reports.tables.cell import Cell, short, shown_metrics
from wavspa.reports.tables.footnotes import reason
from wavspa.run_folder import layout

# Largest number of values in all curves together, and the points that each curve keeps in any case.
MOST_NUMBERS = 400_000
FEWEST_POINTS = 20
DIGITS = 6
_NO_CURVES = ("step", "epoch", "seconds")


def page_data(report: Report) -> dict[str, Any]:
    """Cells with the values that charts draw; runs with their command, configuration and curves.

    Args:
        report: The report.

    Returns:
        Plain containers; a run names its cell by number.
    """
    numbers = {cell.hash: number for number, cell in enumerate(report.cells)}
    points = _points(report.runs)
    return {
        "cells": [_cell(cell, report) for cell in report.cells],
        "runs": [
            _run(run, numbers, points) | _filters(report.filters.get(run.folder))
            for run in report.runs
        ],
        "percent": [short(name) for name in shown_metrics(report.cells) if in_percent(name)],
        "points": points,
        "thinned": any(len(run.metrics) > points for run in report.runs),
    }


def packed(text: str) -> str:
    """Text compressed by gzip, in base64; the page's script unpacks it."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def packed_json(content: Any) -> str:
    """Plain containers, packed."""
    return packed(json.dumps(content, separators=(",", ":"), allow_nan=False))


def command_of(run: Run) -> str:
    """The command that recreates the run from its configuration's groups."""
    return shlex.join(["wavspa-train", *map(str, run.config["frozen"]["overrides"])])


def _cell(cell: Cell, report: Report) -> dict[str, Any]:
    metric = report.comparison.metrics[cell.data]
    return {
        "data": cell.data,
        "attention": cell.attention,
        "wavelet": cell.wavelet,
        "options": cell.options,
        "label": cell.label,
        "metric": short(metric),
        "monitor": cell.config["task"]["monitor"],
        "unit": "%" if in_percent(metric) else "",
        "digits": digits(metric),
        "values": [_number(value) for value in cell.tested(metric) if math.isfinite(value)],
        "seconds": cell.seconds_per_step,
        "memory": cell.peak_memory,
        "parameters": cell.parameters,
    }


def _run(run: Run, numbers: dict[str, int], points: int) -> dict[str, Any]:
    known: dict[str, Any] = {
        "name": run.folder.name,
        "folder": str(run.folder),
        "state": state_of(run),
        "reason": "" if run.state == "finished" else reason(run),
        "cell": None,
    }
    if run.damage:
        return known
    return known | {
        "cell": numbers[run.cell],
        "seed": run.config["seed"],
        "command": command_of(run),
        "config": (run.folder / layout.CONFIG).read_text(encoding="utf-8"),
        "test": {short(name): _number(value) for name, value in run.status.get("test", {}).items()},
        "curves": _curves(run.metrics, points),
    }


def _filters(layers: Sequence[Filters] | None) -> dict[str, str]:
    return {"filters": inline_svg(draw_filters(layers))} if layers else {}


def _points(runs: Sequence[Run]) -> int:
    """The number of points that a curve may keep so that all curves together stay small."""
    series = sum(len({name for row in run.metrics for name in row}) for run in runs)
    return max(FEWEST_POINTS, MOST_NUMBERS // max(series, 1))


def _curves(rows: Sequence[dict[str, float]], points: int) -> list[dict[str, Any]]:
    """The curves of a run; metrics that were logged at the same steps share their steps and seconds."""
    steps: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for name in row:
            if name not in _NO_CURVES and not name.startswith("test/"):
                steps.setdefault(name, []).append(place)
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, places in steps.items():
        groups.setdefault(tuple(_thinned(places, points)), []).append(name)
    return [
        {
            "steps": [int(rows[place]["step"]) for place in places],
            "seconds": [_number(rows[place].get("seconds", math.nan)) for place in places],
            "metrics": {name: [_number(rows[place][name]) for place in places] for name in names},
        }
        for places, names in groups.items()
    ]


def _thinned(places: Sequence[int], points: int) -> list[int]:
    """At most ``points`` of them, evenly spaced, including the first and the last."""
    if len(places) <= points:
        return list(places)
    last = len(places) - 1
    return [places[round(number * last / (points - 1))] for number in range(points)]


def _number(value: float) -> float | None:
    """The number with fewer digits; None if JSON cannot represent it."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
