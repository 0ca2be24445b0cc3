"""One row a cell: every metric, and what it cost."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from wavspa.reports.number_format import count, mean_and_deviation, mebibytes, milliseconds
from wavspa.reports.tables.cell import Summary

NUMBERED = re.compile(r"_\d+$")
# How many columns, from the left, hold words.
WORDS = 4


class Details(NamedTuple):
    """The names of the columns and the rows; ``words`` columns from the left hold no numbers."""

    names: list[str]
    rows: list[list[str]]
    words: int


def details(cells: Sequence[Summary]) -> Details:
    """One row a cell, in words; columns that are empty in all rows are left out."""
    metrics = shown_metrics(cells)
    names = ["dataset", "attention", "wavelet", "options", *map(short, metrics)]
    names += ["best val", "params", "ms/step", "peak MiB", "steps", "seeds", "protocol"]
    return without_empty(names, [_row(cell, metrics) for cell in cells], WORDS)


def without_empty(names: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> Details:
    """Rows without the columns that are empty in all of them."""
    used = [number for number in range(len(names)) if any(row[number] for row in rows)]
    return Details(
        [names[number] for number in used],
        [[row[number] for number in used] for row in rows],
        sum(number < words for number in used),
    )


def shown_metrics(cells: Sequence[Summary]) -> list[str]:
    """The test metrics that have columns: no losses, and none with numbers."""
    names = dict.fromkeys(
        name for cell in cells for run in cell.runs for name in run.status.get("test", {})
    )
    return [name for name in names if not name.endswith("loss") and not NUMBERED.search(name)]


def short(metric: str) -> str:
    """A test metric's name as a column's."""
    return metric.removeprefix("test/")


def _row(cell: Summary, metrics: Sequence[str]) -> list[str]:
    return [
        cell.data,
        cell.attention,
        cell.wavelet,
        cell.options,
        *(mean_and_deviation(cell.tested(metric), 2) for metric in metrics),
        _best(cell),
        count(cell.parameters),
        milliseconds(cell.seconds_per_step),
        mebibytes(cell.peak_memory),
        str(cell.steps) if cell.steps == cell.budget else f"{cell.steps} of {cell.budget}",
        cell.seeds,
        cell.protocol,
    ]


def _best(cell: Summary) -> str:
    bests = [best for run in cell.runs if (best := run.status.get("best"))]
    if bests and bests[0]["metric"].endswith("loss"):
        return mean_and_deviation([best["value"] for best in bests], 4)
    return mean_and_deviation([100 * best["value"] for best in bests], 2)
