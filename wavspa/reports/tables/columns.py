"""The columns of the report's table of cells: one entry adds one, in every format."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from wavspa.metric_facts import digits, factor, in_percent
from wavspa.reports.number_format import (
    count,
    deviation,
    mean_and_deviation,
    mebibytes,
    milliseconds,
)
from wavspa.reports.tables.cell import Cell, short, shown_metrics
from wavspa.reports.tables.comparison import Comparison

Row = TypeVar("Row")


class Column(NamedTuple, Generic[Row]):
    """A column: its name, its value in a row, and the format of the value.

    Attributes:
        name: Its name in tables for people; None leaves it out there.
        value: Its value in a row.
        format: The value as tables show it.
        csv: Its name in ``table.csv``, which has the unformatted value; None leaves it out there.
        side: Its alignment in tables: words to the left, numbers to the right.
    """

    name: str | None
    value: Callable[[Row], Any]
    format: Callable[[Any], str] = str
    csv: str | None = None
    side: Literal["left", "right"] = "right"


def columns(cells: Sequence[Cell], comparison: Comparison | None = None) -> list[Column[Cell]]:
    """The columns for these cells, in order.

    Args:
        cells: The cells.
        comparison: How they compare; without it, the columns that need it are left out.
    """
    return [
        Column("dataset", lambda c: c.data, csv="data", side="left"),
        Column(None, lambda c: c.dataset, csv="dataset"),
        Column("attention", lambda c: c.attention, csv="attention", side="left"),
        Column("wavelet", lambda c: c.wavelet, csv="wavelet", side="left"),
        Column("options", lambda c: c.options, csv="options", side="left"),
        Column(None, lambda c: len(c.finished), csv="finished"),
        Column(None, _unfinished, csv="unfinished"),
        *(column for metric in shown_metrics(cells) for column in _of_metric(metric)),
        *(_of_comparison(comparison) if comparison else ()),
        Column("best val", _best),
        Column("params", lambda c: c.parameters, count, csv="parameters"),
        Column("ms/step", lambda c: c.seconds_per_step, milliseconds, csv="seconds_per_step"),
        Column("peak MiB", lambda c: c.peak_memory, mebibytes, csv="peak_memory_bytes"),
        Column("steps", _steps),
        Column(None, lambda c: c.steps, csv="steps"),
        Column(None, lambda c: c.budget, csv="budget_steps"),
        Column("seeds", lambda c: c.seeds),
        Column("protocol", lambda c: c.protocol, csv="protocol"),
        Column(None, lambda c: ", ".join(c.devices), csv="devices"),
        Column(None, lambda c: c.hash, csv="cell"),
    ]


class TextTable(NamedTuple):
    """The names of the columns, their alignment, and the rows, all as text."""

    names: list[str]
    sides: list[Literal["left", "right"]]
    rows: list[list[str]]

    @property
    def words(self) -> int:
        """The number of columns that hold words; they are the first ones."""
        return self.sides.count("left")


def cell_table(cells: Sequence[Cell]) -> TextTable:
    """One row per cell, as text."""
    return text_table(columns(cells), cells)


def text_table(columns: Iterable[Column[Row]], rows: Sequence[Row]) -> TextTable:
    """Rows as text; columns that are empty in all of them are left out."""
    shown = [
        (column.name, column.side, texts)
        for column in columns
        if column.name is not None
        and any(texts := [column.format(column.value(row)) for row in rows])
    ]
    return TextTable(
        [name for name, _, _ in shown],
        [side for _, side, _ in shown],
        [[texts[number] for _, _, texts in shown] for number in range(len(rows))],
    )


def _of_metric(metric: str) -> list[Column[Cell]]:
    name = short(metric)
    in_csv = f"{name}_percent" if in_percent(metric) else name
    return [
        Column(
            name, lambda c: c.tested(metric), partial(mean_and_deviation, digits=digits(metric))
        ),
        Column(None, lambda c: _mean(c.tested(metric)), csv=in_csv),
        Column(None, lambda c: deviation(c.tested(metric)), csv=f"{in_csv}_sd"),
    ]


def _of_comparison(comparison: Comparison) -> list[Column[Cell]]:
    entries, metrics = comparison.entries, comparison.metrics
    return [
        Column(None, lambda c: short(metrics[c.data]), csv="compared"),
        Column(None, lambda c: entries[c.hash].best, csv="best"),
        Column(None, lambda c: entries[c.hash].published, csv="published_percent"),
    ]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values and not any(map(math.isnan, values)) else None


def _unfinished(cell: Cell) -> str:
    return ", ".join(f"{number} {state}" for state, number in cell.others.items())


def _steps(cell: Cell) -> str:
    return str(cell.steps) if cell.steps == cell.budget else f"{cell.steps} of {cell.budget}"


def _best(cell: Cell) -> str:
    monitor = cell.config["task"]["monitor"]
    bests = [best["value"] for run in cell.runs if (best := run.status.get("best"))]
    return mean_and_deviation([factor(monitor) * best for best in bests], digits(monitor))
